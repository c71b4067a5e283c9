"""An encoder of another library, with other names for everything, and the anatomy that says what is what."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.network.anatomy import ANATOMIES, Anatomy, Layer, Part
from modules.network.architecture import ENCODER, Architecture
from modules.network.model import MaskedMeanPooling
from modules.targets.one_label.target import LOGITS, PROBABILITIES

import tensorflow as tf
import tf_keras

_EPSILON = 1e-12


class Block(tf_keras.layers.Layer):
    """Attention, then two dense layers, each with a norm behind its sum: BERT's function in one's own words."""

    def __init__(self, shape: Architecture, **kwargs: object) -> None:
        super().__init__(**kwargs)
        heads, dim = shape.num_heads, shape.key_dim
        self.ask, self.offer, self.carry = (
            tf_keras.layers.EinsumDense("bsw,whd->bshd", (None, heads, dim), bias_axes="hd") for _ in range(3)
        )
        self.mix = tf_keras.layers.EinsumDense("bshd,hdw->bsw", (None, shape.hidden_dim), bias_axes="w")
        self.wide = tf_keras.layers.Dense(shape.intermediate_dim, tf.nn.gelu)
        self.narrow = tf_keras.layers.Dense(shape.hidden_dim)
        self.calm, self.still = (tf_keras.layers.LayerNormalization(epsilon=_EPSILON) for _ in range(2))

    def looks(self, hidden: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        query, key = self.ask(hidden), self.offer(hidden)
        scores = tf.einsum("bqhd,bkhd->bhqk", query, key) / math.sqrt(query.shape[-1])
        return tf.nn.softmax(scores - 1e9 * (1.0 - tf.cast(mask, tf.float32))[:, None, None, :])

    def call(self, hidden: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        seen = self.mix(tf.einsum("bhqk,bkhd->bqhd", self.looks(hidden, mask), self.carry(hidden)))
        hidden = self.calm(hidden + seen)
        return self.still(hidden + self.narrow(self.wide(hidden)))


class Places(tf_keras.layers.Layer):
    """Adds what belongs to a position and to the only segment."""

    def __init__(self, shape: Architecture, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.where = tf_keras.layers.Embedding(shape.max_sequence_length, shape.hidden_dim)
        self.which = tf_keras.layers.Embedding(shape.num_segments, shape.hidden_dim)

    def call(self, words: tf.Tensor) -> tf.Tensor:
        length = tf.shape(words)[1]
        return words + self.where(tf.range(length))[None] + self.which(tf.zeros_like(words[:, :, 0], tf.int32))


def classifier(shape: Architecture) -> tf_keras.Model:
    """The encoder with pooling and head on it."""
    ids, mask = (tf_keras.Input([None], dtype="int32", name=name) for name in ("ids", "keep"))
    words = tf_keras.layers.Embedding(shape.vocabulary_size, shape.hidden_dim, name="words")(ids)
    hidden = tf_keras.layers.LayerNormalization(epsilon=_EPSILON, name="level")(Places(shape, name="places")(words))
    for number in range(shape.num_layers):
        hidden = Block(shape, name=f"block_{number}")(hidden, mask)
    encoder = tf_keras.Model({"ids": ids, "keep": mask}, hidden, name=ENCODER)
    token_ids, padding_mask = (tf_keras.Input([None], dtype="int32", name=name) for name in FEATURES)
    pooled = MaskedMeanPooling(name="pooling")(encoder({"ids": token_ids, "keep": padding_mask}), padding_mask)
    pooled = tf_keras.layers.Dropout(0.0, name="dropout")(pooled)
    logits = tf_keras.layers.Dense(shape.num_classes, name=LOGITS)(pooled)
    probabilities = tf_keras.layers.Softmax(name=PROBABILITIES)(logits)
    return tf_keras.Model(dict(zip(FEATURES, (token_ids, padding_mask), strict=True)), probabilities)


FEATURES = ("token_ids", "padding_mask")


class ToyLayer(Layer):
    """A `Block`."""

    def __init__(self, block: Block) -> None:
        self.block = block

    @property
    def parts(self) -> Mapping[str, Part]:
        block = self.block
        return {
            "attention/query": Part(block.ask, ("query_kernel", "query_bias"), 1),
            "attention/key": Part(block.offer, ("key_kernel", "key_bias"), 1),
            "attention/value": Part(block.carry, ("value_kernel", "value_bias"), 1),
            "attention/output": Part(block.mix, ("output_kernel", "output_bias"), 2),
            "attention/norm": Part(block.calm, ("attention_gamma", "attention_beta"), None),
            "feedforward/intermediate": Part(block.wide, ("intermediate_kernel", "intermediate_bias"), 1),
            "feedforward/output": Part(block.narrow, ("feedforward_kernel", "feedforward_bias"), 1),
            "feedforward/norm": Part(block.still, ("feedforward_gamma", "feedforward_beta"), None),
        }

    def __call__(self, hidden: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
        return self.block(hidden, padding_mask)

    def attention(self, hidden: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
        return self.block.looks(hidden, padding_mask)


@ANATOMIES.register("toy")
class ToyAnatomy(Anatomy):
    """Of `classifier`."""

    @classmethod
    def fits(cls, encoder: tf_keras.Model) -> bool:
        return any(isinstance(layer, Block) for layer in encoder.layers)

    @property
    def layers(self) -> Sequence[ToyLayer]:
        return [ToyLayer(layer) for layer in self.encoder.layers if isinstance(layer, Block)]

    @property
    def embeddings(self) -> Mapping[str, tf_keras.layers.Layer]:
        places = self.encoder.get_layer("places")
        return {
            "token": self.encoder.get_layer("words"),
            "position": places.where,
            "segment": places.which,
            "norm": self.encoder.get_layer("level"),
        }

    def inputs(self, token_ids: tf.Tensor, padding_mask: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"ids": token_ids, "keep": padding_mask}

    def embedded(self) -> tf_keras.Model:
        return tf_keras.Model(self.encoder.input, self.embeddings["norm"].output)

    def states(self) -> tf_keras.Model:
        outputs = [self.embeddings["norm"].output, *(layer.block.output for layer in self.layers)]
        return tf_keras.Model(self.encoder.input, outputs)

    def gains(self) -> Mapping[str, tf.Variable]:
        return {}
