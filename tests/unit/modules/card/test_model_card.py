"""`modules.card.model_card`: one set of facts as JSON and as a page, and nothing in it that is not known."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from modules.card import model_card
from modules.card.settings import CardSettings, ModelCardNodeSettings
from modules.quality import fairness
from modules.quality.predictions import Predictions
from modules.quality.settings import FairnessSettings

import numpy as np
import pytest

from pipeline.config import loader
from pipeline.config.task import Config
from pipeline.graph import evaluation

SOURCES = [
    {"name": "Snippets", "kind": "data", "licence": "MIT", "dataset": "vader"},
    {"name": "Own rows | of ours", "kind": "data", "licence": "see contract"},
    {"name": "MiniLM", "kind": "weights", "licence": "Apache-2.0", "backbone": "minilm"},
]
SECTION = {
    "summary": "Says good\nor bad.",
    "licence": "Apache-2.0",
    "intended_use": ["Counting opinions."],
    "limits": ["Irony."],
    "sources": SOURCES,
}


OF_BACKBONE = {"name": "Encoder 1", "kind": "weights", "licence": "MIT", "address": "there", "note": "Small."}


TITLES = {"accuracy": "accuracy", "macro_f1": "macro-F1"}


def settings(**changes: Any) -> ModelCardNodeSettings:
    values = {
        "card": CardSettings(**{**SECTION, **changes.pop("card", {})}),
        "task": "mood",
        "target": {"kind": "one_label", "labels": ["bad", "good"]},
        "slices": ["source"],
        "dataset": "vader",
        "backbone": "minilm",
        "backbone_sources": [],
        "sequence_length": 64,
        "reads": "the first 64 tokens count",
        "thresholds": {"accuracy": {"min": 0.8, "max": None, "max_drop": 0.01, "slice_min": None}},
        "gaps": {"source": {"accuracy": {"max_gap": 0.15, "decided_by": "value"}}},
        "digests": {"config": "c0ffee"},
        **changes,
    }
    return ModelCardNodeSettings.model_validate(values)


def predictions(rows: int = 200, sources: tuple[str, ...] = ("web|shop", "mail")) -> Predictions:
    label = np.arange(rows) % 2
    predicted = np.where(np.arange(rows) % 10 == 0, 1 - label, label)
    return Predictions(
        text_hash=[str(row) for row in range(rows)],
        text=[f"text {row}" for row in range(rows)],
        label=label,
        predicted=predicted,
        more={"probabilities": np.eye(2, dtype=np.float32)[predicted]},
        slices={"source": [sources[row // 3 % len(sources)] for row in range(rows)]},
    )


TRAINING = {
    "settings": {"epochs": 3, "batch_size": 32, "learning_rate": 1e-4, "dropout": 0.1, "weight_decay": 0.01, "seed": 1},
    "precision": "float32",
    "warm_start": False,
    "rows": 1600,
}


def server(texts: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    test = predictions()
    gaps = FairnessSettings(min_rows=30, resamples=200, level=0.95, seed=1)
    return model_card.server(
        settings(**changes),
        splits={"test": test, "eval": predictions(100)},
        fairness=fairness.measure(test.label, test.predicted, test.slices, ["bad", "good"], gaps),
        training=TRAINING,
        size={"bytes": 12_340_000, "parameters": 22_713_986},
        created="2026-11-25",
        texts=texts,
    )


def test_the_card_says_how_far_the_model_is_from_the_linear_baseline() -> None:
    found = {
        "metric": "macro_f1", "name": "TF-IDF of words", "verdict": "better",
        "difference": {"value": 0.0512, "low": 0.03, "high": 0.07},
    }  # fmt: skip
    card = server()
    assert "linear baseline" not in model_card.render(card, TITLES)
    compared = {"eval": found, "test": {**found, "verdict": "within noise"}}
    page = model_card.render({**card, "against_linear": compared}, TITLES)
    told = "macro_f1 is +0.0512 [+0.030, +0.070] against the linear baseline (TF-IDF of words), paired row by row"
    assert f"- On eval, {told}: better. A model that is worse by more than noise is not pushed." in page
    assert f"- On test, {told}: within noise.\n" in page


def test_the_card_says_in_which_language_the_texts_are_and_whether_the_backbone_fits() -> None:
    known = {"backbone_languages": ["en"]}
    page = model_card.render(server(**known, texts={"languages": {"en": 0.97}, "unknown_token_rate": 0.01}), TITLES)
    assert "| Languages of its texts | en 97%; the pretrained encoder knows en |" in page
    assert "another language" not in page
    for make in (server, edge):
        card = make(**known, texts={"languages": {"de": 0.9, "en": 0.1}, "unknown_token_rate": 0.01})
        assert card["languages"]["problem"]
        assert "- The texts seem to be in another language (de 90%) than" in model_card.render(card, TITLES)
    card = server(texts={"languages": {"zh": 1.0}, "unknown_token_rate": 0.65})
    assert "- The backbone's vocabulary does not fit these texts: 65% of the" in model_card.render(card, TITLES)
    assert "Languages of its texts" not in model_card.render(server(), TITLES)


def test_a_label_that_is_looked_for_has_its_threshold_and_its_ranking_in_the_card() -> None:
    plain = model_card.render(server(), TITLES)
    assert "| Decision |" not in plain
    assert "as the mean over the labels: area under precision and recall 0." in plain
    rare = {"positive": "good", "decision": {"threshold": "auto"}}
    own = settings(target={"kind": "one_label", "labels": ["bad", "good"], **rare})
    training = {**TRAINING, "decision": {"label": "good", "threshold": 0.3125}}
    card = model_card.server(
        own, splits={"test": predictions()}, fairness={"columns": {}}, training=training,
        size={"bytes": 1, "parameters": 1}, created="2026-11-25",
    )  # fmt: skip
    page = model_card.render(card, {**TITLES, "balanced_accuracy": "balanced accuracy"})
    assert "| Decision | good where its probability is 0.3125 or more, chosen on `eval` |" in page
    assert re.search(
        r"of good: area under precision and recall 0\.\d{3} \[0\.\d{3}, 0\.\d{3}\], recall at a precision of 0.9", page
    )
    assert "| balanced accuracy |" in page
    assert "curves" not in json.dumps(card)


def scores(rows: int, accuracy: float) -> dict[str, Any]:
    return {
        "rows": rows,
        "accuracy": accuracy,
        "macro_f1": accuracy,
        "accuracy_drop": 0.01,
        "slices": {
            f"source:{name}": {"rows": rows // 2, "accuracy": accuracy + add, "macro_f1": accuracy + add}
            for name, add in (("web", 0.02), ("mail", -0.02))
        },
    }


def edge(texts: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    variant = {
        **scores(100, 0.9), "gzip_bytes": 900, "size_ratio": 12.5, "sparsity": 0.5, "latency_ratio": 6.0,
        "agreement": 0.991, "peak_bytes": None, "latency": {"1": {"p50_ms": 1.5, "p95_ms": 2.0}},
    }  # fmt: skip
    pareto = {
        "selected": "dynamic_wi8_afp32",
        "objective": "balanced",
        "gate": {"max_accuracy_drop": 0.01, "max_bytes": None},
        "variants": {"dynamic_wi8_afp32": variant},
        "test": {"selected": scores(200, 0.88), "reference": scores(200, 0.89)},
    }
    return model_card.edge(
        settings(**changes),
        pareto=pareto,
        bundle={"bytes": 1_200_000, "sha256": "ab" * 32},
        training_rows=1600,
        created="2026-11-25",
        texts=texts,
    )


def table(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading."""
    part = page.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    block = re.search(r"(?:^\|.*\n)+", part, re.MULTILINE)
    assert block, f"no table under {heading}"
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in block[0].splitlines()]


@pytest.mark.parametrize("card", [server(), edge()], ids=["server", "edge"])
def test_every_table_is_whole_and_no_section_is_empty(card: dict[str, Any]) -> None:
    page = model_card.render(card, TITLES)
    for block in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        widths = {len(re.split(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block
    for section in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        assert body.strip(), f"{heading} is empty"
    assert "\n\n\n" not in page
    assert json.loads(json.dumps(card)) == card


def test_metrics_stand_by_slice_with_their_intervals() -> None:
    card = server()
    rows = table(model_card.render(card, TITLES), "Metrics")
    overall = card["metrics"]["test"]["accuracy"]
    assert overall["value"] == pytest.approx(0.9)
    assert overall["low"] < 0.9 < overall["high"]
    shown = {row[0]: row[1:] for row in rows[2:]}
    assert shown["overall"][:2] == ["200", f"0.900 [{overall['low']:.3f}, {overall['high']:.3f}]"]
    assert set(shown) == {"overall", "source:mail", r"source:web\|shop"}


def test_the_gaps_between_slices_are_in_both_cards() -> None:
    rows = table(model_card.render(server(), TITLES), "Differences between groups")
    assert ["source", "accuracy"] in [row[:2] for row in rows]
    assert any(row[1].startswith("equal_opportunity (") for row in rows)
    gaps = edge()["fairness"]["columns"]["source"]["gaps"]
    assert gaps["accuracy"]["value"] == pytest.approx(0.04)
    assert gaps["accuracy"]["worst"]["slice"] == "mail"


def test_a_pipe_or_a_line_break_of_the_configuration_breaks_no_table() -> None:
    page = model_card.render(server(), TITLES)
    assert "Says good or bad." in page
    assert r"Own rows \| of ours" in page


def test_only_what_was_used_is_named_with_its_licence() -> None:
    names = [source["name"] for source in server()["sources"]]
    assert names == ["Snippets", "Own rows | of ours", "MiniLM"]
    names = [source["name"] for source in server(dataset=None, backbone="scratch")["sources"]]
    assert names == ["Own rows | of ours"]


def test_a_backbone_names_its_weights_where_the_configuration_names_none() -> None:
    own = server(backbone_sources=[OF_BACKBONE])["sources"]
    assert [source["name"] for source in own] == ["Snippets", "Own rows | of ours", "MiniLM"]
    card = server(backbone="other", backbone_sources=[OF_BACKBONE])
    assert card["sources"][-1] == OF_BACKBONE
    assert "Encoder 1" in model_card.render(card, TITLES)


def test_what_nobody_stated_is_called_so_with_the_field_to_set() -> None:
    page = model_card.render(server(card={"licence": None, "summary": None, "limits": [], "sources": []}), TITLES)
    for field in ("summary", "licence", "contacts", "out_of_scope", "limits", "sources"):
        assert f"`card.{field}`" in page, field


def test_the_bundle_is_named_by_its_digest_and_compared_with_the_server() -> None:
    page = model_card.render(edge(), TITLES)
    assert "ab" * 32 in page
    assert "accuracy -0.010 (0.890 there)" in page
    assert "12.5 times smaller, 6.0 times faster" in page
    accuracy = edge()["metrics"]["test"]["accuracy"]
    assert accuracy["low"] < 0.88 < accuracy["high"]


def test_a_task_without_slices_says_that_nothing_was_measured() -> None:
    test = predictions()
    plain = Predictions(test.text_hash, test.text, test.label, test.predicted, test.more, {})
    card = model_card.server(
        settings(slices=[], gaps={}, thresholds={}),
        splits={"test": plain},
        fairness={"rows": 200, "min_rows": 30, "level": 0.95, "columns": {}},
        training=TRAINING,
        size={"bytes": 1, "parameters": 1},
        created="2026-11-25",
    )
    page = model_card.render(card, TITLES)
    assert "data.columns.slices" in page
    assert "No bounds were set." in page


def test_the_default_task_states_everything_but_whom_to_ask(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    config = loader.load("configs/sentiment.yaml", profile="quick")
    card = server(card=config.card.model_dump())
    page = model_card.render(card, TITLES)
    assert re.findall(r"`card\.(\w+)` in the configuration", page) == ["contacts"]
    licences = {source["name"].split(" ")[0]: source["licence"] for source in card["sources"]}
    assert licences == {"Ground": "MIT", "all-MiniLM-L6-v2": "Apache-2.0"}


def test_a_new_sentence_or_another_code_is_a_new_card_and_a_new_edge_gate_is_not(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)

    def node_settings(*overrides: str) -> ModelCardNodeSettings:
        config: Config = loader.load("configs/sentiment.yaml", profile="quick", overrides=overrides)
        return evaluation._card_settings(config, evaluation.MODEL_SECTIONS, ())

    usual = node_settings()
    assert node_settings("card.limits=[none]") != usual
    assert node_settings("edge_evaluator.gate.max_bytes=1", "pruner.epochs=9", "pusher.keep_versions=2") == usual
    monkeypatch.setattr(evaluation.code_digest, "of", lambda config, *nodes: "another")
    assert node_settings() != usual


def test_a_model_of_several_columns_is_loaded_by_their_names_and_one_of_numbers_speaks_of_no_text() -> None:
    alone = model_card.render(server(), TITLES)
    assert 'signatures["serving_text"](text=tf.constant(["a text"]))' in alone
    both = model_card.render(server(columns={"body": "text", "price": "number"}), TITLES)
    assert "| Inputs | the columns body, price; of the text the first 64 tokens count |" in both
    assert 'row = {"body": "a text", "price": 1.0}' in both
    assert '"signature_name": "serving_rows", "instances": [{"body": "a text", "price": 1.0}]' in both
    numbers = model_card.render(server(columns={"price": "number"}, sequence_length=0, backbone=""), TITLES)
    assert "| Inputs | the columns price |" in numbers
    assert "serving_text" not in numbers
    assert "tokens" not in numbers
    assert "| backbone | none |" in numbers


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
        ("[a](javascript:alert(1))", r"\[a\](javascript:alert(1))"),
        ("![a](http://b)", r"\!\[a\](http://b)"),
        ("<javascript:alert(1)>", "&lt;javascript:alert(1)&gt;"),
        ("a|b", r"a\|b"),
        ("*a* `b` ~c~ _d_ e_f", r"\*a\* \`b\` \~c\~ \_d\_ e_f"),
        ("&lt;", "&amp;lt;"),
        ("line\nbreak", "line break"),
        ("", "(empty)"),
    ],
)
def test_a_value_of_the_rows_is_no_markup_in_a_card(value: str, written: str) -> None:
    card = edge()
    card["metrics"]["test"]["slices"] = {f"shop:{value}": card["metrics"]["test"]}
    assert f"| shop:{written} |" in model_card.render(card, TITLES)
