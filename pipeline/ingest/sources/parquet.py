"""Parquet: read batch by batch, only the columns that are wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.config.rows.source import SourceConfig
from pipeline.ingest.rows import DataError
from pipeline.ingest.sources.base import Opener, Record, as_record, check_columns

_BATCH_ROWS = 4096


def read(path: str, config: SourceConfig, columns: Sequence[str] | None, opener: Opener) -> Iterator[Record]:
    """See `pipeline.ingest.sources.read`. A record's line is the row's number."""
    import pyarrow as pa
    from pyarrow import parquet

    with opener(path) as stream:
        try:
            file = parquet.ParquetFile(stream)
        except pa.ArrowInvalid as error:
            raise DataError(f"{path}:1: not a Parquet file: {error}") from None
        names = file.schema_arrow.names
        wanted = names if columns is None else list(columns)
        check_columns(wanted, names, f"{path}:1")
        if not file.metadata.num_rows:
            raise DataError(f"{path}:1: there are no rows in the file.")
        number = 0
        for batch in file.iter_batches(_BATCH_ROWS, columns=wanted):
            lists = [batch.column(column).to_pylist() for column in wanted]
            for values in zip(*lists, strict=True):
                number += 1
                yield as_record(zip(wanted, values, strict=True), path, number)
