"""From the vectors of several inputs to one: the only place where inputs meet."""

from __future__ import annotations

from collections.abc import Sequence

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)

import tf_keras

FUSION = "fusion"


def concat(vectors: Sequence[tf_keras.KerasTensor]) -> tf_keras.KerasTensor:
    """Puts vectors side by side.

    Args:
        vectors: float32 `[batch, dim]` each, in the order of the inputs.

    Returns:
        float32 `[batch, sum of dims]`; a single vector as it is, without a layer of its own.
    """
    if len(vectors) == 1:
        return vectors[0]
    return tf_keras.layers.Concatenate(dtype="float32", name=FUSION)(list(vectors))
