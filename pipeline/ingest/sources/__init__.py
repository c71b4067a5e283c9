"""Rows of every form that people have them in, as one stream of records. Imports neither Beam nor TensorFlow.

A source yields `Record`s: columns to text, with the file and the line. What a number or a date looks like as text is
decided in one place (`base.to_text`), so that the same rows give the same records from every source.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from pipeline.config.rows.source import SourceConfig
from pipeline.ingest.rows import DataError
from pipeline.ingest.sources import csv_file, damage, jsonl, parquet, sql, tfrecord, xlsx
from pipeline.ingest.sources.base import Opener, Record, name_in_zip, open_local

__all__ = ["Record", "format_of", "read"]

_READERS = {
    "csv": csv_file.read,
    "jsonl": jsonl.read,
    "parquet": parquet.read,
    "tfrecord": tfrecord.read,
    "sql": sql.read,
    "xlsx": xlsx.read,
}
_SUFFIXES = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet",
    ".pq": "parquet", ".tfrecord": "tfrecord", ".tfrecords": "tfrecord", ".sql": "sql",
    ".xlsx": "xlsx", ".xlsm": "xlsx",
}  # fmt: skip


def read(
    path: str, config: SourceConfig, columns: Sequence[str] | None = None, *, opener: Opener = open_local
) -> Iterator[Record]:
    """Reads one file, as a stream.

    Args:
        path: the file; of an SQL source, the file with the query.
        config: how to read it.
        columns: the columns that are wanted; all if None.
        opener: opens a path for reading bytes; another one reads from a bucket.

    Yields:
        The records in the file's order; a row that cannot be read as one has a `problem` in place of values.

    Raises:
        DataError: the file as a whole cannot be read: it is empty, lacks a column, or is not what its name says.
    """
    return _told(path, _READERS[format_of(path, config)](path, config, columns, opener))


def _told(path: str, records: Iterator[Record]) -> Iterator[Record]:
    with damage.told(path):
        yield from records


def format_of(path: str, config: SourceConfig) -> str:
    """The format of a file: the configuration's, or the one that its suffix means.

    Raises:
        DataError: the suffix means none.
    """
    if config.format != "auto":
        return config.format
    name = path.lower().removesuffix(".gz")
    if name.endswith(".zip"):  # `rows.csv.zip`, or else what the file in it is called
        name = name.removesuffix(".zip") if "." in os.path.basename(name)[:-4] else name_in_zip(path).lower()
    for suffix, found in _SUFFIXES.items():
        if name.endswith(suffix):
            return found
    raise DataError(
        f"{path}: the suffix does not tell the format; it is one of {', '.join(_SUFFIXES)}, or set data.source.format "
        f"({', '.join(_READERS)})."
    )
