"""The network's weights as named NumPy arrays: read from a model, written into one.

Structured pruning cuts these arrays and the converter's graph is made of them, so neither has to know in which order
a Keras layer keeps its variables.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from modules.network.model import ENCODER, LOGITS, transformer_layers

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import tf_keras

Array = NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class LayerWeights:
    """One transformer layer; everything float32.

    Attributes:
        query_kernel: `[hidden, heads, head_dim]`; `key_kernel` and `value_kernel` likewise.
        query_bias: `[heads, head_dim]`; `key_bias` and `value_bias` likewise.
        output_kernel: `[heads, head_dim, hidden]`, what mixes the heads.
        output_bias: `[hidden]`.
        attention_gamma: `[hidden]`, layer norm after the attention block, with `attention_beta`.
        intermediate_kernel: `[hidden, width]`, with `intermediate_bias` `[width]`.
        feedforward_kernel: `[width, hidden]`, with `feedforward_bias` `[hidden]`.
        feedforward_gamma: `[hidden]`, layer norm after the feed-forward block, with `feedforward_beta`.
    """

    query_kernel: Array
    query_bias: Array
    key_kernel: Array
    key_bias: Array
    value_kernel: Array
    value_bias: Array
    output_kernel: Array
    output_bias: Array
    attention_gamma: Array
    attention_beta: Array
    intermediate_kernel: Array
    intermediate_bias: Array
    feedforward_kernel: Array
    feedforward_bias: Array
    feedforward_gamma: Array
    feedforward_beta: Array


@dataclasses.dataclass(frozen=True)
class NetworkWeights:
    """The whole classifier; everything float32.

    Attributes:
        token: `[vocabulary, hidden]`.
        position: `[max_sequence_length, hidden]`.
        segment: `[segments, hidden]`; the network uses row 0 only.
        norm_gamma: `[hidden]`, layer norm of the summed embeddings, with `norm_beta`.
        layers: from the input to the head.
        head_kernel: `[hidden, classes]`, with `head_bias` `[classes]`.
    """

    token: Array
    position: Array
    segment: Array
    norm_gamma: Array
    norm_beta: Array
    layers: tuple[LayerWeights, ...]
    head_kernel: Array
    head_bias: Array

    def count(self) -> int:
        """Numbers in all arrays."""
        own = [value for value in vars(self).values() if isinstance(value, np.ndarray)]
        return sum(value.size for value in own + [array for layer in self.layers for array in vars(layer).values()])


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
        for part, names in _parts(layer):
            part.set_weights([getattr(values, name) for name in names])
    model.get_layer(LOGITS).set_weights([weights.head_kernel, weights.head_bias])


def _parts(layer: Any) -> list[tuple[Any, tuple[str, str]]]:
    """The sub-layers of a transformer layer, each with the names of its two arrays."""
    attention = layer._self_attention_layer
    return [
        (attention._query_dense, ("query_kernel", "query_bias")),
        (attention._key_dense, ("key_kernel", "key_bias")),
        (attention._value_dense, ("value_kernel", "value_bias")),
        (attention._output_dense, ("output_kernel", "output_bias")),
        (layer._self_attention_layer_norm, ("attention_gamma", "attention_beta")),
        (layer._feedforward_intermediate_dense, ("intermediate_kernel", "intermediate_bias")),
        (layer._feedforward_output_dense, ("feedforward_kernel", "feedforward_bias")),
        (layer._feedforward_layer_norm, ("feedforward_gamma", "feedforward_beta")),
    ]


def _read_layer(layer: Any) -> LayerWeights:
    values: dict[str, Array] = {}
    for part, names in _parts(layer):
        values.update(zip(names, part.get_weights(), strict=True))
    return LayerWeights(**values)
