"""TFX 1.21: a look at the outputs of an earlier execution before the cache hands them out again.

`get_cached_outputs` asks of an artifact no more than whether its folder is there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)
from modules.tf_gaps.guard import Gap

from tfx.orchestration import metadata
from tfx.orchestration.portable import cache_utils

_GAP = Gap("tfx", __name__)
_NAME = "_get_outputs_of_execution"


@contextlib.contextmanager
def checked(accept: Callable[[Any, list[Any]], bool]) -> Iterator[None]:
    """Lets the cache pass over outputs that are not accepted, as if they had never been made.

    Args:
        accept: asked with the store (`ml_metadata.MetadataStore`) and the output artifacts of an execution (messages of
            the store).

    Raises:
        GapError: TFX's cache goes another way.
    """
    _GAP.require(cache_utils, _NAME)
    _GAP.require_parameters(cache_utils._get_outputs_of_execution, "metadata_handle", "execution_id")
    _GAP.require_use(cache_utils, "get_cached_outputs", _NAME)
    original = cache_utils._get_outputs_of_execution

    def looked_at(metadata_handle: metadata.Metadata, execution_id: int) -> Any:
        found = original(metadata_handle, execution_id)
        if found is None:
            return None
        messages = [artifact.mlmd_artifact for artifacts in found.values() for artifact in artifacts]
        return found if accept(metadata_handle.store, messages) else None

    # Not `_GAP.replaced`: a node that has never run has nothing to be asked about.
    cache_utils._get_outputs_of_execution = looked_at
    try:
        yield
    finally:
        cache_utils._get_outputs_of_execution = original
