"""What Evaluator found, as plain values: metrics of the model and its baseline by slice, and the bounds it missed.

TensorFlow Model Analysis is imported by the functions, since whoever only compiles a graph needs the names alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFMA imports TensorFlow)

CANDIDATE, PREVIOUS = "candidate", "baseline"
# Of all classes in one number, whatever its name begins with; of a slice without a row of the label there is none.
AVERAGED = ("pr_auc", "recall_at_precision", "ndcg_at_top", "recall_at_top")


def metrics(uri: str, model: str = CANDIDATE) -> dict[str, Any]:
    """Reads what an Evaluator measured.

    Args:
        uri: its `evaluation` artifact.
        model: `candidate` or `baseline`.

    Returns:
        Overall metrics by name, and `slices` with the same for `column:value`. Empty where the model was not
        evaluated.
    """
    overall: dict[str, Any] = {}
    slices: dict[str, Any] = {}
    for record in _tfma().load_metrics(uri):
        name = slice_name(record.slice_key)
        values = _scalars(record.metric_keys_and_values, model)
        if not values:
            continue
        if name:
            slices[name] = values
        else:
            overall = values
    return {**overall, "slices": dict(sorted(slices.items()))} if overall else {}


def missed_bounds(uri: str) -> list[dict[str, Any]]:
    """Which metric on which slice missed which bound.

    Args:
        uri: Evaluator's `evaluation` artifact.

    Returns:
        Items `{"metric", "slice", "value", "bound", "message"}`; empty if the model passed.
    """
    result = _tfma().load_validation_result(uri)
    if result is None or result.validation_ok:
        return []
    missed = []
    for record in result.metric_validations_per_slice:
        where = slice_name(record.slice_key) or "overall"
        for failure in record.failures:
            value = failure.metric_value.double_value.value
            bound = _bound(failure.metric_threshold)
            comparison = failure.metric_key.is_diff
            metric = f"{failure.metric_key.name}{' against the latest blessed model' if comparison else ''}"
            missed.append(
                {
                    "metric": metric,
                    "slice": where,
                    "value": value,
                    "bound": bound,
                    "message": f"{metric} on {where} is {value:.4f}, {bound} was asked for"
                    + (f" ({failure.message})" if failure.message and math.isnan(value) else ""),
                }
            )
    for check in result.missing_slices:
        missed.append(
            {"metric": "", "slice": str(check), "value": None, "bound": "", "message": f"slice missing: {check}"}
        )
    return missed


def _bound(threshold: Any) -> str:
    if threshold.HasField("change_threshold"):
        return f"a change of {threshold.change_threshold.absolute.value:+g} or better"
    value = threshold.value_threshold
    parts = []
    if value.HasField("lower_bound"):
        parts.append(f"at least {value.lower_bound.value:g}")
    if value.HasField("upper_bound"):
        parts.append(f"at most {value.upper_bound.value:g}")
    return " and ".join(parts)


def _scalars(items: Iterable[Any], model: str) -> dict[str, float]:
    values: dict[str, float] = {}
    for item in items:
        key = item.key
        if key.is_diff or key.model_name not in ("", model) or (not key.model_name and model != CANDIDATE):
            continue
        kind = item.value.WhichOneof("type")
        # Of what TFMA computes per class, only precision and recall carry the class in their name.
        per_class = key.name.startswith(("precision_", "recall_")) and key.name not in AVERAGED
        if kind == "double_value" and (per_class or not key.HasField("sub_key")):
            name, value = "rows" if key.name == "example_count" else key.name, item.value.double_value.value
            if key.name in AVERAGED and math.isnan(value):
                continue
            values[name] = value
    if "rows" in values:
        values["rows"] = int(values["rows"])
    return values


def slice_name(key: Any) -> str:
    """The name of a slice in every table: `column:value`, as the rows have the value; empty for all rows.

    Args:
        key: TFMA's `SliceKey`.
    """
    return ", ".join(f"{part.column}:{_slice_value(part)}" for part in key.single_slice_keys)


def _slice_value(part: Any) -> str:
    """As the rows have it; an empty text is a value, too."""
    kind = part.WhichOneof("kind")
    value = getattr(part, kind) if kind else ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _tfma() -> Any:
    import tensorflow_model_analysis

    return tensorflow_model_analysis
