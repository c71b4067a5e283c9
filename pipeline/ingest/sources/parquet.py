"""Parquet: read batch by batch, only the columns that are wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.config.messages import shown
from pipeline.config.rows.source import SourceConfig
from pipeline.ingest.rows import DataError
from pipeline.ingest.sources.base import Opener, Record, as_record, check_columns

_BATCH_ROWS = 4096


def read(path: str, config: SourceConfig, columns: Sequence[str] | None, opener: Opener) -> Iterator[Record]:
    """See `pipeline.ingest.sources.read`. A record's line is the row's number."""
    import pyarrow as pa
    from pyarrow import parquet

    number = 0
    with opener(path) as stream:
        try:
            file = parquet.ParquetFile(stream, page_checksum_verification=True)
            names = list(file.schema_arrow.names)
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            _pass_on_refusal(error)
            raise DataError(f"{path}:1: not a Parquet file, or a damaged one: {_words(error)}") from None
        wanted = names if columns is None else list(columns)
        check_columns(wanted, names, f"{path}:1")
        if not file.metadata.num_rows:
            raise DataError(f"{path}:1: there are no rows in the file.")
        batches = file.iter_batches(_BATCH_ROWS, columns=wanted)
        while True:
            try:
                batch = next(batches, None)
                if batch is None:
                    break
                batch.validate(full=False)
                lists = [batch.column(column) for column in wanted]
            except (pa.ArrowException, OSError, ValueError, KeyError, OverflowError) as error:
                _pass_on_refusal(error)
                raise DataError(
                    f"{path}: the Parquet file is damaged after row {number}: {_words(error)} Write it again."
                ) from None
            for values in _rows(lists):
                number += 1
                if isinstance(values, str):
                    yield Record({}, path, number, values)
                else:
                    yield as_record(zip(wanted, values, strict=True), path, number)


def _rows(columns: list[Any]) -> Iterator[Sequence[Any] | str]:
    """The rows' values; what is wrong with a row of which Python cannot hold one."""
    try:
        yield from zip(*[column.to_pylist() for column in columns], strict=True)
        return
    except (ValueError, OverflowError):  # not UTF-8, or a date that Python does not know; the rows are told one by one
        pass
    for place in range(len(columns[0])):
        try:
            yield tuple(column[place].as_py() for column in columns)
        except UnicodeDecodeError:
            yield "a value is not UTF-8"
        except (ValueError, OverflowError) as error:
            yield f"a value cannot be read: {_words(error)}"


def _pass_on_refusal(error: Exception) -> None:
    """The operating system's refusal is no damage."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error


def _words(error: Exception) -> str:
    return shown(" ".join(str(error).split()).rstrip("."), 200) + "."
