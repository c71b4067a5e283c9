"""The network's weights as named NumPy arrays, without TensorFlow.

Structured pruning cuts these arrays and the converter's graph is made of them, so neither has to know in which order
a Keras layer keeps its variables.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

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
class EncoderWeights:
    """The encoder; everything float32.

    Attributes:
        token: `[vocabulary, hidden]`.
        position: `[max_sequence_length, hidden]`.
        segment: `[segments, hidden]`; the network uses row 0 only.
        norm_gamma: `[hidden]`, layer norm of the summed embeddings, with `norm_beta`.
        layers: from the input to the head.
    """

    token: Array
    position: Array
    segment: Array
    norm_gamma: Array
    norm_beta: Array
    layers: tuple[LayerWeights, ...]

    @classmethod
    def nothing(cls) -> EncoderWeights:
        """Of a network without an encoder: arrays without a number in them."""
        table, row = np.zeros((0, 0), np.float32), np.zeros(0, np.float32)
        return EncoderWeights(table, table, table, row, row, ())


@dataclasses.dataclass(frozen=True)
class NetworkWeights(EncoderWeights):
    """The whole classifier; everything float32.

    Attributes:
        head_kernel: `[hidden, classes]`, with `head_bias` `[classes]`; with further inputs, `hidden` is the width of
            all vectors together.
        others: by name of a further input, the arrays of its encoder in the order of its layers.
        fusion: the arrays of the layer in which inputs meet, in its own order.
        ending: arrays of the head's layers behind its last dense one, in their order; most targets have none there.
    """

    head_kernel: Array
    head_bias: Array
    others: Mapping[str, tuple[Array, ...]] = dataclasses.field(default_factory=dict)
    fusion: tuple[Array, ...] = ()
    ending: tuple[Array, ...] = ()

    def count(self) -> int:
        """Numbers in all arrays."""
        own = [value for value in vars(self).values() if isinstance(value, np.ndarray)]
        own += [array for layer in self.layers for array in vars(layer).values()]
        own += [array for arrays in (*self.others.values(), self.fusion, self.ending) for array in arrays]
        return sum(value.size for value in own)
