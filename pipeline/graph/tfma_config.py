"""The Evaluator's configuration: metrics, slices and thresholds as TFMA wants them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from modules.quality.settings import Bound
from modules.quality.tfma_results import CANDIDATE, PREVIOUS

from pipeline.config.task import Config

if TYPE_CHECKING:
    from tensorflow_model_analysis.proto import config_pb2

PREDICTION_KEY = "probabilities"
_LOWER_IS_BETTER = frozenset({"calibration_error"})
_EPSILON = 1e-9  # TFMA compares strictly: a metric that equals its bound passes


def eval_config(config: Config, *, gated: bool) -> config_pb2.EvalConfig:
    """Builds TFMA's configuration.

    Args:
        config: the task's configuration.
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
        "label_key": "label_id",
        "prediction_key": PREDICTION_KEY,
        "preprocessing_function_names": ["transform_features"],
    }
    models = [{**spec, "name": CANDIDATE}]
    if gated:
        models.append({**spec, "name": PREVIOUS, "is_baseline": True})
    else:
        models[0].pop("name")
    document = {
        "model_specs": models,
        "slicing_specs": [{}, *({"feature_keys": [column]} for column in config.data.columns.slices)],
        "metrics_specs": _metrics_specs(config, gated=gated),
        "options": {"include_default_metrics": False},
    }
    return json_format.ParseDict(document, config_pb2.EvalConfig())


def _metrics_specs(config: Config, *, gated: bool) -> list[dict[str, Any]]:
    classes = len(config.labels)
    per_class = [
        _metric(kind, name=f"{kind.lower()}_{label}", top_k=1, class_id=index)
        for index, label in enumerate(config.labels)
        for kind in ("Precision", "Recall")
    ]
    overall = [
        _metric("ExampleCount"),
        _metric("MultiClassConfusionMatrixPlot", thresholds=[0.0]),
        *per_class,
    ]
    bounded = {
        "accuracy": _metric("SparseCategoricalAccuracy", name="accuracy"),
        "macro_f1": _custom("MacroF1", num_classes=classes),
        "precision": _custom("MacroPrecision", num_classes=classes),
        "recall": _custom("MacroRecall", num_classes=classes),
        "calibration_error": _custom("CalibrationError"),
    }
    ranking = {"auc": _metric("AUC", name="auc")}
    if gated:
        for name, bound in config.evaluator.thresholds.items():
            (bounded if name in bounded else ranking)[name].update(_thresholds(name, bound, config))
    one_against_rest: dict[str, Any] = {"binarize": {"class_ids": {"values": list(range(classes))}}}
    macro = {"aggregate": {"macro_average": True, "class_weights": {str(index): 1.0 for index in range(classes)}}}
    return [
        {"metrics": [*overall, *bounded.values()]},
        {"metrics": [*ranking.values()], **one_against_rest, **macro},
        {"metrics": [_metric("Calibration"), _metric("CalibrationPlot")], **one_against_rest},
    ]


def _metric(class_name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, **({"config": json.dumps(config)} if config else {})}


def _custom(class_name: str, **config: Any) -> dict[str, Any]:
    return {**_metric(class_name, **config), "module": "modules.quality.tfma_metrics"}


def _thresholds(name: str, bound: Bound, config: Config) -> dict[str, Any]:
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
        lower = name in _LOWER_IS_BETTER
        threshold["change_threshold"] = {
            "absolute": (bound.max_drop + _EPSILON) * (1 if lower else -1),
            "direction": "LOWER_IS_BETTER" if lower else "HIGHER_IS_BETTER",
        }
    if threshold:
        parts.append({"slicing_specs": [{}], "threshold": threshold})  # the empty specification: overall
    if bound.slice_min is not None and config.data.columns.slices:
        side = "upper_bound" if name in _LOWER_IS_BETTER else "lower_bound"
        limit = bound.slice_min + _EPSILON * (1 if name in _LOWER_IS_BETTER else -1)
        parts.append(
            {
                "slicing_specs": [{"feature_keys": [column]} for column in config.data.columns.slices],
                "threshold": {"value_threshold": {side: limit}},
            }
        )
    return {"per_slice_thresholds": parts} if parts else {}
