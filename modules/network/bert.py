"""keras-nlp 0.12: where its BERT keeps the parts of a layer.

KerasNLP offers no public names for them, and `BertBackbone` no arguments for an own number of heads, another width or
another activation: they are read from private attributes, and exchanged there. A version that keeps or calls them
elsewhere would train and ship another network than the one that was asked for, so each layer is checked first.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import ClassVar

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.network.anatomy import Anatomy, Layer, Part
from modules.tf_gaps.guard import Gap

import keras_nlp
import tensorflow as tf
import tf_keras

# How weights' files of Keras 3 name a layer's attention, and the parts in it: with or without a leading underscore.
SAVED_ATTENTION = "_self_attention_layer"
SAVED_ATTENTION_PARTS = ("query_dense", "key_dense", "value_dense", "output_dense")
_GAP = Gap("keras-nlp", __name__)
_GAP_BELOW = Gap("tf-keras", __name__)


class BertLayer(Layer):
    """A `keras_nlp.layers.TransformerEncoder` with its layer norms behind the blocks.

    Args:
        layer: the Keras layer.

    Raises:
        GapError: KerasNLP or Keras keeps or calls its parts in another way.
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

    _OF_ATTENTION: ClassVar[tuple[str, ...]] = tuple(
        f"attention/{name}" for name in ("query", "key", "value", "output")
    )

    def __init__(self, layer: keras_nlp.layers.TransformerEncoder) -> None:
        self.layer = layer
        self._check()

    def _check(self) -> None:
        attention = self._ATTENTION
        owner = keras_nlp.layers.TransformerEncoder
        places = {place.removeprefix(f"{attention}."): part for part, (place, _, _) in self._PLACES.items()}
        inner = [place for place, part in places.items() if part in self._OF_ATTENTION]
        outer = [attention, *(place for place in places if place not in inner)]
        _GAP.require_use(owner, "call", *outer)
        _GAP.require(self.layer, *outer, "normalize_first")
        if self.layer.normalize_first:
            raise _GAP.broken("puts the layer norms of its BERT before the blocks")
        _GAP_BELOW.require_use(tf_keras.layers.MultiHeadAttention, "call", *inner)
        _GAP_BELOW.require(getattr(self.layer, attention), *inner)

    def check_arrays(self) -> None:
        """Makes sure that each part has the two arrays that its name stands for.

        Raises:
            GapError: one has others. A part that was exchanged has none before the network is built.
        """
        for name, part in self.parts.items():
            wanted = ("gamma", "beta") if part.rows is None else ("kernel", "bias")
            _GAP_BELOW.require(part.layer, *wanted)
            found = [weight.shape.rank for weight in part.layer.weights]
            main = 1 if part.rows is None else 3 if name in self._OF_ATTENTION else 2
            if len(found) != 2 or found[0] != main:
                raise _GAP.broken(f"has {name} with arrays of the ranks {found}, not two of which the first has {main}")

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
    """Of a `keras_nlp.models.BertBackbone`, pooler left out.

    Args:
        encoder: one that `fits`.

    Raises:
        GapError: KerasNLP names or connects the encoder's layers in another way.
    """

    _TABLES: ClassVar[tuple[str, ...]] = ("token", "position", "segment")
    _NORM: ClassVar[str] = "embeddings_layer_norm"
    _DROPOUT: ClassVar[str] = "embeddings_dropout"

    def __init__(self, encoder: tf_keras.Model) -> None:
        super().__init__(encoder)
        found = {layer.name: len(layer.weights) for layer in encoder.layers}
        wanted = {**{f"{name}_embedding": 1 for name in self._TABLES}, self._NORM: 2, self._DROPOUT: 0}
        for name, arrays in wanted.items():
            if found.get(name) != arrays:
                have = f"a layer {name} with {found[name]} arrays" if name in found else f"no layer {name}"
                raise _GAP.broken(f"builds a BERT with {have}, not with {arrays}")
        if set(encoder.input_names) != {"token_ids", "segment_ids", "padding_mask"}:
            raise _GAP.broken(f"builds a BERT that takes {', '.join(encoder.input_names)}")
        for layer in self.layers:
            layer.check_arrays()

    @classmethod
    def fits(cls, encoder: tf_keras.Model) -> bool:
        return bool(bert_layers(encoder))

    @property
    def layers(self) -> Sequence[BertLayer]:
        return bert_layers(self.encoder)

    @property
    def embeddings(self) -> Mapping[str, tf_keras.layers.Layer]:
        tables = {name: self.encoder.get_layer(f"{name}_embedding") for name in self._TABLES}
        return {**tables, "norm": self.encoder.get_layer(self._NORM)}

    def inputs(self, token_ids: tf.Tensor, padding_mask: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"token_ids": token_ids, "segment_ids": tf.zeros_like(token_ids), "padding_mask": padding_mask}

    def embedded(self) -> tf_keras.Model:
        return tf_keras.Model(self.encoder.input, self.embeddings["norm"].output)

    def states(self) -> tf_keras.Model:
        first = self.encoder.get_layer(self._DROPOUT).get_output_at(0)
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
    """The transformer layers of a BERT encoder or backbone, from the input to the output.

    Args:
        encoder: any network; one of another kind has none.

    Raises:
        GapError: a backbone of KerasNLP's is made of other layers, or these keep or call their parts in another way.
    """
    found = [
        BertLayer(layer)
        for layer in getattr(encoder, "layers", ())
        if isinstance(layer, keras_nlp.layers.TransformerEncoder)
    ]
    if isinstance(encoder, keras_nlp.models.BertBackbone) and len(found) != encoder.num_layers:
        raise _GAP.broken(f"builds a BERT of {encoder.num_layers} layers with {len(found)} TransformerEncoder in it")
    return found
