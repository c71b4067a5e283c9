"""Raw features to model features: the one function behind Transform, every signature and the device's tokenizer.

See the TFX guide on Transform, https://www.tensorflow.org/tfx/guide/transform.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modules.entry_settings import TransformNodeSettings
from modules.rows.features import LABEL_ID, PADDING_MASK, TOKEN_IDS
from modules.text import tokenization

if TYPE_CHECKING:
    import tensorflow as tf


def preprocessing_fn(inputs: Mapping[str, tf.Tensor], custom_config: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """TFX Transform's entry point.

    Args:
        inputs: raw features by name; the text column, string `[batch, 1]`, and, except in serving, the label column,
            string `[batch, 1]`. Others are ignored.
        custom_config: a `TransformNodeSettings`.

    Returns:
        `token_ids` and `padding_mask`, int64 `[batch, sequence_length]`, and `label_id`, int64 `[batch]`.
    """
    import tensorflow as tf

    settings = TransformNodeSettings.from_values(custom_config)
    columns = settings.data.columns
    vocabulary = tokenization.load_vocabulary(settings.backbone.vocabulary_path())
    token_ids, padding_mask = tokenization.wordpiece(
        tf.reshape(inputs[columns.text], [-1]), vocabulary, settings.preprocessing.sequence_length
    )
    return {
        # tf.Example knows no narrower integer.
        TOKEN_IDS: tf.cast(token_ids, tf.int64),
        PADDING_MASK: tf.cast(padding_mask, tf.int64),
        LABEL_ID: label_ids(tf.reshape(inputs[columns.label], [-1]), settings.labels),
    }


def label_ids(names: tf.Tensor, labels: Sequence[str]) -> tf.Tensor:
    """Ids of label names.

    Args:
        names: string `[batch]`.
        labels: the names in the order of their ids.

    Returns:
        int64 `[batch]`; -1 for a name that is not among them, which no loss accepts.
    """
    import tensorflow as tf

    match = tf.equal(names[:, tf.newaxis], tf.constant(list(labels)))
    return tf.where(
        tf.reduce_any(match, axis=1), tf.argmax(tf.cast(match, tf.int32), axis=1), tf.constant(-1, tf.int64)
    )
