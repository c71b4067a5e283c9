"""The network: a KerasNLP BERT encoder with masked mean pooling, further inputs, fusion, dropout and a target's head.

`build_model` makes the network from an `Architecture`; `modules.network.backbones.bert` decides which architecture and
which pretrained weights a configuration asks for. The layers of a student may have fewer heads and neurons than
BERT's shape would give them, each layer its own number. The network is a plain functional `tf_keras.Model` under
every precision policy; what leaves it is always float32.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.inputs import kinds as inputs_lib
from modules.network import fusion, layers
from modules.targets.kinds import ONE_LABEL, TARGETS
from modules.targets.one_label import LOGITS
from modules.text.features import PADDING_MASK, TOKEN_IDS

import keras_nlp
import tensorflow as tf
import tf_keras

ENCODER = "encoder"


@dataclasses.dataclass(frozen=True)
class Architecture:
    """Everything that fixes the shapes and the function of the network, except its weights.

    Attributes:
        vocabulary_size: rows of the token embedding.
        num_layers: transformer layers.
        num_heads: attention heads of each layer; must divide `hidden_dim`.
        hidden_dim: width of the encoder.
        intermediate_dim: width of the feed-forward layers.
        max_sequence_length: rows of the position embedding, the longest window in tokens.
        num_classes: outputs of the head; for one label, the labels.
        activation: `gelu` (exact, as in MiniLM's own code) or `gelu_tanh` (KerasNLP's approximation).
        num_segments: rows of the segment embedding; every token is in segment 0.
        head_dim: width of one head; None means `hidden_dim / num_heads`, as in BERT.
        layer_heads: heads of each layer where they differ from `num_heads`; needs `head_dim` when one of them does.
        layer_intermediate_dims: feed-forward width of each layer where it differs from `intermediate_dim`.
        inputs: by name, the sections of the inputs besides the one that the backbone encodes, in the order of fusion.
        target: kind of the target, whose head it is.
    """

    vocabulary_size: int
    num_layers: int
    num_heads: int
    hidden_dim: int
    intermediate_dim: int
    max_sequence_length: int
    num_classes: int
    activation: str = "gelu"
    num_segments: int = 2
    head_dim: int | None = None
    layer_heads: tuple[int, ...] | None = None
    layer_intermediate_dims: tuple[int, ...] | None = None
    inputs: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    target: str = ONE_LABEL

    def __post_init__(self) -> None:
        """Makes tuples of JSON's lists and refuses shapes that cannot be built."""
        for name in ("layer_heads", "layer_intermediate_dims"):
            values = getattr(self, name)
            if values is None:
                continue
            object.__setattr__(self, name, tuple(int(value) for value in values))
            if len(values) != self.num_layers or any(value < 1 for value in values):
                raise ValueError(f"{name} is {list(values)}: {self.num_layers} numbers of at least 1 are needed.")

    @property
    def key_dim(self) -> int:
        """Width of one attention head."""
        return self.head_dim or self.hidden_dim // self.num_heads

    @property
    def heads(self) -> tuple[int, ...]:
        """Attention heads of each layer."""
        return self.layer_heads or (self.num_heads,) * self.num_layers

    @property
    def intermediate_dims(self) -> tuple[int, ...]:
        """Feed-forward width of each layer."""
        return self.layer_intermediate_dims or (self.intermediate_dim,) * self.num_layers

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values; without `inputs` and `target` where there is a text and one label alone."""
        values = dataclasses.asdict(self)
        if not self.inputs:
            del values["inputs"]
        if self.target == ONE_LABEL:
            del values["target"]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Architecture:
        """The inverse of `to_dict`."""
        return cls(**values)


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
        A functional model `{"token_ids": int32 [batch, seq], "padding_mask": int32 [batch, seq]}` and the tensors of
        the further inputs -> what the target's head gives; for one label, float32 probabilities `[batch, num_classes]`,
        with layers named `encoder`, `pooling`, `dropout`, `logits` and `probabilities`. `seq` may be anything up to
        `architecture.max_sequence_length`.
    """
    with precision_policy(policy):
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
        for index, layer in enumerate(backbone.transformer_layers):
            _exchange(layer, architecture, index)
        return classifier(backbone, architecture, dropout=dropout)


def classifier(
    backbone: keras_nlp.models.BertBackbone, architecture: Architecture, *, dropout: float
) -> tf_keras.Model:
    """Puts pooling and head on a backbone; see `build_model` for inputs and outputs."""
    if architecture.activation == "gelu":
        for layer in backbone.transformer_layers:
            # KerasNLP offers no argument for it: BertBackbone is always built with the tanh approximation.
            layer._feedforward_intermediate_dense.activation = layers.gelu
    # Only the sequence output: BERT's pooler would be dead weight in every file that follows.
    encoder = tf_keras.Model(backbone.input, backbone.output["sequence_output"], name=ENCODER)
    token_ids = tf_keras.Input([None], dtype="int32", name=TOKEN_IDS)
    padding_mask = tf_keras.Input([None], dtype="int32", name=PADDING_MASK)
    hidden = encoder({"token_ids": token_ids, "segment_ids": tf.zeros_like(token_ids), "padding_mask": padding_mask})
    tensors = {TOKEN_IDS: token_ids, PADDING_MASK: padding_mask}
    vectors = [MaskedMeanPooling(name="pooling")(hidden, padding_mask)]
    for part in inputs_lib.read(architecture.inputs).values():
        own = {
            tensor.name: tf_keras.Input(tensor.shape, dtype=tensor.dtype, name=tensor.name) for tensor in part.tensors()
        }
        vectors.append(part.encode(own))
        tensors |= own
    fused = tf_keras.layers.Dropout(dropout, dtype="float32", name="dropout")(fusion.concat(vectors))
    outputs = TARGETS[architecture.target].head(fused, architecture.num_classes)
    return tf_keras.Model(tensors, outputs, name="classifier")


def _exchange(layer: keras_nlp.layers.TransformerEncoder, architecture: Architecture, index: int) -> None:
    """Gives a layer the parts of `modules.network.layers`, its own heads and feed-forward width.

    `BertBackbone` has no arguments for them.

    The functional graph refers to layer objects and calls them anew, so a sub-layer may be exchanged after the
    backbone is built, as long as what enters and leaves the layer keeps its shape.
    """
    hidden = (None, None, architecture.hidden_dim)
    heads, width = architecture.heads[index], architecture.intermediate_dims[index]
    layer._self_attention_layer = layers.SelfAttention(
        num_heads=heads,
        key_dim=architecture.key_dim,
        dropout=layer.dropout,
        kernel_initializer=clone_initializer(layer.kernel_initializer),
        dtype=layer.dtype_policy,
        name="self_attention_layer",
    )
    layer._self_attention_layer._build_from_signature(query=hidden, value=hidden)
    layer.num_heads = heads
    for name in ("_self_attention_layer_norm", "_feedforward_layer_norm"):
        exchanged = layers.LayerNormalization.from_config(getattr(layer, name).get_config())
        exchanged.build(hidden)
        setattr(layer, name, exchanged)
    if width != layer.intermediate_dim:
        layer._feedforward_intermediate_dense = tf_keras.layers.Dense(
            width,
            activation=layer.activation,
            kernel_initializer=clone_initializer(layer.kernel_initializer),
            dtype=layer.dtype_policy,
            name="feedforward_intermediate_dense",
        )
        layer._feedforward_intermediate_dense.build(hidden)
        layer._feedforward_output_dense = tf_keras.layers.Dense(
            architecture.hidden_dim,
            kernel_initializer=clone_initializer(layer.kernel_initializer),
            dtype=layer.dtype_policy,
            name="feedforward_output_dense",
        )
        layer._feedforward_output_dense.build((*hidden[:-1], width))
        layer.intermediate_dim = width


def clone_initializer(initializer: tf_keras.initializers.Initializer) -> tf_keras.initializers.Initializer:
    """A fresh initializer with the same settings: one that is used twice would give equal weights."""
    return type(initializer).from_config(initializer.get_config())


def transformer_layers(model: tf_keras.Model) -> list[keras_nlp.layers.TransformerEncoder]:
    """The transformer layers of a model that `build_model` made, from the input to the head."""
    layers = model.get_layer(ENCODER).layers
    return [layer for layer in layers if isinstance(layer, keras_nlp.layers.TransformerEncoder)]


def token_embedding(model: tf_keras.Model) -> tf_keras.layers.Layer:
    """The token embedding of a model that `build_model` made."""
    return model.get_layer(ENCODER).get_layer("token_embedding")


def logits_model(model: tf_keras.Model) -> tf_keras.Model:
    """The same network (shared weights) with the logits as its output, for losses that want them."""
    return tf_keras.Model(model.input, model.get_layer(LOGITS).output, name="classifier_logits")
