"""The files that an executor reads, here or in a bucket."""

from __future__ import annotations

from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow)

import tensorflow as tf
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from pipeline.ingest import spans
from pipeline.ingest.rows import DataError


def matching(base: str, pattern: str) -> list[str]:
    """The files behind an executor's pattern, those of older spans first.

    Raises:
        DataError: there are none.
    """
    files = spans.expand(base, pattern, glob=tf.io.gfile.glob)
    if not files:
        raise DataError(f"{base}/{pattern}: no such file. Set data.path to a file with rows.")
    return files


def open_file(path: str) -> Any:
    """Opens a file, here or in a bucket, for reading its bytes as they are."""
    return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)
