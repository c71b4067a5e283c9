"""Quantization-aware fine-tuning: the network computes with rounded weights, the optimizer moves the exact ones.

Before a step the masters are exchanged for what the converter will make of them, the gradient is taken there, the
masters come back, and the gradient is applied to them: the straight-through estimator of Bengio et al., 2013
(https://arxiv.org/abs/1308.3432), as Jacob et al., 2018 (https://arxiv.org/abs/1712.05877) use it, without a single
fake-quantization node in the network. Zeros of a pruned kernel stay zeros, since zero is always representable.

When fine-tuning is over, the rounded weights become the student's own: the network that was trained last is the one
that is exported, so that its float file and its low-bit files compute the same, and quantizing it loses little more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from modules.network import anatomy
from modules.network.anatomy import Kernel
from modules.student.settings import QuantizationAwareSettings

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)

if TYPE_CHECKING:
    import tf_keras


class WeightRounder:
    """Exchanges masters for rounded weights and back; both calls belong in the cross-replica context.

    Args:
        model: what `modules.network.model.build_model` returns.
        settings: bits and scales.
    """

    def __init__(self, model: tf_keras.Model, settings: QuantizationAwareSettings) -> None:
        self._settings = settings
        self._kernels: list[Kernel] = []
        parts = anatomy.of(model)
        self._gains = parts.gains()
        if settings.kernel_bits and parts.layers:
            self._kernels += parts.kernels(["layer_*"])
        if settings.embedding_bits and parts.embeddings:
            self._kernels += parts.kernels(["embedding/token"])

    def round(self) -> list[tf.Tensor]:
        """Writes the rounded weights; returns the exact ones for `restore`."""
        masters = [tf.identity(kernel.variable) for kernel in self._kernels]
        for kernel, master in zip(self._kernels, masters, strict=True):
            kernel.variable.assign(self.rounded(kernel, master))
        return masters

    def restore(self, masters: Sequence[tf.Tensor]) -> None:
        """Writes the exact weights back."""
        for kernel, master in zip(self._kernels, masters, strict=True):
            kernel.variable.assign(master)

    def rounded(self, kernel: Kernel, values: tf.Tensor) -> tf.Tensor:
        """A kernel's values as the converter would store them, in float32 and of the same shape."""
        if kernel.name.startswith("embedding/"):
            assert self._settings.embedding_bits is not None
            block = math.gcd(self._settings.embedding_block, kernel.matrix_shape[1])
            blocks = tf.reshape(values, [-1, block])
            return tf.reshape(round_symmetric(blocks, self._settings.embedding_bits, axis=1), values.shape)
        assert self._settings.kernel_bits is not None
        matrix = tf.reshape(values, kernel.matrix_shape)
        gain = tf.ones([matrix.shape[0], 1])
        if kernel.name in self._gains:
            gain = tf.cast(self._gains[kernel.name], tf.float32)[:, None]
            gain = tf.where(tf.abs(gain) < 1e-4, 1.0, gain)
        return tf.reshape(round_symmetric(matrix * gain, self._settings.kernel_bits, axis=0) / gain, values.shape)


def round_symmetric(values: tf.Tensor, bits: int, *, axis: int) -> tf.Tensor:
    """Rounds to integers of some bits times a scale that fits the largest value along `axis`."""
    largest = float(2 ** (bits - 1) - 1)
    scale = tf.maximum(tf.reduce_max(tf.abs(values), axis=axis, keepdims=True) / largest, 1e-12)
    return tf.clip_by_value(tf.round(values / scale), -largest, largest) * scale
