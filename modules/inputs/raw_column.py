"""The values of one column in raw examples, for what summarises an input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modules.tensors import Column, raw_spec


def values(file_patterns: Sequence[str], column: Column) -> list[Any]:
    """Reads a column of all rows.

    Args:
        file_patterns: globs of gzip-compressed TFRecord files of `tf.Example`.
        column: with its type; where it is optional, a row need not have it.

    Returns:
        One value a row: bytes, int, or float, NaN where an optional number is missing.
    """
    import tensorflow as tf

    files = sorted(name for pattern in file_patterns for name in tf.io.gfile.glob(pattern))
    found: list[Any] = []
    for batch in tf.data.TFRecordDataset(files, compression_type="GZIP").batch(1024):
        found += tf.io.parse_example(batch, raw_spec([column]))[column.name].numpy().tolist()
    return found
