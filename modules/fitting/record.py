"""Last stage: what the training came to, written when all the rest is, and the end of its checkpoints."""

from __future__ import annotations

import json
import os
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.artifact_files import HISTORY_FILE, training_dir
from modules.fitting.values import ExportedModel
from modules.machine import devices

import tensorflow as tf


def record(exported: ExportedModel) -> dict[str, Any]:
    """Writes the history beside the logs and the rebuildable model, and removes the checkpoints.

    Args:
        exported: what the stage before gave.

    Returns:
        What was written: settings, precision, replicas, rows, history, parameters, whether it was a warm start, and
        how the model decides where that is no arg max.

    Raises:
        TimeoutError: another worker's model never came.
    """
    values = {
        "settings": exported.settings.model_dump(mode="json"),
        "precision": exported.policy,
        "replicas": exported.replicas,
        "rows": exported.stream.rows,
        "history": dict(exported.history),
        "probe": dict(exported.probe) if exported.probe else None,
        "parameters": int(exported.model.count_params()),
        "warm_start": bool(exported.base_model),
        "decision": exported.decided.device_decision,
    }
    for folder in (exported.log_dir, exported.rebuildable_dir):
        tf.io.gfile.makedirs(folder)
        with tf.io.gfile.GFile(os.path.join(folder, HISTORY_FILE), "w") as out:
            json.dump(values, out, indent=2)
    devices.wait_for_all(exported.strategy)  # until then another worker may still read its best weights there
    if devices.is_chief() and tf.io.gfile.exists(exported.backup_dir):
        tf.io.gfile.rmtree(exported.backup_dir)
    # Written last. Storage may show it later than the chief has written it, and TFX asks every worker for the model.
    devices.wait_for_chief(os.path.join(training_dir(exported.announced_dir), HISTORY_FILE))
    return values
