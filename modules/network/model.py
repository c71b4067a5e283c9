"""The network: a KerasNLP BERT encoder with masked mean pooling, further inputs, fusion, dropout and a target's head.

`build_model` makes the network from an `Architecture`; a backbone decides which architecture and which pretrained
weights a configuration asks for. The layers of a student may have fewer heads and neurons than
BERT's shape would give them, each layer its own number. The network is a plain functional `tf_keras.Model` under
every precision policy; what leaves it is always float32.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.inputs import kinds as inputs_lib
from modules.inputs.base import Input
from modules.network import bert, layers
from modules.network.architecture import ENCODER, INPUT_ENCODER, Architecture
from modules.network.fusion.base import Value, fuse, made, value_of
from modules.targets.base import LOGITS
from modules.targets.kinds import TARGETS
from modules.text.features import PADDING_MASK, TOKEN_IDS
from modules.tf_gaps.attention import SelfAttention

import keras_nlp
import tensorflow as tf
import tf_keras


@contextlib.contextmanager
def precision_policy(name: str) -> Iterator[None]:
    """Sets Keras' global precision policy around the building of a model only.

    A policy that outlives the building leaks into Transform's feature layer, which then casts its float features.

    Args:
        name: `float32`, `mixed_float16` or `mixed_bfloat16`.
    """
    before = tf_keras.mixed_precision.global_policy()
    tf_keras.mixed_precision.set_global_policy(name)
    try:
        yield
    finally:
        tf_keras.mixed_precision.set_global_policy(before)


@tf_keras.utils.register_keras_serializable("edgeline")
class MaskedMeanPooling(tf_keras.layers.Layer):
    """Mean over the positions whose mask is 1, in float32: `[batch, seq, dim]`, `[batch, seq]` -> `[batch, dim]`."""

    def __init__(self, **kwargs: Any) -> None:
        """Keras' own layer arguments; the dtype is always float32."""
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, hidden: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
        """Pools `hidden` over the positions that `padding_mask` keeps."""
        weights = tf.cast(padding_mask, tf.float32)[:, :, tf.newaxis]
        total = tf.reduce_sum(tf.cast(hidden, tf.float32) * weights, axis=1)
        return total / tf.maximum(tf.reduce_sum(weights, axis=1), 1.0)


def build_model(architecture: Architecture, *, dropout: float = 0.1, policy: str = "float32") -> tf_keras.Model:
    """Builds the classifier with random weights.

    Args:
        architecture: shapes and activation.
        dropout: rate inside the encoder and before the head. 0 for conversion.
        policy: Keras precision policy of the encoder. Pooling, head and softmax are float32 under any.

    Returns:
        A functional model `{"token_ids": int32 [batch, seq], "padding_mask": int32 [batch, seq]}` (neither without a
        backbone) and the tensors of the further inputs -> what the target's head gives; for one label, float32
        probabilities `[batch, num_classes]`, with layers named `encoder`, `pooling`, `dropout`, `logits` and
        `probabilities`. `seq` may be anything up to `architecture.max_sequence_length`.
    """
    with precision_policy(policy):
        if not architecture.encoded:
            return _joined({}, [], architecture, dropout=dropout)
        backbone = keras_nlp.models.BertBackbone(
            vocabulary_size=architecture.vocabulary_size,
            num_layers=architecture.num_layers,
            num_heads=architecture.num_heads,
            hidden_dim=architecture.hidden_dim,
            intermediate_dim=architecture.intermediate_dim,
            dropout=dropout,
            max_sequence_length=architecture.max_sequence_length,
            num_segments=architecture.num_segments,
        )
        for index, layer in enumerate(bert.bert_layers(backbone)):
            _exchange(layer, architecture, index)
        return classifier(backbone, architecture, dropout=dropout)


def classifier(
    backbone: keras_nlp.models.BertBackbone, architecture: Architecture, *, dropout: float
) -> tf_keras.Model:
    """Puts pooling and head on a backbone.

    Args:
        backbone: with the parts that `architecture` asks for.
        architecture: activation and number of classes.
        dropout: rate before the head.

    Returns:
        See `build_model` for inputs and outputs.
    """
    if architecture.activation == "gelu":
        for layer in bert.bert_layers(backbone):
            # KerasNLP offers no argument for it: BertBackbone is always built with the tanh approximation.
            layer.parts["feedforward/intermediate"].layer.activation = layers.gelu
    # Only the sequence output: BERT's pooler would be dead weight in every file that follows.
    encoder = tf_keras.Model(backbone.input, backbone.output["sequence_output"], name=ENCODER)
    token_ids = tf_keras.Input([None], dtype="int32", name=TOKEN_IDS)
    padding_mask = tf_keras.Input([None], dtype="int32", name=PADDING_MASK)
    hidden = encoder({"token_ids": token_ids, "segment_ids": tf.zeros_like(token_ids), "padding_mask": padding_mask})
    tensors = {TOKEN_IDS: token_ids, PADDING_MASK: padding_mask}
    pooled = MaskedMeanPooling(name="pooling")(hidden, padding_mask)
    return _joined(tensors, [(pooled, hidden, padding_mask)], architecture, dropout=dropout)


def _joined(
    tensors: dict[str, tf_keras.KerasTensor],
    values: list[Value],
    architecture: Architecture,
    *,
    dropout: float,
) -> tf_keras.Model:
    """Adds the inputs that encode themselves, and puts fusion and head on all values."""
    for part in inputs_lib.read(architecture.inputs).values():
        encoder = input_encoder(part)
        own = {
            tensor.name: tf_keras.Input(tensor.shape, dtype=tensor.dtype, name=tensor.name) for tensor in part.tensors()
        }
        values.append(value_of(encoder(own)))
        tensors |= own
    layer = made(architecture.fusion) if len(values) > 1 else None
    fused = tf_keras.layers.Dropout(dropout, dtype="float32", name="dropout")(fuse(layer, values))
    outputs = TARGETS[architecture.target].head(fused, architecture.num_classes)
    return tf_keras.Model(tensors, outputs, name="classifier")


def input_encoder(part: Input) -> tf_keras.Model:
    """The encoder of an input that encodes itself, with random weights: from its tensors to one vector a row.

    Args:
        part: the input.

    Returns:
        A model of one output, the vector; where the input has parts of two, their mean and the parts.
    """
    own = {tensor.name: tf_keras.Input(tensor.shape, dtype=tensor.dtype, name=tensor.name) for tensor in part.tensors()}
    encoded = part.encode(own)
    if len(encoded.shape) == 3:
        mean = tf_keras.layers.GlobalAveragePooling1D(dtype="float32", name=f"mean_of_{part.name}")
        encoded = [mean(encoded), encoded]
    return tf_keras.Model(own, encoded, name=f"{INPUT_ENCODER}{part.name}")


def _exchange(view: bert.BertLayer, architecture: Architecture, index: int) -> None:
    """Gives a layer the parts of `modules.network.layers`, its own heads and feed-forward width.

    `BertBackbone` has no arguments for them.

    The functional graph refers to layer objects and calls them anew, so a sub-layer may be exchanged after the
    backbone is built, as long as what enters and leaves the layer keeps its shape.
    """
    layer, hidden = view.layer, (None, None, architecture.hidden_dim)
    heads, width = architecture.heads[index], architecture.intermediate_dims[index]
    attention = SelfAttention(
        num_heads=heads,
        key_dim=architecture.key_dim,
        dropout=layer.dropout,
        kernel_initializer=clone_initializer(layer.kernel_initializer),
        dtype=layer.dtype_policy,
        name="self_attention_layer",
    )
    view.exchange("attention", attention)
    attention.build_for(hidden)
    layer.num_heads = heads
    for name in ("attention/norm", "feedforward/norm"):
        exchanged = layers.LayerNormalization.from_config(view.parts[name].layer.get_config())
        exchanged.build(hidden)
        view.exchange(name, exchanged)
    if width != layer.intermediate_dim:
        intermediate = tf_keras.layers.Dense(
            width,
            activation=layer.activation,
            kernel_initializer=clone_initializer(layer.kernel_initializer),
            dtype=layer.dtype_policy,
            name="feedforward_intermediate_dense",
        )
        view.exchange("feedforward/intermediate", intermediate)
        intermediate.build(hidden)
        output = tf_keras.layers.Dense(
            architecture.hidden_dim,
            kernel_initializer=clone_initializer(layer.kernel_initializer),
            dtype=layer.dtype_policy,
            name="feedforward_output_dense",
        )
        view.exchange("feedforward/output", output)
        output.build((*hidden[:-1], width))
        layer.intermediate_dim = width


def clone_initializer(initializer: tf_keras.initializers.Initializer) -> tf_keras.initializers.Initializer:
    """A fresh initializer with the same settings: one that is used twice would give equal weights."""
    return type(initializer).from_config(initializer.get_config())


def head_input(model: tf_keras.Model) -> tf_keras.Model:
    """The same network (shared weights) with what its head reads as its output, float32 `[batch, dim]`."""
    return tf_keras.Model(model.input, model.get_layer("dropout").input, name="head_input")


def logits_model(model: tf_keras.Model) -> tf_keras.Model:
    """The same network (shared weights) with the logits as its output, for losses that want them."""
    return tf_keras.Model(model.input, model.get_layer(LOGITS).output, name="classifier_logits")
