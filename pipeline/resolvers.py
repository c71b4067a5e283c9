"""The baseline that a candidate is compared with: the latest blessed model other than itself."""

from __future__ import annotations

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

import ml_metadata as mlmd
from tfx import types
from tfx.dsl.components.common import resolver
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import LatestBlessedModelStrategy

MODEL, BLESSING, CANDIDATE = "model", "model_blessing", "candidate"


class LatestOtherBlessedModelStrategy(resolver.ResolverStrategy):
    """TFX's latest blessed model, with the candidate itself left out.

    With the candidate among the possible baselines, a second run with nothing changed would find another baseline
    (the model that the first run blessed) and evaluate the model against itself.
    """

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """TFX's hook.

        Args:
            store: the metadata store.
            input_dict: all `model` and `model_blessing` artifacts, and the one `candidate`.

        Returns:
            At most one model with its blessing, and the candidate as it came.
        """
        candidates = input_dict[CANDIDATE]
        own = {artifact.id for artifact in candidates}
        others = {
            MODEL: [artifact for artifact in input_dict[MODEL] if artifact.id not in own],
            BLESSING: list(input_dict[BLESSING]),
        }
        resolved = LatestBlessedModelStrategy().resolve_artifacts(store, others)
        return {**(resolved or {MODEL: [], BLESSING: []}), CANDIDATE: candidates}
