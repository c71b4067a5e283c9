"""What a network says to a whole split, before and after the activation of its head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modules.network.model import logits_model
from modules.rows.transformed import Examples, in_order

import numpy as np
from numpy.typing import NDArray

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)

if TYPE_CHECKING:
    import tf_keras


def split_logits(model: tf_keras.Model, examples: Examples, *, batch_size: int = 64) -> NDArray[np.float32]:
    """Logits of a model for a whole split, in its order.

    Args:
        model: what `modules.network.model.build_model` returns.
        examples: rows with the ids of the model's own vocabulary.
        batch_size: rows at a time.

    Returns:
        float32 `[rows, classes]`.
    """
    return split_outputs(logits_model(model), examples, batch_size=batch_size)


def split_outputs(model: tf_keras.Model, examples: Examples, *, batch_size: int = 64) -> NDArray[np.float32]:
    """What a model gives for a whole split, in its order.

    Args:
        model: what `modules.network.model.build_model` returns, or a part of it.
        examples: rows with the ids of the model's own vocabulary.
        batch_size: rows at a time.

    Returns:
        float32 `[rows, outputs]`.
    """
    # The length of a batch's windows is free, the shape of everything else is not.
    shapes = {
        name: [None, None] if name in examples.windows else [None, *values.shape[1:]]
        for name, values in examples.features.items()
    }
    specs = {name: tf.TensorSpec(shape, examples.features[name].dtype) for name, shape in shapes.items()}

    @tf.function(input_signature=[specs])
    def call(features: dict[str, tf.Tensor]) -> tf.Tensor:
        return model(features, training=False)

    result = np.zeros((len(examples), model.output_shape[-1]), np.float32)
    for rows, features in in_order(examples, batch_size=batch_size):
        result[rows] = call({name: tf.constant(value) for name, value in features.items()}).numpy()
    return result
