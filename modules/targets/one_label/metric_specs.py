"""What TFMA measures of one label: of what is answered, of each label, of the probabilities."""

from __future__ import annotations

from typing import Any

from modules.targets.metric_spec import metric
from modules.targets.one_label.target import DECISION, OneLabel

_METRICS = "modules.targets.one_label.tfma_metrics"
_THRESHOLDS = 10_000  # as many as TFMA's areas under curves have, whose counts are then the same


def of(target: OneLabel) -> list[tuple[dict[str, dict[str, Any]], dict[str, Any]]]:
    """Groups of metrics, as `modules.targets.base.Target.metric_specs`.

    Args:
        target: of the task.
    """
    classes = range(len(target.labels))
    one_against_rest: dict[str, Any] = {"binarize": {"class_ids": {"values": list(classes)}}}
    macro = {"aggregate": {"macro_average": True, "class_weights": {str(index): 1.0 for index in classes}}}
    calibration = {"calibration": metric("Calibration"), "calibration_plot": metric("CalibrationPlot")}
    # Of two labels the curve of the one is not that of the other: what is rare is harder to find.
    ids = list(classes) if target.positive_id is None else [target.positive_id]
    rare = {
        "binarize": {"class_ids": {"values": ids}},
        "aggregate": {"macro_average": True, "class_weights": {str(index): 1.0 for index in ids}},
    }
    by_precision = {
        "pr_auc": metric("AUCPrecisionRecall", name="pr_auc"),
        "recall_at_precision": metric(
            "RecallAtPrecision", name="recall_at_precision", precision=target.min_precision, num_thresholds=_THRESHOLDS
        ),
    }
    return [
        (_of_answers(target) | {"calibration_error": _own("CalibrationError")}, {}),
        ({"auc": metric("AUC", name="auc")}, {**one_against_rest, **macro}),
        (by_precision, rare),
        (calibration, one_against_rest),
        *_of_queries(target),
    ]


def _of_answers(target: OneLabel) -> dict[str, dict[str, Any]]:
    """Metrics of the labels that are answered."""
    decided = {} if target.decision.threshold is None else {"prediction_key": DECISION}
    shown = {"num_classes": len(target.labels), **decided}
    scores = {
        "macro_f1": _own("MacroF1", **shown),
        "precision": _own("MacroPrecision", **shown),
        "recall": _own("MacroRecall", **shown),
        "balanced_accuracy": _own("MeanRecall", **shown),
    }
    if decided:  # TFMA's own ones know the most probable label alone
        by_label = {
            f"{kind}_{label}": _own("OfLabel", score=kind, class_id=index, name=f"{kind}_{label}", **shown)
            for index, label in enumerate(target.labels)
            for kind in ("precision", "recall")
        }
        return {"rows": metric("ExampleCount"), **by_label, "accuracy": _own("ShareRight", **shown), **scores}
    per_class = [
        metric(kind, name=f"{kind.lower()}_{label}", top_k=1, class_id=index)
        for index, label in enumerate(target.labels)
        for kind in ("Precision", "Recall")
    ]
    plots = [metric("ExampleCount"), metric("MultiClassConfusionMatrixPlot", thresholds=[0.0]), *per_class]
    listed = {str(number): plot for number, plot in enumerate(plots)}
    return listed | {"accuracy": metric("SparseCategoricalAccuracy", name="accuracy"), **scores}


def _of_queries(target: OneLabel) -> list[tuple[dict[str, dict[str, Any]], dict[str, Any]]]:
    if target.queries is None:
        return []
    ranked = {"top": target.queries.top, "positive": target.positive_id}
    metrics = {"ndcg_at_top": _own("NdcgAtTop", **ranked), "recall_at_top": _own("RecallAtTop", **ranked)}
    return [(metrics, {"query_key": target.queries.column})]


def _own(class_name: str, **config: Any) -> dict[str, Any]:
    return metric(class_name, module=_METRICS, **config)
