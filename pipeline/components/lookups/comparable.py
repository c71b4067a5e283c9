"""Which earlier models a new one can be compared with: whole ones with the same labels, or enough that both know."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

from modules.artifact_files import LABELS_FILE, TRAINING_DIR  # and settles Keras 2 before TFX imports TensorFlow
from modules.quality import shared_labels

import ml_metadata as mlmd
from tfx.components.evaluator import constants
from tfx.dsl.io import fileio

from pipeline.config.messages import some
from pipeline.history import published
from pipeline.history.store import context_name, is_output

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


def obstacle(
    store: mlmd.MetadataStore, model: Any, labels: Sequence[str] | None, *, shared: bool = False
) -> str | None:
    """Why a model cannot be compared with.

    Args:
        store: the metadata store.
        model: the artifact, as a message of the store.
        labels: of the new model; None where they are not known.
        shared: whether labels that both know are enough, as `evaluator.other_labels` says.

    Returns:
        A sentence, or None where it can.
    """
    fault = published.problem(store, model)
    if fault:
        return fault
    theirs = labels_of(model.uri)
    if labels is None or may_be_compared(theirs, labels, shared=shared):
        return None
    return other_labels(theirs or [], labels)


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


def latest_blessed(store: mlmd.MetadataStore) -> Any | None:
    """The newest model of Trainer that Evaluator blessed, as a message of the store; None where there is none."""
    for blessing in sorted(_of_type(store, "ModelBlessing"), key=lambda item: -item.id):
        blessed = blessing.custom_properties[constants.ARTIFACT_PROPERTY_BLESSED_KEY].int_value
        model = blessing.custom_properties[constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY].int_value
        if blessed and _made_by(store, blessing.id, "Evaluator"):
            for found in store.get_artifacts_by_id([model]):
                return found
    return None


def _of_type(store: mlmd.MetadataStore, name: str) -> Iterator[Any]:
    known = {item.name for item in store.get_artifact_types()}
    yield from store.get_artifacts_by_type(name) if name in known else []


def _made_by(store: mlmd.MetadataStore, artifact: int, node: str) -> bool:
    events = [event for event in store.get_events_by_artifact_ids([artifact]) if is_output(event)]
    return any(context_name(store, event.execution_id, "node") == node for event in events)
