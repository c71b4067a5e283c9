"""Where a classifier keeps its parts, by public names: layers, kernels, heads, neurons, embeddings, hidden states.

Libraries keep the parts of a layer in private attributes. Who prunes, rounds, cuts, distils or explains asks here and
need not know which (`modules.network.bert` knows KerasNLP's); an encoder of another library needs an `Anatomy` of its
own and nothing else.

The parts of a layer are `attention/{query,key,value,output,norm}` and `feedforward/{intermediate,output,norm}`, the
embeddings `token`, `position`, `segment` and `norm`. Inputs that encode themselves have kernels, too:
`input/<name>/<layer>`, of dense layers and convolutions.
"""

from __future__ import annotations

import abc
import dataclasses
import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.network.architecture import ENCODER, INPUT_ENCODER
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
        self._others: Mapping[str, tf_keras.Model] = {}

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

        Names are `layer_<i>/attention/{query,key,value,output}`, `layer_<i>/feedforward/{intermediate,output}`,
        `embedding/token` and `input/<name>/<layer>`. They are keyed by layer object: Keras' variable names repeat from
        layer to layer.

        Args:
            targets: shell patterns; a kernel is taken if one matches.

        Raises:
            ValueError: a pattern matches nothing.
        """
        tables = [self.embeddings["token"].embeddings] if self.embeddings else []
        found = [Kernel("embedding/token", _master(table), 1) for table in tables]
        for index, layer in enumerate(self.layers):
            found += [
                Kernel(f"layer_{index}/{name}", _master(part.layer.kernel), part.rows)
                for name, part in layer.parts.items()
                if part.rows is not None
            ]
        for name, encoder in self._others.items():
            found += [
                Kernel(f"input/{name}/{layer.name}", _master(layer.kernel), layer.kernel.shape.rank - 1)
                for layer in encoder.layers
                if getattr(layer, "kernel", None) is not None and layer.kernel.shape.rank > 1
            ]
        for target in targets:
            if not any(fnmatch.fnmatchcase(kernel.name, target) for kernel in found):
                names = ", ".join(kernel.name for kernel in found) or "a network without kernels"
                raise ValueError(f"pruning target {target!r} matches none of {names}.")
        return [kernel for kernel in found if any(fnmatch.fnmatchcase(kernel.name, target) for target in targets)]

    def sparsity(self, targets: Sequence[str] | None = None) -> dict[str, float]:
        """Share of exact zeros of each kernel that matches, by name; see `kernels`.

        Args:
            targets: shell patterns. None: the kernels of the encoder's layers, none where there is no encoder.
        """
        targets = (DEFAULT_TARGETS if self.layers else ()) if targets is None else targets
        return {kernel.name: float(np.mean(kernel.variable.numpy() == 0.0)) for kernel in self.kernels(targets)}


class NoEncoder(Anatomy):
    """Of a network whose inputs all encode themselves: nothing but their kernels."""

    @classmethod
    def fits(cls, encoder: tf_keras.Model) -> bool:
        """No encoder is of this kind."""
        return False

    @property
    def layers(self) -> Sequence[Layer]:
        """None."""
        return ()

    @property
    def embeddings(self) -> Mapping[str, tf_keras.layers.Layer]:
        """None."""
        return {}

    def inputs(self, token_ids: tf.Tensor, padding_mask: tf.Tensor) -> dict[str, tf.Tensor]:
        """There is nothing that takes them.

        Raises:
            AnatomyError: always.
        """
        raise AnatomyError(f"the network {self.encoder.name!r} has no encoder")

    def embedded(self) -> tf_keras.Model:
        """As `inputs`.

        Raises:
            AnatomyError: always.
        """
        raise AnatomyError(f"the network {self.encoder.name!r} has no encoder")

    def states(self) -> tf_keras.Model:
        """As `inputs`.

        Raises:
            AnatomyError: always.
        """
        raise AnatomyError(f"the network {self.encoder.name!r} has no encoder")

    def gains(self) -> Mapping[str, tf.Variable]:
        """None."""
        return {}


def of(model: tf_keras.Model) -> Anatomy:
    """The anatomy of a classifier's encoder, and of what its further inputs have.

    Args:
        model: what `modules.network.model.build_model` returns, or another one with a layer named `encoder`; a
            classifier without that is a `NoEncoder`.

    Raises:
        AnatomyError: no anatomy fits its encoder.
    """
    found: Anatomy | None = None
    encoder = next((layer for layer in model.layers if layer.name == ENCODER), None)
    if encoder is None:
        found = NoEncoder(model)
    for kind in ANATOMIES.kinds if encoder is not None else ():
        if ANATOMIES[kind].fits(encoder):
            found = ANATOMIES[kind](encoder)
            break
    if found is not None:
        found._others = input_encoders(model)
        return found
    raise AnatomyError(
        f"the parts of the network {model.name!r} are unknown; there are anatomies for: {', '.join(ANATOMIES.kinds)}. "
        "Register one for its encoder with `modules.network.anatomy.ANATOMIES`."
    )


def input_encoders(model: tf_keras.Model) -> dict[str, tf_keras.Model]:
    """The encoders of a model's further inputs, by name of the input, in the order of fusion.

    Args:
        model: what `modules.network.model.build_model` returns.
    """
    named = [(layer.name, layer) for layer in model.layers if layer.name.startswith(INPUT_ENCODER)]
    return {name.removeprefix(INPUT_ENCODER): layer for name, layer in named}


def _master(variable: Any) -> tf.Variable:
    """The float32 variable behind an `AutoCastVariable`, which would hand out the compute type."""
    if type(variable).__module__.startswith("tf_keras"):  # without the name, training would round the compute type
        _GAP.require(variable, "_variable")
    return getattr(variable, "_variable", variable)
