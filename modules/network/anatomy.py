"""Where a classifier keeps its parts, by public names: layers, kernels, heads, neurons, embeddings, hidden states.

Libraries keep the parts of a layer in private attributes. Who prunes, rounds, cuts, distils or explains asks here and
need not know which (`modules.network.bert` knows KerasNLP's); an encoder of another library needs an `Anatomy` of its
own and nothing else.

The parts of a layer are `attention/{query,key,value,output,norm}` and `feedforward/{intermediate,output,norm}`, the
embeddings `token`, `position`, `segment` and `norm`.
"""

from __future__ import annotations

import abc
import dataclasses
import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.network.architecture import ENCODER
from modules.registry import Registry
from modules.text.features import PADDING_MASK, TOKEN_IDS
from modules.tf_gaps.guard import Gap

import numpy as np
import tensorflow as tf
import tf_keras

DEFAULT_TARGETS = ("layer_*/attention/*", "layer_*/feedforward/*")
_GAP = Gap("tf-keras", __name__)

ANATOMIES: Registry[type[Anatomy]] = Registry("anatomy", {"bert": "modules.network.bert:BertAnatomy"})


class AnatomyError(ValueError):
    """A network whose parts nobody knows."""


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A weight that can be pruned or rounded.

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


@dataclasses.dataclass(frozen=True)
class Part:
    """A sub-layer of a transformer layer.

    Attributes:
        layer: the Keras layer.
        arrays: names of its two weights in `modules.network.arrays.LayerWeights`.
        rows: see `Kernel`; None for a layer norm, which has no kernel.
    """

    layer: tf_keras.layers.Layer
    arrays: tuple[str, str]
    rows: int | None


class Layer(abc.ABC):
    """One transformer layer."""

    @property
    @abc.abstractmethod
    def parts(self) -> Mapping[str, Part]:
        """The sub-layers by public name, in the order in which a hidden state passes them."""

    @abc.abstractmethod
    def __call__(self, hidden: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
        """Hidden states `[batch, seq, hidden]`, int32 `[batch, seq]` -> `[batch, seq, hidden]`."""

    @abc.abstractmethod
    def attention(self, hidden: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
        """Attention of what enters the layer, as a distribution.

        Args:
            hidden: `[batch, seq, hidden]`.
            padding_mask: int32 `[batch, seq]`.

        Returns:
            float32 `[batch, heads, seq, seq]`.
        """

    @property
    def heads(self) -> tf_keras.layers.Layer:
        """What mixes the heads: kernel `[heads, head_dim, hidden]`, bias `[hidden]`."""
        return self.parts["attention/output"].layer

    @property
    def neurons(self) -> tf_keras.layers.Layer:
        """What mixes the feed-forward neurons: kernel `[width, hidden]`, bias `[hidden]`."""
        return self.parts["feedforward/output"].layer


class Anatomy(abc.ABC):
    """The parts of a certain kind of encoder; weights are the encoder's own, not copies.

    Args:
        encoder: one that `fits`.
    """

    def __init__(self, encoder: tf_keras.Model) -> None:
        self.encoder = encoder

    @classmethod
    @abc.abstractmethod
    def fits(cls, encoder: tf_keras.Model) -> bool:
        """Whether the encoder is of this kind."""

    @property
    @abc.abstractmethod
    def layers(self) -> Sequence[Layer]:
        """The transformer layers, from the input to the head."""

    @property
    @abc.abstractmethod
    def embeddings(self) -> Mapping[str, tf_keras.layers.Layer]:
        """`token`, `position` and `segment`, each with one table, and `norm`, the layer norm of their sum."""

    @abc.abstractmethod
    def inputs(self, token_ids: tf.Tensor, padding_mask: tf.Tensor) -> dict[str, tf.Tensor]:
        """What the encoder takes, of int32 `[batch, seq]` twice."""

    def entered(self, features: Mapping[str, tf.Tensor]) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """What the encoder takes of a classifier's features, and where rows go on.

        Args:
            features: by name, as the classifier takes them; those of further inputs do not matter.

        Returns:
            As of `inputs`, and the mask, int32 `[batch, seq]`.
        """
        mask = features[PADDING_MASK]
        return self.inputs(features[TOKEN_IDS], mask), mask

    @abc.abstractmethod
    def embedded(self) -> tf_keras.Model:
        """From `inputs` to the normed sum of the embeddings, `[batch, seq, hidden]`, before dropout."""

    @abc.abstractmethod
    def states(self) -> tf_keras.Model:
        """From `inputs` to the hidden states `[batch, seq, hidden]`: what enters the first layer, then each output."""

    @abc.abstractmethod
    def gains(self) -> Mapping[str, tf.Variable]:
        """By kernel, the gain of the layer norm before it: the converter multiplies it into the kernel, then rounds."""

    def kernels(self, targets: Sequence[str] = DEFAULT_TARGETS) -> list[Kernel]:
        """The kernels whose names match, from the input to the head.

        Names are `layer_<i>/attention/{query,key,value,output}`, `layer_<i>/feedforward/{intermediate,output}` and
        `embedding/token`. They are keyed by layer object: Keras' variable names repeat from layer to layer.

        Args:
            targets: shell patterns; a kernel is taken if one matches.

        Raises:
            ValueError: a pattern matches nothing.
        """
        found = [Kernel("embedding/token", _master(self.embeddings["token"].embeddings), 1)]
        for index, layer in enumerate(self.layers):
            found += [
                Kernel(f"layer_{index}/{name}", _master(part.layer.kernel), part.rows)
                for name, part in layer.parts.items()
                if part.rows is not None
            ]
        for target in targets:
            if not any(fnmatch.fnmatchcase(kernel.name, target) for kernel in found):
                names = ", ".join(kernel.name for kernel in found)
                raise ValueError(f"pruning target {target!r} matches none of {names}.")
        return [kernel for kernel in found if any(fnmatch.fnmatchcase(kernel.name, target) for target in targets)]

    def sparsity(self, targets: Sequence[str] = DEFAULT_TARGETS) -> dict[str, float]:
        """Share of exact zeros of each kernel that matches, by name; see `kernels`."""
        return {kernel.name: float(np.mean(kernel.variable.numpy() == 0.0)) for kernel in self.kernels(targets)}


def of(model: tf_keras.Model) -> Anatomy:
    """The anatomy of a classifier's encoder.

    Args:
        model: what `modules.network.model.build_model` returns, or another one with a layer named `encoder`.

    Raises:
        AnatomyError: no anatomy fits its encoder.
    """
    encoder = model.get_layer(ENCODER)
    for kind in ANATOMIES.kinds:
        if ANATOMIES[kind].fits(encoder):
            return ANATOMIES[kind](encoder)
    raise AnatomyError(
        f"the parts of the network {model.name!r} are unknown; there are anatomies for: {', '.join(ANATOMIES.kinds)}. "
        "Register one for its encoder with `modules.network.anatomy.ANATOMIES`."
    )


def _master(variable: Any) -> tf.Variable:
    """The float32 variable behind an `AutoCastVariable`, which would hand out the compute type."""
    if type(variable).__module__.startswith("tf_keras"):  # without the name, training would round the compute type
        _GAP.require(variable, "_variable")
    return getattr(variable, "_variable", variable)
