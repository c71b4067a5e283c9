"""Edgeline's own queries of the metadata store: the baseline of a candidate, and what belongs to earlier spans."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from modules.machine import progress  # and settles Keras 2 before TFX imports TensorFlow

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx.components.example_gen.utils import SPAN_PROPERTY_NAME
from tfx.dsl.components.common import resolver
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import LatestBlessedModelStrategy
from tfx.types import standard_artifacts

from pipeline.components import model_labels
from pipeline.components.lookups import comparable
from pipeline.components.marks import span_of
from pipeline.history import published

MODEL, BLESSING, CANDIDATE = "model", "model_blessing", "candidate"
EXAMPLES, STATISTICS, CURRENT = "examples", "statistics", "current"
_Found = dict[str, list[types.Artifact]]
_OUTPUTS = (
    metadata_store_pb2.Event.OUTPUT,
    metadata_store_pb2.Event.DECLARED_OUTPUT,
    metadata_store_pb2.Event.INTERNAL_OUTPUT,
)
_INPUTS = (metadata_store_pb2.Event.INPUT, metadata_store_pb2.Event.DECLARED_INPUT)
_SUCCEEDED = (metadata_store_pb2.Execution.COMPLETE, metadata_store_pb2.Execution.CACHED)


class LatestOtherBlessedModelStrategy(resolver.ResolverStrategy):
    """TFX's latest blessed model, with the candidate itself left out, and what it cannot be compared with.

    With the candidate among the possible baselines, a second run with nothing changed would find another baseline
    (the model that the first run blessed) and evaluate the model against itself.
    """

    def __init__(self, shared: bool = False) -> None:
        """Args: `shared`, whether labels that both know are enough for a comparison."""
        self._shared = shared

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: _Found) -> _Found:
        """TFX's hook.

        Args:
            store: the metadata store.
            input_dict: all `model` and `model_blessing` artifacts, and the one `candidate`.

        Returns:
            At most one model with its blessing, and the candidate as it came.
        """
        candidates = input_dict[CANDIDATE]
        own = {artifact.id for artifact in candidates}
        others = [artifact for artifact in input_dict[MODEL] if artifact.id not in own]
        labels = model_labels.labels_of(candidates[0].uri) if candidates else None
        found = _latest_blessed(store, others, input_dict[BLESSING], labels, shared=self._shared)
        return {**found, CANDIDATE: candidates}


class LatestWholeBlessedModelStrategy(resolver.ResolverStrategy):
    """TFX's latest blessed model among those that are still as they were left."""

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: _Found) -> _Found:
        """TFX's hook.

        Args:
            store: the metadata store.
            input_dict: all `model` and `model_blessing` artifacts.

        Returns:
            At most one model with its blessing.
        """
        return _latest_blessed(store, input_dict[MODEL], input_dict[BLESSING])


class LatestWholeArtifactStrategy(resolver.ResolverStrategy):
    """TFX's latest artifact among those that are still as they were left."""

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: _Found) -> _Found:
        """TFX's hook.

        Args:
            store: the metadata store.
            input_dict: artifacts by key.

        Returns:
            At most one of each.
        """
        return {key: _newest_whole(store, items) for key, items in input_dict.items()}


class EarlierSpanBlessedModelStrategy(resolver.ResolverStrategy):
    """TFX's latest blessed model among those of spans before the one that is trained on now."""

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: _Found) -> _Found:
        """TFX's hook.

        Args:
            store: the metadata store.
            input_dict: all `model` and `model_blessing` artifacts, and this run's `examples`.

        Returns:
            At most one model with its blessing, and the examples as they came.
        """
        now = max(span_of(artifact) for artifact in input_dict[EXAMPLES])
        earlier = [artifact for artifact in input_dict[MODEL] if _newest_span(store, artifact.id) < now]
        return {**_latest_blessed(store, earlier, input_dict[BLESSING]), EXAMPLES: input_dict[EXAMPLES]}


class PreviousSpanStatisticsStrategy(resolver.ResolverStrategy):
    """The statistics of the newest earlier span that ExampleValidator accepted.

    Against a span that was refused, the next one with the same fault would show no drift.
    """

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: _Found) -> _Found:
        """TFX's hook.

        Args:
            store: the metadata store.
            input_dict: all `statistics`, and the `current` ones of this run.

        Returns:
            At most one earlier artifact, and the current one as it came.
        """
        now = max(span_of(artifact) for artifact in input_dict[CURRENT])
        earlier = [
            artifact
            for artifact in input_dict[STATISTICS]
            if span_of(artifact) < now and _was_accepted(store, artifact.id)
        ]
        newest = _newest_whole(store, earlier, key=lambda artifact: (span_of(artifact), artifact.id))
        return {STATISTICS: newest, CURRENT: input_dict[CURRENT]}


def _newest_whole(
    store: mlmd.MetadataStore,
    artifacts: list[types.Artifact],
    key: Callable[[types.Artifact], Any] = lambda artifact: artifact.id,
) -> list[types.Artifact]:
    """The newest artifact that is as it was left, or none; those that are not are told."""
    for artifact in sorted(artifacts, key=key, reverse=True):
        fault = published.problem(store, artifact.mlmd_artifact)
        if fault is None:
            return [artifact]
        progress.tell(f"{artifact.uri} is passed over: {fault}")
    return []


def _latest_blessed(
    store: mlmd.MetadataStore,
    models: list[types.Artifact],
    blessings: Iterable,
    labels: list[str] | None = None,
    *,
    shared: bool = False,
) -> _Found:
    """TFX's latest blessed model; one that is not whole any more, or has other labels, is passed over and told."""
    while models:
        found = LatestBlessedModelStrategy().resolve_artifacts(store, {MODEL: models, BLESSING: list(blessings)})
        if not found or not found[MODEL]:
            break
        [model] = found[MODEL]
        obstacle = comparable.obstacle(store, model.mlmd_artifact, labels, shared=shared)
        if obstacle is None:
            return found
        progress.tell(f"the blessed model {model.uri} is passed over: {obstacle}")
        models = [other for other in models if other.id != model.id]
    return {MODEL: [], BLESSING: []}


def _newest_span(store: mlmd.MetadataStore, model: int) -> int:
    """The newest span that a model was trained on: that of the examples behind it, two nodes back."""
    examples = store.get_artifact_type(standard_artifacts.Examples.TYPE_NAME).id
    spans, artifacts = [-1], [model]
    for _ in range(2):  # Trainer, then Transform
        artifacts = _made_from(store, artifacts)
        for artifact in store.get_artifacts_by_id(artifacts):
            if artifact.type_id == examples and SPAN_PROPERTY_NAME in artifact.custom_properties:
                spans.append(artifact.custom_properties[SPAN_PROPERTY_NAME].int_value)
    return max(spans)


def _made_from(store: mlmd.MetadataStore, artifacts: list[int]) -> list[int]:
    """The inputs of the executions that made some artifacts."""
    made = {event.execution_id for event in store.get_events_by_artifact_ids(artifacts) if event.type in _OUTPUTS}
    events = store.get_events_by_execution_ids(sorted(made))
    return sorted({event.artifact_id for event in events if event.type in _INPUTS})


def _was_accepted(store: mlmd.MetadataStore, statistics: int) -> bool:
    events = store.get_events_by_artifact_ids([statistics])
    used = store.get_executions_by_id(sorted({event.execution_id for event in events if event.type in _INPUTS}))
    return any(item.type.endswith(".ExampleValidator") and item.last_known_state in _SUCCEEDED for item in used)
