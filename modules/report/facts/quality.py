"""What a report says of the model's quality: metrics with intervals, slices, confusion, calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modules.artifact_files import BASELINE_FILE, BEATS_BASELINE_FILE, FAIRNESS_FILE, PREDICTIONS_FILE
from modules.quality import intervals, scores
from modules.quality.predictions import Predictions, read
from modules.quality.settings import EvaluatorSettings
from modules.quality.tfma_results import PREVIOUS, metrics, missed_bounds
from modules.report.files import read_json

import numpy as np
import tensorflow as tf
from scipy import stats

if TYPE_CHECKING:
    from modules.report.facts.artifacts import Artifacts

OVERALL = ""
_SEED = 17


def quality(artifacts: Artifacts, section: EvaluatorSettings, num_classes: int) -> dict[str, Any] | None:
    """The section `quality`; None where nothing was evaluated.

    Args:
        artifacts: of the run.
        section: `evaluator` of the configuration: the bounds of the server gate.
        num_classes: labels.
    """
    folders = {"eval": artifacts.evaluation, "test": artifacts.test_evaluation}
    baseline = read_json(artifacts.baseline, BASELINE_FILE) or {}
    linear = baseline.get("splits", {})
    if not any(folders.values()) and not linear:
        return None
    answers, bounds = stored_predictions(artifacts), section.model_dump(mode="json")
    return {
        "splits": {
            split: {
                "model": metrics(folder) or None if folder else None,
                "previous": metrics(folder, PREVIOUS) or None if folder and split == "eval" else None,
                "linear": linear.get(split),
                "fairness": read_json(folder, FAIRNESS_FILE),
                "against_linear": read_json(folder, BEATS_BASELINE_FILE),
                **(row_facts(answers[split], num_classes) if split in answers else {}),
            }
            for split, folder in folders.items()
        },
        "thresholds": bounds["thresholds"],
        "gap_bounds": bounds["fairness"]["bounds"],
        "linear_model": baseline.get("model"),
        "blessed": artifacts.blessed,
        "missed": missed_bounds(artifacts.evaluation) if artifacts.evaluation else [],
    }


def stored_predictions(artifacts: Artifacts) -> dict[str, Predictions]:
    """The predictions that lie beside the metrics of the evaluations, by split."""
    found: dict[str, Predictions] = {}
    for folder in (artifacts.evaluation, artifacts.test_evaluation):
        path = f"{folder}/{PREDICTIONS_FILE}"
        if folder and tf.io.gfile.exists(path):
            found |= read(path)[0]
    return found


def row_facts(found: Predictions, num_classes: int) -> dict[str, Any]:
    """What only the answers row by row can tell: intervals, confusion, calibration.

    Args:
        found: answers to one split.
        num_classes: labels.

    Returns:
        `intervals` by slice (`column:value`, and an empty string for all rows), `confusion` (true by predicted id) and
        `calibration`.
    """
    chosen = {OVERALL: np.ones(len(found), bool)}
    for column, values in found.slices.items():
        array = np.asarray(values)
        chosen |= {f"{column}:{value}": array == value for value in sorted(set(values))}
    measured = {
        name: intervals.metric_intervals(found.label[rows], found.predicted[rows], num_classes, seed=_SEED)
        for name, rows in chosen.items()
    }
    return {
        "intervals": {name: {key: item.to_dict() for key, item in both.items()} for name, both in measured.items()},
        "confusion": scores.confusion(found.label, found.predicted, num_classes).tolist(),
        "calibration": calibration(found),
    }


def calibration(found: Predictions, *, bins: int = scores.CALIBRATION_BINS) -> dict[str, Any]:
    """The reliability diagram and the expected calibration error of the predicted label's probability.

    Args:
        found: answers to one split.
        bins: equal ones, between 0 and 1.

    Returns:
        `error`, and `bins`, those with rows: `rows`, mean `confidence`, `accuracy`, and the ends of its 95 % interval
        (Wilson), `low` and `high`.
    """
    confidence = found.probabilities.max(axis=1)
    hits = (found.predicted == found.label).astype(np.float64)
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    rows = np.bincount(place, minlength=bins)
    sums = np.bincount(place, weights=confidence, minlength=bins)
    right = np.bincount(place, weights=hits, minlength=bins)
    filled = []
    for index in np.flatnonzero(rows):
        spread = stats.binomtest(int(right[index]), int(rows[index])).proportion_ci(method="wilson")
        filled.append(
            {
                "rows": int(rows[index]),
                "confidence": float(sums[index] / rows[index]),
                "accuracy": float(right[index] / rows[index]),
                "low": float(spread.low),
                "high": float(spread.high),
            }
        )
    return {"error": float(np.abs(right - sums).sum() / rows.sum()), "bins": filled}
