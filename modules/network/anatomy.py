"""Where a classifier keeps its parts, by public names: layers, kernels, heads, neurons, embeddings, hidden states.

Libraries keep the parts of a layer in private attributes. Who prunes, rounds, cuts, distils or explains asks here and
need not know which; an encoder of another library needs an `Anatomy` of its own and nothing else.

The parts of a layer are `attention/{query,key,value,output,norm}` and `feedforward/{intermediate,output,norm}`, the
embeddings `token`, `position`, `segment` and `norm`.
"""

from __future__ import annotations

import abc
import dataclasses
import fnmatch
import operator
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.network.architecture import ENCODER
from modules.registry import Registry

import keras_nlp
import numpy as np
import tensorflow as tf
import tf_keras

DEFAULT_TARGETS = ("layer_*/attention/*", "layer_*/feedforward/*")
# How weights' files of Keras 3 name a layer's attention, and the parts in it: with or without a leading underscore.
SAVED_ATTENTION = "_self_attention_layer"
SAVED_ATTENTION_PARTS = ("query_dense", "key_dense", "value_dense", "output_dense")

ANATOMIES: Registry[type[Anatomy]] = Registry("anatomy", {"bert": "modules.network.anatomy:BertAnatomy"})


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
    return getattr(variable, "_variable", variable)


class BertLayer(Layer):
    """A `keras_nlp.layers.TransformerEncoder` with its layer norms behind the blocks.

    Args:
        layer: the Keras layer.
    """

    _ATTENTION: ClassVar[str] = "_self_attention_layer"
    # By public name: where KerasNLP keeps it, its two arrays, and the leading axes of its kernel that are inputs.
    _PLACES: ClassVar[Mapping[str, tuple[str, tuple[str, str], int | None]]] = {
        "attention/query": (f"{_ATTENTION}._query_dense", ("query_kernel", "query_bias"), 1),
        "attention/key": (f"{_ATTENTION}._key_dense", ("key_kernel", "key_bias"), 1),
        "attention/value": (f"{_ATTENTION}._value_dense", ("value_kernel", "value_bias"), 1),
        "attention/output": (f"{_ATTENTION}._output_dense", ("output_kernel", "output_bias"), 2),
        "attention/norm": ("_self_attention_layer_norm", ("attention_gamma", "attention_beta"), None),
        "feedforward/intermediate": (
            "_feedforward_intermediate_dense",
            ("intermediate_kernel", "intermediate_bias"),
            1,
        ),
        "feedforward/output": ("_feedforward_output_dense", ("feedforward_kernel", "feedforward_bias"), 1),
        "feedforward/norm": ("_feedforward_layer_norm", ("feedforward_gamma", "feedforward_beta"), None),
    }

    def __init__(self, layer: keras_nlp.layers.TransformerEncoder) -> None:
        self.layer = layer

    @property
    def parts(self) -> Mapping[str, Part]:
        return {
            name: Part(operator.attrgetter(place)(self.layer), arrays, rows)
            for name, (place, arrays, rows) in self._PLACES.items()
        }

    def __call__(self, hidden: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
        return self.layer(hidden, padding_mask=padding_mask)

    def attention(self, hidden: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
        parts = self.parts
        query = tf.cast(parts["attention/query"].layer(hidden), tf.float32)
        key = tf.cast(parts["attention/key"].layer(hidden), tf.float32)
        scores = tf.einsum("bqhd,bkhd->bhqk", query, key) / tf.sqrt(tf.cast(tf.shape(query)[-1], tf.float32))
        return tf.nn.softmax(scores - 1e4 * (1.0 - tf.cast(padding_mask, tf.float32))[:, None, None, :])

    def exchange(self, name: str, part: tf_keras.layers.Layer) -> None:
        """Puts another sub-layer in the place of one.

        Args:
            name: `attention` for the whole block, or a part that is no part of attention, such as `attention/norm`.
            part: built, for inputs and outputs of the same shape.
        """
        setattr(self.layer, self._ATTENTION if name == "attention" else self._PLACES[name][0], part)


class BertAnatomy(Anatomy):
    """Of a `keras_nlp.models.BertBackbone`, pooler left out."""

    @classmethod
    def fits(cls, encoder: tf_keras.Model) -> bool:
        return bool(bert_layers(encoder))

    @property
    def layers(self) -> Sequence[BertLayer]:
        return bert_layers(self.encoder)

    @property
    def embeddings(self) -> Mapping[str, tf_keras.layers.Layer]:
        tables = {name: self.encoder.get_layer(f"{name}_embedding") for name in ("token", "position", "segment")}
        return {**tables, "norm": self.encoder.get_layer("embeddings_layer_norm")}

    def inputs(self, token_ids: tf.Tensor, padding_mask: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"token_ids": token_ids, "segment_ids": tf.zeros_like(token_ids), "padding_mask": padding_mask}

    def embedded(self) -> tf_keras.Model:
        return tf_keras.Model(self.encoder.input, self.embeddings["norm"].output)

    def states(self) -> tf_keras.Model:
        first = self.encoder.get_layer("embeddings_dropout").get_output_at(0)
        return tf_keras.Model(self.encoder.input, [first, *(layer.layer.get_output_at(0) for layer in self.layers)])

    def gains(self) -> Mapping[str, tf.Variable]:
        result: dict[str, tf.Variable] = {}
        before = self.embeddings["norm"]
        for index, layer in enumerate(self.layers):
            parts = layer.parts
            for name in ("query", "key", "value"):
                result[f"layer_{index}/attention/{name}"] = before.gamma
            result[f"layer_{index}/feedforward/intermediate"] = parts["attention/norm"].layer.gamma
            before = parts["feedforward/norm"].layer
        return result


def bert_layers(encoder: tf_keras.Model) -> list[BertLayer]:
    """The transformer layers of a BERT encoder or backbone, from the input to the output."""
    found = getattr(encoder, "layers", ())
    return [BertLayer(layer) for layer in found if isinstance(layer, keras_nlp.layers.TransformerEncoder)]
