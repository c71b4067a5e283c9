"""The classifier as a device runs it: fixed windows, float32, nothing but operations that TFLite has built in.

It computes what `modules.network.model.build_model` computes, from the same weights, but is written for the converter:
queries, keys and values are one product, the scale of the attention scores is folded into it, position and segment
embeddings are one constant, and the attention mask is finite. Precision policies, dropout and functional-model plumbing
do not exist here. `modules.tflite.parity` compares it with the Keras model at every conversion.

Kernels for fixed shapes are faster than those for free ones, but most texts are shorter than the window. So the same
network may stand in a file several times, each time for another window, as signatures that share their weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from modules.inputs import kinds as inputs_lib
from modules.inputs.base import Input
from modules.network.architecture import Architecture
from modules.network.arrays import Array, LayerWeights, NetworkWeights
from modules.network.fusion.base import Fusion, Value, fuse, made, value_of
from modules.network.model import input_encoder
from modules.tensors import Layout
from modules.tflite import output as outputs
from modules.tflite.packed_embedding import EmbeddingTable

import numpy as np

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)
import tf_keras

SIGNATURE, WINDOW_SIGNATURE = "serving_default", "window_{}"
_EPSILON = 1e-12


class InferenceGraph(tf.Module):
    """One row in, the target's output out; batch size 1.

    Args:
        weights: the trained arrays.
        architecture: their shapes and the activation.
        embedding: how the token embedding is stored; None where there is none, in a network without an encoder.
        layout: what the network reads of a row; its window is fixed, at most the rows of the position embedding.
        windows: shorter windows that get a signature of their own; those that are not shorter are left out.
        mask_value: what is added to the attention scores of padding. Large enough to make its share vanish, small
            enough not to eat the range of a quantized activation: with -1e9, static int8 has no values left for real
            scores.

    Attributes:
        windows: tokens by the signature's name, the whole window first.
        functions: the concrete function to save as that signature, likewise.

    Raises:
        ValueError: the window is longer than the position embedding, or the mask is not a finite negative number.
    """

    def __init__(
        self,
        weights: NetworkWeights,
        architecture: Architecture,
        embedding: EmbeddingTable | None,
        *,
        layout: Layout,
        mask_value: float,
        windows: Sequence[int] = (),
    ) -> None:
        super().__init__(name="classifier")
        if architecture.encoded and not 0 < layout.length <= len(weights.position):
            rows = len(weights.position)
            raise ValueError(f"sequence_length is {layout.length}; the position embedding has {rows} rows.")
        if not -math.inf < mask_value < 0:
            raise ValueError(f"mask_value is {mask_value}; a finite negative number is needed.")
        self._weights = weights
        self._architecture = architecture
        self._embedding = embedding
        self._mask_value = mask_value
        self._output = outputs.of(architecture.target)
        self._others = tuple(
            _filled(part, weights.others[name]) for name, part in inputs_lib.read(architecture.inputs).items()
        )
        dims = [encoder.outputs[0].shape[-1] for encoder in self._others]
        dims = [weights.token.shape[1], *dims] if architecture.encoded else dims
        self._fusion = _fusion(architecture, dims, weights.fusion)
        self._numbers = next((t.name for t in layout.tensors if t.window and t.name != layout.mask), None)
        self._mask = layout.mask
        self._layout = layout
        shorter = {WINDOW_SIGNATURE.format(window): window for window in sorted(windows) if window < layout.length}
        self.windows = {SIGNATURE: layout.length, **shorter}
        self.functions = {name: self._function(length) for name, length in self.windows.items()}

    def _function(self, length: int) -> tf.types.experimental.PolymorphicFunction:
        tensors = self._layout.cut(length).tensors
        # Named as the inputs of the signature.
        specs = [tf.TensorSpec([1, *tensor.shape], tensor.dtype, name=tensor.name) for tensor in tensors]

        def call(*values: tf.Tensor) -> dict[str, tf.Tensor]:
            return self._call({tensor.name: value for tensor, value in zip(tensors, values, strict=True)})

        return tf.function(call, input_signature=specs).get_concrete_function()

    def _call(self, features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        values: list[Value] = []
        if self._numbers and self._mask:
            values.append(self._encoded(features[self._numbers], features[self._mask]))
        for encoder in self._others:
            own = {name: features[name] for name in encoder.input_names}
            values.append(value_of(encoder(own, training=False)))
        fused = fuse(self._fusion, values)
        with tf.name_scope("head"):
            logits = tf.matmul(fused, self._weights.head_kernel) + self._weights.head_bias
            return {self._output.name: self._output.of_logits(logits, self._weights.ending)}

    def _encoded(self, numbers: tf.Tensor, places: tf.Tensor) -> Value:
        """The encoder's vector, hidden states and mask: `[1, seq]` twice -> `[1, hidden]`, `[1, seq, hidden]`."""
        assert self._embedding is not None
        length = numbers.shape[1]
        mask = tf.cast(places, tf.float32)
        # [1, seq]: added to the scores of every head and query.
        attention_mask = (1.0 - mask) * tf.constant(self._mask_value, tf.float32)
        with tf.name_scope("embedding"):
            # Every token is in segment 0, so its embedding is a constant to add to the positions.
            position = self._weights.position[:length] + self._weights.segment[0]
            hidden = self._embedding.lookup(tf.reshape(numbers, [length])) + position
            hidden = _layer_norm(hidden, self._weights.norm_gamma, self._weights.norm_beta)
        for index, layer in enumerate(self._weights.layers):
            with tf.name_scope(f"layer_{index}"):
                attended = self._attention(hidden, attention_mask, layer)
                hidden = _layer_norm(hidden + attended, layer.attention_gamma, layer.attention_beta)
                hidden = _layer_norm(
                    hidden + self._feedforward(hidden, layer), layer.feedforward_gamma, layer.feedforward_beta
                )
        with tf.name_scope("pooling"):
            share = mask / tf.maximum(tf.reduce_sum(mask, axis=1, keepdims=True), 1.0)
            return tf.matmul(share, hidden), hidden[tf.newaxis], places

    def _attention(self, hidden: tf.Tensor, mask: tf.Tensor, layer: LayerWeights) -> tf.Tensor:
        """Self-attention of one window: `[seq, hidden]`, `[1, seq]` -> `[seq, hidden]`."""
        width, heads, head_dim = layer.query_kernel.shape
        scale = np.float32(1.0 / math.sqrt(head_dim))
        kernels = (layer.query_kernel * scale, layer.key_kernel, layer.value_kernel)
        biases = (layer.query_bias * scale, layer.key_bias, layer.value_bias)
        with tf.name_scope("attention/qkv"):
            kernel = np.concatenate([part.reshape(width, heads * head_dim) for part in kernels], axis=1)
            mixed = tf.matmul(hidden, kernel) + np.concatenate([part.reshape(-1) for part in biases])
        length = hidden.shape[0]
        with tf.name_scope("attention/scores"):
            # [seq, 3 * heads * dim] -> three times [heads, seq, dim].
            mixed = tf.transpose(tf.reshape(mixed, [length, 3 * heads, head_dim]), [1, 0, 2])
            query, key, value = tf.split(mixed, 3, axis=0)
            scores = tf.matmul(query, key, transpose_b=True) + mask
            context = tf.matmul(tf.nn.softmax(scores), value)
        with tf.name_scope("attention/output"):
            context = tf.reshape(tf.transpose(context, [1, 0, 2]), [length, heads * head_dim])
            return tf.matmul(context, layer.output_kernel.reshape(heads * head_dim, width)) + layer.output_bias

    def _feedforward(self, hidden: tf.Tensor, layer: LayerWeights) -> tf.Tensor:
        with tf.name_scope("feedforward/intermediate"):
            inner = tf.matmul(hidden, layer.intermediate_kernel) + layer.intermediate_bias
            inner = tf.nn.gelu(inner, approximate=self._architecture.activation == "gelu_tanh")
        with tf.name_scope("feedforward/output"):
            return tf.matmul(inner, layer.feedforward_kernel) + layer.feedforward_bias


def _filled(part: Input, arrays: Sequence[Array]) -> tf_keras.Model:
    """The encoder of a further input with its weights; its operations are named after its layers."""
    encoder = input_encoder(part)
    encoder.set_weights(list(arrays))
    return encoder


def _fusion(architecture: Architecture, dims: Sequence[int], arrays: Sequence[Array]) -> Fusion | None:
    """The layer in which inputs meet with its weights; its operations are named after it."""
    if len(dims) == 1:
        return None
    layer = made(architecture.fusion)
    layer.build([((1, dim),) for dim in dims])
    layer.set_weights(list(arrays))
    return layer


def _layer_norm(values: tf.Tensor, gamma: Array, beta: Array) -> tf.Tensor:
    with tf.name_scope("layer_norm"):
        centred = values - tf.reduce_mean(values, axis=-1, keepdims=True)
        # A product, not squared_difference, which has no kernel for 16-bit activations.
        variance = tf.reduce_mean(centred * centred, axis=-1, keepdims=True)
        return centred * tf.math.rsqrt(variance + _EPSILON) * gamma + beta
