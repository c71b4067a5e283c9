"""What a report says of the model's quality: metrics with intervals, slices, errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modules.artifact_files import (
    BASELINE_FILE,
    BEATS_BASELINE_FILE,
    FAIRNESS_FILE,
    PREDICTIONS_FILE,
    SHARED_LABELS_FILE,
)
from modules.quality import scoring
from modules.quality.predictions import Predictions, read
from modules.quality.settings import EvaluatorSettings
from modules.quality.tfma.results import PREVIOUS, metrics, missed_bounds
from modules.report.files import read_json

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from modules.report.facts.artifacts import Artifacts

OVERALL = ""
_SEED = 17


def quality(artifacts: Artifacts, section: EvaluatorSettings, judge: scoring.Scoring) -> dict[str, Any] | None:
    """The section `quality`; None where nothing was evaluated.

    Args:
        artifacts: of the run.
        section: `evaluator` of the configuration: the bounds of the server gate.
        judge: of the target.
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
                **(row_facts(answers[split], judge) if split in answers else {}),
            }
            for split, folder in folders.items()
        },
        "thresholds": bounds["thresholds"],
        "gap_bounds": bounds["fairness"]["bounds"],
        "shared_labels": read_json(artifacts.evaluation, SHARED_LABELS_FILE),
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


def row_facts(found: Predictions, judge: scoring.Scoring) -> dict[str, Any]:
    """What only the answers row by row can tell.

    Args:
        found: answers to one split.
        judge: of the target.

    Returns:
        `intervals` by slice (`column:value`, and an empty string for all rows), and what else the target shows: of one
        label `confusion` (true by predicted id) and `calibration`.
    """
    chosen = {OVERALL: np.ones(len(found), bool), **scoring.by_slice(found.slices)}
    measured = {
        name: judge.intervals(found.label[rows], found.predicted[rows], seed=_SEED) for name, rows in chosen.items()
    }
    return {
        "intervals": {name: {key: item.to_dict() for key, item in both.items()} for name, both in measured.items()},
        **judge.details(found),
    }
