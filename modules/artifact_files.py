"""Files that one node leaves in its artifact and another reads, by name; and where a node keeps unfinished work."""

import hashlib
import json
import os
from collections.abc import Sequence
from typing import Any

TRAINING_DIR = "training"  # of a model, beside Format-Serving: what later nodes rebuild the network from
HISTORY_FILE = "history.json"  # in there: how it was trained
LABELS_FILE = "labels.json"  # in there: names of the answers, in the order of their ids
AUGMENTATION_FILE = "augmentation/counts.json"  # of Examples: what came of the varied rows
BASELINE_FILE = "baseline.json"
TRIALS_FILE = "tuner_results.json"  # TFX's Tuner names it
FAIRNESS_FILE = "fairness.json"
BEATS_BASELINE_FILE = "beats_baseline.json"
BEATS_SERVED_FILE = "beats_served.json"
SHARED_LABELS_FILE = "shared_labels.json"
PREDICTIONS_FILE = "predictions.parquet"
PROFILE_FILE = "<input>_profile.json"  # `modules.inputs.profiles.profile_file` names it
DRIFT_FILE = "drift.json"
PRUNING_FILE = "pruning.json"
VARIANTS_FILE = "variants.json"
PARETO_FILE = "pareto.json"
BUNDLE_FILE = "model.tflite"
CARD_MARKDOWN, CARD_JSON = CARD_FILES = ("model_card.md", "model_card.json")
PROBES_FILE = "probes.jsonl"  # beside the card: rows and the answers to them, which a server compares its own with


def training_dir(serving_dir: str) -> str:
    """The rebuildable model's folder, beside the serving folder of the same `Model` artifact."""
    return os.path.join(os.path.dirname(serving_dir.rstrip("/")), TRAINING_DIR)


def resume_folder(node: str, identity: Sequence[Any]) -> str:
    """A folder that the same work finds again when it is started again, and no other work does.

    Args:
        node: the node's own folder, which no execution names.
        identity: inputs and settings, JSON values; anything else counts as its text.
    """
    key = hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()[:16]
    return os.path.join(node, ".backup", key)
