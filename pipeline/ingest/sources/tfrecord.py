"""TFRecord of `tf.train.Example`, gzipped or not. The only source that needs TensorFlow, which it imports late."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.config.messages import shown
from pipeline.config.rows.source import SourceConfig
from pipeline.ingest.rows import DataError
from pipeline.ingest.sources.base import Opener, Record, as_record, check_columns, open_unpacked

_GZIP_MAGIC = b"\x1f\x8b"
_HEAD, _TAIL = 12, 4  # bytes: the length and its checksum, the data's checksum
_CHUNK, _LONGEST = 1 << 20, 256 << 20


def read(path: str, config: SourceConfig, columns: Sequence[str] | None, opener: Opener) -> Iterator[Record]:
    """See `pipeline.ingest.sources.read`. A record's line is its number; TensorFlow itself opens the file."""
    import modules  # noqa: F401, I001  (settles Keras 2 before TensorFlow)
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    with opener(path) as stream:
        packed = stream.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    _check_lengths(path, opener)
    number = 0
    try:
        for raw in tf.data.TFRecordDataset(path, "GZIP" if packed else "").as_numpy_iterator():
            number += 1
            example = tf.train.Example()
            try:
                example.ParseFromString(raw)
            except DecodeError as error:
                yield Record({}, path, number, f"not a tf.train.Example: {error}")
                continue
            found = example.features.feature
            if number == 1:
                check_columns(columns or (), sorted(found), f"{path}:1")
            yield _record(found, columns, path, number)
    except (tf.errors.DataLossError, tf.errors.OutOfRangeError, tf.errors.InternalError) as error:
        raise DataError(
            f"{path}:{number + 1}: not a TFRecord file, or a damaged one: {shown(error.message, 200)}. Write it again."
        ) from None
    if not number:
        raise DataError(f"{path}:1: there are no records in the file.")


def _check_lengths(path: str, opener: Opener) -> None:
    """Walks through the records by their lengths: TensorFlow allocates what a length says, whatever that is.

    Raises:
        DataError: a record would be longer than the file, or than any row.
    """
    number = 0
    with open_unpacked(path, opener) as stream:
        while head := stream.read(_HEAD):
            number += 1
            length = int.from_bytes(head[:8], "little")
            rest = length + _TAIL
            cut = len(head) < _HEAD or length > _LONGEST
            while rest and not cut:
                got = len(stream.read(min(rest, _CHUNK)))
                rest -= got
                cut = not got
            if cut:
                most = "a row may have" if length > _LONGEST else "the file has"
                raise DataError(
                    f"{path}:{number}: not a TFRecord file, or a damaged one: a record says that it has {length:,} "
                    f"bytes, which is more than {most}. Write it again."
                )


def _record(found: Any, columns: Sequence[str] | None, path: str, number: int) -> Record:
    pairs = []
    for column in sorted(found) if columns is None else columns:
        feature = found.get(column, None)  # `found[...]` would add it
        kind = feature.WhichOneof("kind") if feature is not None else None
        values = list(getattr(feature, kind).value) if kind else []
        if len(values) > 1:
            return Record({}, path, number, f"the feature {column!r} has {len(values)} values, where one is a text")
        pairs.append((column, values[0] if values else None))
    return as_record(pairs, path, number)
