"""How deep in the network a weight lies, and how fast it therefore learns.

Discriminative learning rates: Howard & Ruder 2018, https://arxiv.org/abs/1801.06146, section 3.2; by layer of a
transformer as in Clark et al. 2020, https://arxiv.org/abs/2003.10555, table 7.
"""

from __future__ import annotations

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.network import anatomy
from modules.network.architecture import ENCODER

import tensorflow as tf
import tf_keras


def layer_rates(model: tf_keras.Model, decay: float) -> list[tuple[tf.Variable, float]]:
    """Multiples of the learning rate by depth.

    Args:
        model: a classifier with an encoder whose anatomy is known.
        decay: multiple of a layer to the one above it, `trainer.layer_decay`.

    Returns:
        The encoder's variables, each with its multiple: `decay` for the layer below the head, `decay ** 2` for the one
        below that, and so on down to the embeddings. Everything else learns at the full rate. Empty where `decay` is 1.

    Raises:
        modules.network.anatomy.AnatomyError: there is no encoder, or its parts are unknown.
    """
    if decay == 1.0:
        return []
    if not any(layer.name == ENCODER for layer in model.layers):
        raise anatomy.AnatomyError(f"trainer.layer_decay is {decay}, but the network has no encoder; set it to 1")
    parts = anatomy.of(model)
    found: list[tuple[tf.Variable, float]] = []
    depth = 0
    for depth, layer in enumerate(reversed(parts.layers), start=1):
        for part in layer.parts.values():
            found += [(variable, decay**depth) for variable in part.layer.trainable_variables]
    for table in parts.embeddings.values():
        found += [(variable, decay ** (depth + 1)) for variable in table.trainable_variables]
    return found
