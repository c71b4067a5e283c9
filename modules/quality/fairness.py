"""How far apart the slices of a column lie: gaps of metrics with intervals, and whether they keep their bounds.

A gap is the best slice's value minus the worst one's. The equal opportunity difference (Hardt et al. 2016, "Equality
of Opportunity in Supervised Learning", https://arxiv.org/abs/1610.02413) is the gap of a label's recall: whether those
who should get a label get it in every group alike. With several labels, the largest of their gaps counts.

The best and the worst of several noisy numbers lie apart by chance already, and further so in every bootstrap sample.
The intervals are therefore bias-corrected (Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 14).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modules.quality.intervals import Interval, resampled_metrics
from modules.quality.scores import confusion, of_confusion
from modules.quality.settings import FairnessSettings, GapBound

import numpy as np
from scipy import stats

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
            asked = f"at most {bound.max_gap:.3f}"
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


def _told(metric: str, column: str, gap: Mapping[str, Any], level: float) -> str:
    label = f" (recall of {gap['label']})" if "label" in gap else ""
    worst, best = (f"{gap[side]['slice']} {gap[side]['value']:.4f}" for side in ("worst", "best"))
    return (
        f"the gap of {metric}{label} between the slices of {column} is {gap['value']:.4f} "
        f"[{gap['low']:.4f}, {gap['high']:.4f}] at {level:.0%} ({worst}, {best})"
    )


def _column(tables: Mapping[str, np.ndarray], label_names: Sequence[str], settings: FairnessSettings) -> dict[str, Any]:
    values = {name: _metrics(of_confusion(table), label_names) for name, table in tables.items()}
    samples = {
        name: _metrics(
            # A seed of its own for each slice: the same draws everywhere would move all slices together.
            resampled_metrics(table, resamples=settings.resamples, seed=settings.seed + number),
            label_names,
        )
        for number, (name, table) in enumerate(tables.items())
        if table.sum() >= settings.min_rows
    }
    gaps: dict[str, Any] = {}
    sampled: dict[str, np.ndarray] = {}
    for metric in (*_MACRO, *(RECALL_OF + label for label in label_names)):
        rows = {name: _rows_behind(metric, tables[name], label_names) for name in samples}
        counted = [name for name in samples if rows[name] >= settings.min_rows]
        if len(counted) < 2:
            gaps[metric] = None
            continue
        drawn = np.stack([samples[name][metric] for name in counted])
        sampled[metric] = drawn.max(axis=0) - drawn.min(axis=0)
        gaps[metric] = _gap({name: float(values[name][metric]) for name in counted}, sampled[metric], settings.level)
    gaps[EQUAL_OPPORTUNITY] = _equal_opportunity(gaps, sampled, label_names, settings.level)
    shown = {
        name: {
            "rows": int(tables[name].sum()),
            "counted": name in samples,
            **{metric: float(value) for metric, value in found.items()},
        }
        for name, found in values.items()
    }
    return {"slices": shown, "gaps": gaps}


def _metrics(found: Mapping[str, np.ndarray], label_names: Sequence[str]) -> dict[str, np.ndarray]:
    """Metrics of one confusion matrix or of many, float `[...]`; a label's recall under `recall_<label>`."""
    by_label = {f"{RECALL_OF}{label}": found["recall"][..., index] for index, label in enumerate(label_names)}
    macro = {name: found[name].mean(axis=-1) for name in ("precision", "recall")}
    return {"accuracy": found["accuracy"], "macro_f1": found["macro_f1"], **macro, **by_label}


def _rows_behind(metric: str, table: np.ndarray, label_names: Sequence[str]) -> int:
    label = metric.removeprefix(RECALL_OF)
    return int(table[list(label_names).index(label)].sum() if metric not in _MACRO else table.sum())


def _gap(values: Mapping[str, float], sampled: np.ndarray, level: float) -> dict[str, Any]:
    worst, best = min(values, key=lambda name: values[name]), max(values, key=lambda name: values[name])
    found = bias_corrected(values[best] - values[worst], sampled, level=level)
    return {
        **found.to_dict(),
        "worst": {"slice": worst, "value": values[worst]},
        "best": {"slice": best, "value": values[best]},
    }


def _equal_opportunity(
    gaps: Mapping[str, Any], sampled: Mapping[str, np.ndarray], label_names: Sequence[str], level: float
) -> dict[str, Any] | None:
    measured = [label for label in label_names if gaps[RECALL_OF + label]]
    if not measured:
        return None
    label = max(measured, key=lambda name: gaps[RECALL_OF + name]["value"])
    widest = gaps[RECALL_OF + label]
    largest = np.stack([sampled[RECALL_OF + name] for name in measured]).max(axis=0)
    return {**widest, **bias_corrected(widest["value"], largest, level=level).to_dict(), "label": label}


def bias_corrected(value: float, samples: np.ndarray, *, level: float) -> Interval:
    """The bias-corrected percentile interval of a number that its bootstrap samples overshoot, as a maximum's do.

    Args:
        value: on all rows.
        samples: the number on each resample, float `[resamples]`.
        level: of confidence.
    """
    below = (np.sum(samples < value) + np.sum(samples == value) / 2) / len(samples)
    edge = 0.5 / len(samples)
    shift = 2 * stats.norm.ppf(np.clip(below, edge, 1 - edge))
    ends = stats.norm.cdf(shift + stats.norm.ppf([(1 - level) / 2, (1 + level) / 2]))
    low, high = np.quantile(samples, ends)
    # With a strong correction both ends may fall below the value itself.
    return Interval(float(value), float(min(low, value)), float(max(high, value)))
