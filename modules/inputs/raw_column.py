"""The values of one column in raw examples, for what summarises an input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modules.tensors import Column, raw_spec

import numpy as np


def batches(file_patterns: Sequence[str], column: Column) -> Iterator[np.ndarray]:
    """Reads a column of all rows, a thousand at a time.

    Args:
        file_patterns: globs of gzip-compressed TFRecord files of `tf.Example`.
        column: with its type; where it is optional, a row need not have it.

    Yields:
        One value a row: bytes, int64, or float32, NaN where an optional number is missing.
    """
    import tensorflow as tf

    files = sorted(name for pattern in file_patterns for name in tf.io.gfile.glob(pattern))
    for batch in tf.data.TFRecordDataset(files, compression_type="GZIP").batch(1024):
        yield tf.io.parse_example(batch, raw_spec([column]))[column.name].numpy()
