"""Where a classifier keeps its parts, by public names: kernels, the gains before them, and the parts of a layer.

KerasNLP's layers keep them in private attributes; who asks here need not know which.
"""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modules.network.model import ENCODER, transformer_layers

import numpy as np

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)

if TYPE_CHECKING:
    import tf_keras


DEFAULT_TARGETS = ("layer_*/attention/*", "layer_*/feedforward/*")


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A weight that can be pruned.

    Attributes:
        name: for example `layer_0/attention/query`.
        variable: the float32 master.
        rows: columns of the variable's shape that, multiplied, are the rows of its 2-D view `[inputs, outputs]`.
    """

    name: str
    variable: tf.Variable
    rows: int

    @property
    def matrix_shape(self) -> tuple[int, int]:
        """`[inputs, outputs]`."""
        shape = self.variable.shape.as_list()
        return int(np.prod(shape[: self.rows])), int(np.prod(shape[self.rows :]))


def prunable_kernels(model: tf_keras.Model, targets: Sequence[str] = DEFAULT_TARGETS) -> list[Kernel]:
    """The kernels of a classifier whose names match.

    Names are `layer_<i>/attention/{query,key,value,output}`, `layer_<i>/feedforward/{intermediate,output}` and
    `embedding/token`. They are keyed by layer object: Keras' variable names repeat from layer to layer.

    Args:
        model: what `modules.network.model.build_model` returns.
        targets: shell patterns; a kernel is taken if one matches.

    Returns:
        The kernels from the input to the head.

    Raises:
        ValueError: a pattern matches nothing.
    """
    found = [Kernel("embedding/token", _master(model.get_layer(ENCODER).get_layer("token_embedding").embeddings), 1)]
    for index, layer in enumerate(transformer_layers(model)):
        attention = layer._self_attention_layer
        parts = (
            ("attention/query", attention._query_dense, 1),
            ("attention/key", attention._key_dense, 1),
            ("attention/value", attention._value_dense, 1),
            ("attention/output", attention._output_dense, 2),
            ("feedforward/intermediate", layer._feedforward_intermediate_dense, 1),
            ("feedforward/output", layer._feedforward_output_dense, 1),
        )
        found += [Kernel(f"layer_{index}/{name}", _master(dense.kernel), rows) for name, dense, rows in parts]
    for target in targets:
        if not any(fnmatch.fnmatchcase(kernel.name, target) for kernel in found):
            raise ValueError(f"pruning target {target!r} matches none of {', '.join(kernel.name for kernel in found)}.")
    return [kernel for kernel in found if any(fnmatch.fnmatchcase(kernel.name, target) for target in targets)]


def measure_sparsity(model: tf_keras.Model, targets: Sequence[str] = DEFAULT_TARGETS) -> dict[str, float]:
    """Share of exact zeros of each kernel that matches, by name."""
    return {kernel.name: float(np.mean(kernel.variable.numpy() == 0.0)) for kernel in prunable_kernels(model, targets)}


def _master(variable: Any) -> tf.Variable:
    """The float32 variable behind an `AutoCastVariable`, which would hand out the compute type."""
    return getattr(variable, "_variable", variable)


def kernel_gains(model: tf_keras.Model) -> dict[str, tf.Variable]:
    """By kernel, the gain of the layer norm before it: the converter multiplies it into the kernel, then rounds."""
    result: dict[str, tf.Variable] = {}
    before = model.get_layer(ENCODER).get_layer("embeddings_layer_norm")
    for index, layer in enumerate(transformer_layers(model)):
        for name in ("query", "key", "value"):
            result[f"layer_{index}/attention/{name}"] = before.gamma
        result[f"layer_{index}/feedforward/intermediate"] = layer._self_attention_layer_norm.gamma
        before = layer._feedforward_layer_norm
    return result


def layer_parts(layer: Any) -> list[tuple[Any, tuple[str, str]]]:
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
