"""The labels of models: what one has, and whether two can be compared by theirs.

Nodes run this themselves, so it knows nothing of the metadata store.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from modules.artifact_files import LABELS_FILE, TRAINING_DIR
from modules.quality import shared_labels

from tfx.dsl.io import fileio

from pipeline.config.messages import some

_SHOWN = 8  # labels in a message


def labels_of(model: str) -> list[str] | None:
    """The labels of a model, in the order of its outputs.

    Args:
        model: URI of a `Model` artifact of Trainer.

    Returns:
        None where it does not say.
    """
    path = os.path.join(model, TRAINING_DIR, LABELS_FILE)
    if not fileio.exists(path):
        return None
    with fileio.open(path) as stream:
        return [str(label) for label in json.loads(stream.read())]


def may_be_compared(theirs: Sequence[str] | None, ours: Sequence[str], *, shared: bool = False) -> bool:
    """Whether two models have the same labels in the same order, or enough that both know.

    Args:
        theirs: of the model before; None where it does not say.
        ours: of the new one.
        shared: whether labels that both know are enough.
    """
    return theirs is None or list(theirs) == list(ours) or (shared and bool(shared_labels.shared(ours, theirs)))


def other_labels(theirs: Sequence[str], ours: Sequence[str]) -> str:
    """That two models have other labels, in words.

    Args:
        theirs: of the model before.
        ours: of the new one.
    """
    return f"it has other labels: {some(theirs, _SHOWN)} instead of {some(ours, _SHOWN)}"
