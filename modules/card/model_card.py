"""Model cards (Mitchell et al. 2019, https://arxiv.org/abs/1810.03993): one set of facts, as JSON and as Markdown.

`server` and `edge` gather the facts about a SavedModel and about a bundle; `render` turns them into a page.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modules.card.settings import ModelCardNodeSettings
from modules.quality import intervals, scoring
from modules.quality.predictions import Predictions
from modules.quality.slice_names import shown_name, shown_value
from modules.targets.base import Target
from modules.tensors import Column, ColumnType
from modules.text import fit
from modules.tflite import main_score

CARD_VERSION = 1
SERVER, EDGE = "server", "edge"
TEMPLATE = Path(__file__).parent / "templates" / "model_card.md.j2"
# By type of column.
_EXAMPLES: dict[str, str | int | float] = {
    **{"text": "a text", "integer": 1, "number": 1.0, "time": "2024-05-03T14:30Z"},
    "image": "iVBORw0KGgo… (a JPEG or PNG in base64)",
}
# What Markdown takes for markup; an underscore inside a word is none.
_MARKUP = re.compile(r"[\\`*\[\]|~!#]|(?<![^\W_])_|_(?![^\W_])")


def server(
    settings: ModelCardNodeSettings,
    *,
    splits: Mapping[str, Any],
    fairness: Mapping[str, Any],
    training: Mapping[str, Any],
    size: Mapping[str, Any],
    created: str,
    linear: Mapping[str, Any] | None = None,
    texts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Gathers the facts about a SavedModel.

    Args:
        settings: what the node is told.
        splits: `modules.quality.predictions.Predictions` by split.
        fairness: what `modules.quality.fairness.measure` found on the test split.
        training: what Trainer recorded: `settings`, `precision`, `rows`, `parameters`.
        size: `bytes` of the SavedModel and `parameters`.
        created: date, `YYYY-MM-DD`.
        linear: by split, what `modules.quality.against_baseline.measure` found; None where nothing was compared.
        texts: what StatisticsGen found of the texts; None where there are none.

    Returns:
        JSON values, the content of `model_card.json`.
    """
    judge = scoring.of(settings.target)
    rows = {"train": training["rows"], **{name: len(found) for name, found in splits.items()}}
    shown = ("epochs", "batch_size", "learning_rate", "dropout", "weight_decay", "seed")
    return {
        **_common(settings, SERVER, created, texts),
        "rows": rows,
        "training": {
            **{name: training["settings"][name] for name in shown},
            "precision": training["precision"],
            "warm_start": training["warm_start"],
        },
        "metrics": {name: measured(found, judge) for name, found in splits.items()},
        "intervals": {"level": intervals.LEVEL, "method": f"bootstrap, {intervals.RESAMPLES} resamples"},
        "fairness": fairness,
        "against_linear": dict(linear or {}),
        "bounds": settings.model_dump(mode="json", include={"thresholds", "gaps"}),
        "decision": _decision(settings, training.get("decision")),
        "size": dict(size),
    }


def edge(
    settings: ModelCardNodeSettings,
    *,
    pareto: Mapping[str, Any],
    bundle: Mapping[str, Any],
    training_rows: int,
    created: str,
    texts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Gathers the facts about a bundle.

    Args:
        settings: as of `server`.
        pareto: what EdgeEvaluator wrote, with a variant selected.
        bundle: `bytes` and `sha256` of the file.
        training_rows: rows of the train split.
        created: date, `YYYY-MM-DD`.
        texts: as of `server`.

    Returns:
        JSON values, the content of `model_card.json`.
    """
    name = pareto["selected"]
    variant, test, reference = pareto["variants"][name], pareto["test"]["selected"], pareto["test"]["reference"]
    titles, score = scoring.of(settings.target).titles, main_score.of(pareto)
    return {
        **_common(settings, EDGE, created, texts),
        "rows": {"train": training_rows, "eval": variant["rows"], "test": test["rows"]},
        "recipe": name,
        "metrics": {split: _of_counts(found, titles) for split, found in (("test", test), ("eval", variant))},
        "intervals": {"level": intervals.LEVEL, "method": "Wilson score interval" if "accuracy" in titles else None},
        "against_server": {
            score.drop: {"eval": variant[score.drop], "test": test[score.drop]},
            f"server_{score.name}_on_test": reference[score.name],
            "agreement": variant["agreement"],
            "told": {
                "change": f"{score.title} {score.change(test[score.drop])} ({reference[score.name]:.3f} there)",
                "agreement": f"{score.agrees} {variant['agreement']:.1%}",
            },
        },
        "fairness": _score_gaps(test["slices"], titles, settings.target),
        "bounds": {"gate": pareto["gate"], "objective": pareto["objective"]},
        "decision": _decision(settings, variant.get("decision")),
        "size": {
            **bundle,
            "gzip_bytes": variant["gzip_bytes"],
            "size_ratio": variant["size_ratio"],
            "sparsity": variant["sparsity"],
            "latency": variant["latency"],
            "latency_ratio": variant["latency_ratio"],
            "peak_bytes": variant.get("peak_bytes"),
        },
    }


def render(card: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    """The page of a card, in Markdown.

    Args:
        card: what `server` or `edge` returned.
        titles: the target's metrics with what a person calls them.
    """
    import jinja2  # late: a graph that is only compiled does not need it

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE.parent),
        autoescape=False,  # Markdown, not HTML; what comes from a configuration goes through `text` and `cell`
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(text=_one_line, cell=_cell, interval=_interval, megabytes=_megabytes)
    return environment.get_template(TEMPLATE.name).render(card=card, titles=titles)


def measured(found: Predictions, judge: scoring.Scoring) -> dict[str, Any]:
    """Metrics of a model's answers to a split, with intervals.

    Args:
        found: the answers.
        judge: of the target.

    Returns:
        `rows`, the metrics that the target shows (`{"value", "low", "high"}`), what else it has for a card (of one
        label `by_label`), and `slices`, rows and metrics by `column:value`.
    """

    def one(rows: Any) -> dict[str, Any]:
        truth, predicted = found.label[rows], found.predicted[rows]
        ranges = judge.intervals(truth, predicted)
        return {"rows": len(truth), **{name: ranges[name].to_dict() for name in judge.titles}}

    slices = {name: one(rows) for name, rows in scoring.by_slice(found.slices).items()}
    return {**one(slice(None)), **judge.card_details(found), "slices": slices}


def _decision(settings: ModelCardNodeSettings, found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Which label is answered from which probability on, and whether that was chosen on eval; None: the likeliest."""
    return {**found, "chosen": settings.target.is_open} if found else None


def _common(
    settings: ModelCardNodeSettings, kind: str, created: str, texts: Mapping[str, Any] | None
) -> dict[str, Any]:
    spoken, unknown = (texts or {}).get("languages", {}), (texts or {}).get("unknown_token_rate", 0.0)
    section = settings.card.model_dump(mode="json", exclude={"sources", "probes"})
    sources = [
        source
        for source in settings.card.sources
        if source.dataset in (None, settings.dataset) and source.backbone in (None, settings.backbone)
    ]
    if not any(source.kind == "weights" for source in sources):
        sources += settings.backbone_sources
    return {
        "card_version": CARD_VERSION,
        "kind": kind,
        "task": settings.task,
        "labels": settings.target.names,
        "target": settings.target.kind,
        "answer": settings.target.told,
        "created": created,
        **section,
        "sources": [source.model_dump(mode="json", exclude={"dataset", "backbone"}) for source in sources],
        "sequence_length": settings.sequence_length,
        "reads": settings.reads,
        "columns": list(settings.columns),
        "row": {name: _example(kind) for name, kind in settings.columns.items()},
        "backbone": settings.backbone,
        "languages": {
            "texts": spoken,
            "backbone": settings.backbone_languages,
            "problem": fit.problem("the backbone's vocabulary", unknown, spoken, settings.backbone_languages),
        },
        "slice_columns": settings.slices,
        "digests": settings.digests,
    }


def _example(kind: ColumnType) -> str | int | float:
    """A value of a column, for a request that shows how one is asked for."""
    column = Column("", kind)
    if column.kind_of_value == "readings":
        return str([0.0] * int(kind.split()[-1]))
    return _EXAMPLES[column.kind_of_value]


def _of_counts(counted: Mapping[str, Any], titles: Mapping[str, str]) -> dict[str, Any]:
    """Metrics of which only counts and shares are known; the accuracy's interval follows from those."""
    from scipy import stats

    def one(values: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {metric: {"value": values[metric]} for metric in titles}
        more = {"interval": values["interval"]} if values.get("interval") else {}
        if "accuracy" not in titles:
            return {"rows": values["rows"], **found, **more}
        ends = stats.binomtest(round(values["accuracy"] * values["rows"]), values["rows"]).proportion_ci(
            intervals.LEVEL, method="wilson"
        )
        accuracy = {"value": values["accuracy"], "low": float(ends.low), "high": float(ends.high)}
        return {"rows": values["rows"], **found, "accuracy": accuracy}

    return {**one(counted), "slices": {name: one(values) for name, values in counted["slices"].items()}}


def _score_gaps(slices: Mapping[str, Any], titles: Mapping[str, str], target: Target) -> dict[str, Any]:
    """Gaps of the target's scores by slice column, from the metrics of slices named `column:value`."""
    columns: dict[str, dict[str, Mapping[str, Any]]] = {}
    for name, values in slices.items():
        column, _, value = name.partition(":")
        columns.setdefault(column, {})[value] = values
    found = {}
    for column, of_value in columns.items():
        gaps = {}
        for metric in titles:
            worst, best = (pick(of_value, key=lambda name: of_value[name][metric]) for pick in (min, max))
            if target.less_is_better(metric):
                worst, best = best, worst
            gaps[metric] = {
                "value": abs(of_value[best][metric] - of_value[worst][metric]),
                "worst": {"slice": worst, "value": of_value[worst][metric]},
                "best": {"slice": best, "value": of_value[best][metric]},
            }
        found[column] = {"gaps": gaps}
    return {"columns": found}


def _one_line(value: Any) -> str:
    return re.sub(r"\s+", " ", str(value)).strip()


def _cell(value: Any) -> str:
    """Text of a table's cell, literally: no markup, no HTML, no link, no end of the cell or the table in it."""
    name = str(value)
    return _literal(shown_name(name) if ":" in name else shown_value(name))


def _literal(text: str) -> str:
    return _MARKUP.sub(r"\\\g<0>", html.escape(_one_line(text), quote=False))


def _interval(value: Mapping[str, float] | None) -> str:
    if value is None:
        return "–"
    ends = f" [{value['low']:.3f}, {value['high']:.3f}]" if "low" in value else ""
    return f"{value['value']:.3f}{ends}"


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.2f} MB"
