"""TFMA's configuration: metrics, slices and bounds as its Evaluator wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modules.quality.settings import Bound
from modules.quality.tfma.results import CANDIDATE, PREVIOUS
from modules.targets.base import Target

if TYPE_CHECKING:
    from tensorflow_model_analysis.proto import config_pb2

# A property of the standard executor's: whoever loads the models for it.
LOADING = {"custom_eval_shared_model": "modules.quality.tfma.loading.eval_shared_model"}
_EPSILON = 1e-9  # TFMA compares strictly: a metric that equals its bound passes


def eval_config(
    target: Target, slices: Sequence[str], thresholds: Mapping[str, Bound], *, gated: bool
) -> config_pb2.EvalConfig:
    """Builds TFMA's configuration.

    Args:
        target: of the task.
        slices: slice columns.
        thresholds: bounds by metric of the target.
        gated: with thresholds and a comparison against the baseline, as on eval; without, as on test.

    Returns:
        Metrics overall and for every value of every slice column.
    """
    import modules  # noqa: F401, I001  (settles Keras 2 before TFMA imports TensorFlow)
    from google.protobuf import json_format
    from tensorflow_model_analysis.proto import config_pb2  # `tfma.EvalConfig` is there only after TFX was imported

    spec: dict[str, Any] = {
        "signature_name": "serving_default",
        "model_type": "tf_generic",  # otherwise TFMA rebuilds the Keras model several times over
        "label_key": target.tensor().name,
        "prediction_key": target.prediction_key,
        "preprocessing_function_names": ["transform_features"],
    }
    models = [{**spec, "name": CANDIDATE}]
    if gated:
        models.append({**spec, "name": PREVIOUS, "is_baseline": True})
    else:
        models[0].pop("name")
    document = {
        "model_specs": models,
        "slicing_specs": [{}, *({"feature_keys": [column]} for column in slices)],
        "metrics_specs": _metrics_specs(target, slices, thresholds if gated else {}),
        "options": {"include_default_metrics": False},
    }
    return json_format.ParseDict(document, config_pb2.EvalConfig())


def _metrics_specs(target: Target, slices: Sequence[str], thresholds: Mapping[str, Bound]) -> list[dict[str, Any]]:
    specs = []
    for metrics, options in target.metric_specs():
        listed = []
        for name, metric in metrics.items():
            bound = thresholds.get(name)
            lower = name in target.lower_is_better
            listed.append({**metric, **(_thresholds(bound, slices, lower=lower) if bound else {})})
        specs.append({"metrics": listed, **options})
    return specs


def _thresholds(bound: Bound, slices: Sequence[str], *, lower: bool) -> dict[str, Any]:
    """A metric's bounds, each with the slices that it holds on: TFMA applies a plain `threshold` to all of them."""
    parts: list[dict[str, Any]] = []
    threshold: dict[str, Any] = {}
    value: dict[str, float] = {}
    if bound.min is not None:
        value["lower_bound"] = bound.min - _EPSILON
    if bound.max is not None:
        value["upper_bound"] = bound.max + _EPSILON
    if value:
        threshold["value_threshold"] = value
    if bound.max_drop is not None:
        threshold["change_threshold"] = {
            "absolute": (bound.max_drop + _EPSILON) * (1 if lower else -1),
            "direction": "LOWER_IS_BETTER" if lower else "HIGHER_IS_BETTER",
        }
    if threshold:
        parts.append({"slicing_specs": [{}], "threshold": threshold})  # the empty specification: overall
    if bound.slice_min is not None and slices:
        side = "upper_bound" if lower else "lower_bound"
        limit = bound.slice_min + _EPSILON * (1 if lower else -1)
        parts.append(
            {
                "slicing_specs": [{"feature_keys": [column]} for column in slices],
                "threshold": {"value_threshold": {side: limit}},
            }
        )
    return {"per_slice_thresholds": parts} if parts else {}
