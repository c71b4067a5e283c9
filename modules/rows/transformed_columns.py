"""Some features of Transform's output as arrays, for what is told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)

import numpy as np
import tensorflow as tf


def read(file_patterns: Sequence[str], widths: Mapping[str, int], limit: int) -> dict[str, np.ndarray]:
    """Reads float features.

    Args:
        file_patterns: globs of gzip-compressed TFRecord files of `tf.Example`.
        widths: numbers of a row, by feature.
        limit: most rows.

    Returns:
        By feature, float32 `[rows, width]`.
    """
    files = sorted(name for pattern in file_patterns for name in tf.io.gfile.glob(pattern))
    spec = {name: tf.io.FixedLenFeature([width], tf.float32) for name, width in widths.items()}
    parts: dict[str, list[np.ndarray]] = {name: [np.zeros((0, width), np.float32)] for name, width in widths.items()}
    for batch in tf.data.TFRecordDataset(files, compression_type="GZIP").take(limit).batch(1024):
        for name, values in tf.io.parse_example(batch, spec).items():
            parts[name].append(values.numpy())
    return {name: np.concatenate(found) for name, found in parts.items()}
