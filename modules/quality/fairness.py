"""How far apart the slices of a column lie: gaps of metrics with intervals, and whether they keep their bounds.

A gap is the best slice's value minus the worst one's. The equal opportunity difference (Hardt et al. 2016, "Equality
of Opportunity in Supervised Learning", https://arxiv.org/abs/1610.02413) is the gap of a label's recall: whether those
who should get a label get it in every group alike. With several labels, the largest of their gaps counts.

The best and the worst of several noisy numbers lie apart by chance already; `modules.quality.simultaneous` says what
intervals of a gap know of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from modules.quality.intervals import resample
from modules.quality.scores import confusion, of_confusion
from modules.quality.settings import FairnessSettings, GapBound
from modules.quality.simultaneous import Compared, gap_interval
from modules.quality.slice_names import shown_value

import numpy as np

EQUAL_OPPORTUNITY = "equal_opportunity"
RECALL_OF = "recall_"  # followed by a label's name
_MACRO = ("accuracy", "macro_f1", "precision", "recall")
_EPSILON = 1e-9  # a gap that equals its bound up to rounding keeps it


def measure(
    labels: np.ndarray,
    predicted: np.ndarray,
    slices: Mapping[str, Sequence[str]],
    label_names: Sequence[str],
    settings: FairnessSettings,
) -> dict[str, Any]:
    """Measures the gaps between the slices of each column.

    Args:
        labels: true label ids, int `[rows]`.
        predicted: predicted label ids, int `[rows]`.
        slices: by slice column, the value of each row.
        label_names: in the order of their ids.
        settings: the section `evaluator.fairness`.

    Returns:
        `{"rows", "min_rows", "level", "columns": {column: {"slices", "gaps"}}}`, JSON values. `slices` holds by value
        `rows`, `counted` and the metrics; `gaps` by metric `value`, `low`, `high`, and the `worst` and `best` slice
        with their values, or None where fewer than two slices have enough rows. The gap `equal_opportunity` also
        names its `label`.
    """
    columns = {}
    for column, values in slices.items():
        of_row = np.asarray(values)
        tables = {
            str(value): confusion(labels[of_row == value], predicted[of_row == value], len(label_names))
            for value in sorted(set(values))
        }
        columns[column] = _column(tables, label_names, settings)
    return {"rows": len(labels), "min_rows": settings.min_rows, "level": settings.level, "columns": columns}


def missed(measured: Mapping[str, Any], bounds: Mapping[str, Mapping[str, GapBound]]) -> list[dict[str, Any]]:
    """Says which bounds are not kept.

    Args:
        measured: what `measure` returned.
        bounds: by column and metric.

    Returns:
        Items `{"metric", "slice", "value", "bound", "message"}`, as of the other bounds of the gate. A gap that could
        not be measured keeps no bound.
    """
    found = []
    for column, by_metric in bounds.items():
        gaps = measured["columns"].get(column, {}).get("gaps", {})
        for metric, bound in by_metric.items():
            gap = gaps.get(metric)
            asked = f"at most {bound.max_gap:g}"
            item = {"metric": f"gap of {metric}", "slice": column, "value": gap and gap["value"], "bound": asked}
            if gap is None:
                message = (
                    f"the gap of {metric} between the slices of {column} cannot be measured: fewer than two slices "
                    f"have {measured['min_rows']} rows (evaluator.fairness.min_rows)"
                )
            elif gap["low" if bound.decided_by == "lower_end" else "value"] <= bound.max_gap + _EPSILON:
                continue
            else:
                message = f"{_told(metric, column, gap, measured['level'])}, {asked} was asked for"
                message += " of the interval's lower end" if bound.decided_by == "lower_end" else ""
            found.append({**item, "message": message})
    return found


@dataclasses.dataclass(frozen=True)
class Slice:
    """One slice of a column.

    Attributes:
        rows: in it.
        values: its metrics.
        samples: the same on resamples of its rows, float `[resamples]` each; of no use where it has too few to count.
    """

    rows: int
    values: Mapping[str, float]
    samples: Mapping[str, np.ndarray]


def of_column(
    slices: Mapping[str, Slice],
    settings: FairnessSettings,
    *,
    lower_is_better: Collection[str] = (),
    most: float = 1.0,
) -> dict[str, Any]:
    """How far the slices of a column lie apart in each metric.

    Args:
        slices: by value of the column; all with the same metrics.
        settings: the section `evaluator.fairness`.
        lower_is_better: metrics of which less is better.
        most: the largest gap that there can be.

    Returns:
        `slices` and `gaps`, as one column of `modules.quality.fairness.measure`.
    """
    counted = [name for name, part in slices.items() if part.rows >= settings.min_rows]
    metrics = list(next(iter(slices.values())).values) if slices else []
    gaps: dict[str, Any] = {}
    for metric in metrics:
        if len(counted) < 2:
            gaps[metric] = None
            continue
        compared = Compared(
            np.array([slices[name].values[metric] for name in counted]),
            np.stack([slices[name].samples[metric] for name in counted]),
            np.array([slices[name].rows for name in counted]),
        )
        gaps[metric] = gap(counted, compared, settings.level, lower_is_better=metric in lower_is_better, most=most)
    shown = {
        name: {
            "rows": part.rows,
            "counted": name in counted,
            **{key: float(value) for key, value in part.values.items()},
        }
        for name, part in slices.items()
    }
    return {"slices": shown, "gaps": gaps}


def gap(
    names: Sequence[str], compared: Compared, level: float, *, lower_is_better: bool = False, most: float = 1.0
) -> dict[str, Any]:
    """One gap with its interval, and the two slices that it lies between.

    Args:
        names: of the slices.
        compared: the metric on each of them.
        level: of confidence.
        lower_is_better: whether the slice with the smallest value is the best.
        most: the largest gap that there can be.

    Returns:
        `value`, `low`, `high`, and `worst` and `best`, each `slice` and `value`.
    """
    of_slice = range(len(names))
    ends = min(of_slice, key=compared.values.__getitem__), max(of_slice, key=compared.values.__getitem__)
    sides = dict(zip(("worst", "best"), reversed(ends) if lower_is_better else ends, strict=True))
    return {
        **gap_interval([compared], level=level, most=most).to_dict(),
        **{side: {"slice": names[at], "value": float(compared.values[at])} for side, at in sides.items()},
    }


def _told(metric: str, column: str, gap: Mapping[str, Any], level: float) -> str:
    label = f" (recall of {gap['label']})" if "label" in gap else ""
    worst, best = (f"{shown_value(gap[side]['slice'])} {gap[side]['value']:.4f}" for side in ("worst", "best"))
    return (
        f"the gap of {metric}{label} between the slices of {column} is {gap['value']:.4f} "
        f"[{gap['low']:.4f}, {gap['high']:.4f}] at {level:.0%} ({worst}, {best})"
    )


def _column(tables: Mapping[str, np.ndarray], label_names: Sequence[str], settings: FairnessSettings) -> dict[str, Any]:
    values = {name: _metrics(table, label_names) for name, table in tables.items()}
    samples = {
        name: _metrics(
            # A seed of its own for each slice: the same draws everywhere would move all slices together.
            resample(table, resamples=settings.resamples, seed=settings.seed + number, prior=_prior(table)),
            label_names,
        )
        for number, (name, table) in enumerate(tables.items())
        if table.sum() >= settings.min_rows
    }
    gaps: dict[str, Any] = {}
    compared: dict[str, Compared] = {}
    for metric in (*_MACRO, *(RECALL_OF + label for label in label_names)):
        rows = {name: _rows_behind(metric, tables[name], label_names) for name in samples}
        counted = [name for name in samples if rows[name] >= settings.min_rows]
        if len(counted) < 2:
            gaps[metric] = None
            continue
        compared[metric] = Compared(
            np.array([values[name][metric] for name in counted]),
            np.stack([samples[name][metric] for name in counted]),
            np.array([rows[name] for name in counted]),
        )
        gaps[metric] = gap(counted, compared[metric], settings.level)
    gaps[EQUAL_OPPORTUNITY] = _equal_opportunity(gaps, compared, label_names, settings.level)
    shown = {
        name: {
            "rows": int(tables[name].sum()),
            "counted": name in samples,
            **{metric: float(value) for metric, value in found.items()},
        }
        for name, found in values.items()
    }
    return {"slices": shown, "gaps": gaps}


def _metrics(tables: np.ndarray, label_names: Sequence[str]) -> dict[str, np.ndarray]:
    """Metrics of one confusion matrix or of many, float `[...]`; a label's recall under `recall_<label>`."""
    found = of_confusion(tables)
    by_label = {f"{RECALL_OF}{label}": found["recall"][..., index] for index, label in enumerate(label_names)}
    macro = {name: found[name].mean(axis=-1) for name in ("precision", "recall")}
    return {"accuracy": found["accuracy"], "macro_f1": found["macro_f1"], **macro, **by_label}


def _rows_behind(metric: str, table: np.ndarray, label_names: Sequence[str]) -> int:
    label = metric.removeprefix(RECALL_OF)
    return int(table[list(label_names).index(label)].sum() if metric not in _MACRO else table.sum())


def _prior(table: np.ndarray) -> np.ndarray:
    """A row of each label that occurs, spread over the labels that may be predicted."""
    return (table.sum(axis=1, keepdims=True) > 0) / len(table) * np.ones(len(table))


def _equal_opportunity(
    gaps: Mapping[str, Any], compared: Mapping[str, Compared], label_names: Sequence[str], level: float
) -> dict[str, Any] | None:
    measured = [label for label in label_names if gaps[RECALL_OF + label]]
    if not measured:
        return None
    label = max(measured, key=lambda name: gaps[RECALL_OF + name]["value"])
    found = gap_interval([compared[RECALL_OF + name] for name in measured], level=level)
    return {**gaps[RECALL_OF + label], **found.to_dict(), "label": label}
