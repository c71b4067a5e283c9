"""Which earlier models a new one can be compared with: whole ones with the same labels, or enough that both know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

import ml_metadata as mlmd
from tfx.components.evaluator import constants

from pipeline.components.model_labels import labels_of, may_be_compared, other_labels
from pipeline.history import published
from pipeline.history.store import context_name, is_output


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
