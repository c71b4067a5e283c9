"""From the text of some readings to numbers, as operations of a graph; `edgeline_edge.inputs.vector` does the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

_SEPARATORS = r"[\s,;\[\]]+"
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"


def numbers(texts: tf.Tensor, count: int) -> tf.Tensor:
    """The readings of each text.

    Args:
        texts: string `[batch]`: lists of JSON, nested or not, or numbers between spaces, commas or semicolons.
        count: how many a text must hold; one with more or fewer has none.

    Returns:
        float32 `[batch, count]`, NaN where one is missing or no number.
    """
    import tensorflow as tf

    apart = tf.strings.split(tf.strings.strip(tf.strings.regex_replace(texts, _SEPARATORS, " ")), " ")
    row = apart.to_tensor(default_value="", shape=[None, count])
    is_number = tf.strings.regex_full_match(row, _NUMBER) & tf.equal(apart.row_lengths(), count)[:, tf.newaxis]
    # By way of float64, as Python reads a number: both then round to the same float32.
    read = tf.strings.to_number(tf.where(is_number, row, "0"), tf.float64)
    nothing = tf.constant(float("nan"), tf.float32)
    return tf.ensure_shape(tf.where(is_number, tf.cast(read, tf.float32), nothing), [None, count])
