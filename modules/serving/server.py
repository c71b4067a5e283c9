"""The SavedModel that servers get, with the four signatures that Edgeline promises.

- `serving_default`: serialized `tf.Example`, as TF Serving, TFMA and BulkInferrer want;
- `serving_text`: a string tensor, as a REST client wants;
- `transform_features`: serialized `tf.Example` with its label to Transform's features, as TFMA wants;
- `tokens`: ids and mask, as the TFLite converter wants.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.rows.features import PADDING_MASK, TOKEN_IDS
from modules.text import tokenization

import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the tokenizer's ops, which Transform's graph uses)
import tensorflow_transform as tft
import tf_keras

SERVING_DEFAULT, SERVING_TEXT = "serving_default", "serving_text"
TRANSFORM_FEATURES, TOKENS = "transform_features", "tokens"


class Server(tf.Module):
    """What is saved: the classifier, Transform's graph, and the functions over both.

    A plain module saves in a fraction of the time that a Keras model takes, and TFMA does not try to rebuild it.
    """

    def __init__(
        self,
        model: tf_keras.Model,
        transform_output: tft.TFTransformOutput,
        *,
        text_column: str,
        vocabulary: Sequence[str],
        labels: Sequence[str],
        sequence_length: int,
    ) -> None:
        """Gathers what the signatures need.

        Args:
            model: the classifier in float32.
            transform_output: Transform's output, for the graph and the raw features' specification.
            text_column: name of the raw text feature.
            vocabulary: WordPiece tokens in the order of their ids.
            labels: label names in the order of their ids.
            sequence_length: window in tokens.
        """
        super().__init__(name="server")
        self._model = model
        self._transform = transform_output.transform_features_layer()
        self._raw_spec = transform_output.raw_feature_spec()
        self._text_column, self._vocabulary, self._length = text_column, tuple(vocabulary), sequence_length
        self._labels = tf.constant(list(labels))

    def _answer(self, token_ids: tf.Tensor, padding_mask: tf.Tensor) -> dict[str, tf.Tensor]:
        features = {TOKEN_IDS: tf.cast(token_ids, tf.int32), PADDING_MASK: tf.cast(padding_mask, tf.int32)}
        probabilities = self._model(features, training=False)
        return {"probabilities": probabilities, "label": tf.gather(self._labels, tf.argmax(probabilities, axis=1))}

    def _trimmed(self, token_ids: tf.Tensor, padding_mask: tf.Tensor) -> dict[str, tf.Tensor]:
        """Short texts need no full window; mean pooling and attention mask make the answer independent of it."""
        longest = tf.reduce_max(tf.reduce_sum(padding_mask, axis=1))
        return self._answer(token_ids[:, :longest], padding_mask[:, :longest])

    def signatures(self) -> dict[str, Any]:
        """The concrete functions by signature name."""
        texts = tf.TensorSpec([None], tf.string, name="text")
        examples = tf.TensorSpec([None], tf.string, name="examples")
        tokens = [tf.TensorSpec([None, self._length], tf.int32, name=name) for name in (TOKEN_IDS, PADDING_MASK)]

        def serving_text(text: tf.Tensor) -> dict[str, tf.Tensor]:
            return self._trimmed(*tokenization.wordpiece(text, self._vocabulary, self._length))

        def serving_default(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
            spec = {self._text_column: self._raw_spec[self._text_column]}
            text = tf.io.parse_example(serialized, spec)[self._text_column]
            return serving_text(tf.reshape(text, [-1]))

        def transform_features(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
            return self._transform(tf.io.parse_example(serialized, self._raw_spec))

        def tokens_fn(token_ids: tf.Tensor, padding_mask: tf.Tensor) -> dict[str, tf.Tensor]:
            return self._answer(token_ids, padding_mask)

        return {
            SERVING_DEFAULT: tf.function(serving_default, input_signature=[examples]).get_concrete_function(),
            SERVING_TEXT: tf.function(serving_text, input_signature=[texts]).get_concrete_function(),
            TRANSFORM_FEATURES: tf.function(transform_features, input_signature=[examples]).get_concrete_function(),
            TOKENS: tf.function(tokens_fn, input_signature=tokens).get_concrete_function(),
        }


def save(server: Server, folder: str) -> None:
    """Writes the SavedModel with all signatures."""
    tf.saved_model.save(server, folder, signatures=server.signatures())
