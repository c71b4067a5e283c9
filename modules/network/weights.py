"""The network's weights as named NumPy arrays: read from a model, written into one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modules.network.anatomy import layer_parts
from modules.network.arrays import Array, LayerWeights, NetworkWeights
from modules.network.model import ENCODER, LOGITS, transformer_layers

if TYPE_CHECKING:
    import tf_keras


def read_weights(model: tf_keras.Model) -> NetworkWeights:
    """Copies the weights out of a model that `modules.network.model.build_model` made, under any precision policy."""
    encoder = model.get_layer(ENCODER)
    norm = encoder.get_layer("embeddings_layer_norm").get_weights()
    head = model.get_layer(LOGITS).get_weights()
    return NetworkWeights(
        token=encoder.get_layer("token_embedding").get_weights()[0],
        position=encoder.get_layer("position_embedding").get_weights()[0],
        segment=encoder.get_layer("segment_embedding").get_weights()[0],
        norm_gamma=norm[0],
        norm_beta=norm[1],
        layers=tuple(_read_layer(layer) for layer in transformer_layers(model)),
        head_kernel=head[0],
        head_bias=head[1],
    )


def write_weights(model: tf_keras.Model, weights: NetworkWeights) -> None:
    """Writes arrays into a model of the same shapes.

    Raises:
        ValueError: an array does not have the shape of its variable, or the number of layers differs.
    """
    encoder = model.get_layer(ENCODER)
    encoder.get_layer("token_embedding").set_weights([weights.token])
    encoder.get_layer("position_embedding").set_weights([weights.position])
    encoder.get_layer("segment_embedding").set_weights([weights.segment])
    encoder.get_layer("embeddings_layer_norm").set_weights([weights.norm_gamma, weights.norm_beta])
    for layer, values in zip(transformer_layers(model), weights.layers, strict=True):
        for part, names in layer_parts(layer):
            part.set_weights([getattr(values, name) for name in names])
    model.get_layer(LOGITS).set_weights([weights.head_kernel, weights.head_bias])


def _read_layer(layer: Any) -> LayerWeights:
    values: dict[str, Array] = {}
    for part, names in layer_parts(layer):
        values.update(zip(names, part.get_weights(), strict=True))
    return LayerWeights(**values)
