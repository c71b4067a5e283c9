"""Rows of an SQL query: streamed by the database's own cursor, with no credential in configuration or artifacts."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence

from pipeline.config.rows.source import SourceConfig, SqlConfig
from pipeline.ingest.rows import DataError
from pipeline.ingest.sources.base import Opener, Record, as_record, check_columns, open_local
from pipeline.ingest.sources.connections import connected, told

_LONGEST_QUERY = 1 << 20  # bytes


def read(path: str, config: SourceConfig, columns: Sequence[str] | None, opener: Opener) -> Iterator[Record]:
    """See `pipeline.ingest.sources.read`. A record's line is the row's number in the result."""
    query, settings = _query(path, opener), _settings(path, config)
    with connected(settings, path) as database, told(path, "the query failed", database.deadline):
        names, rows = database.ask(query)
        if names is None:
            raise DataError(f"{path}:1: the query returns no rows; it must be a SELECT.")
        wanted = names if columns is None else list(columns)
        check_columns(wanted, names, f"{path}:1")
        places = [names.index(column) for column in wanted]
        number = 0
        for values in rows:
            number += 1
            if number > settings.max_rows:
                raise DataError(
                    f"{path}: the query gives more than {settings.max_rows:,} rows, which looks endless; raise "
                    "data.source.sql.max_rows if it has so many."
                )
            yield as_record(((name, values[place]) for name, place in zip(wanted, places, strict=True)), path, number)
        if not number:
            raise DataError(f"{path}:1: the query returned no rows.")


def fingerprint(path: str, config: SourceConfig, *, opener: Opener = open_local) -> str:
    """What changes whenever the rows of a query do: the cache of ExampleGen goes by it.

    Args:
        path: the file with the query.
        config: the source; with a watermark its one row is taken, else a digest of all rows in any order.
        opener: opens the file.

    Returns:
        SHA-256 of the query's text and of that, 64 hexadecimal digits.

    Raises:
        DataError: the database cannot be reached, or a query fails.
    """
    settings = _settings(path, config)
    if settings.watermark:
        with connected(settings, path) as database, told(path, "data.source.sql.watermark failed", database.deadline):
            rows = list(itertools.islice(database.ask(settings.watermark)[1], 2))
        if len(rows) != 1:
            raise DataError(f"{path}: data.source.sql.watermark must return one row, not {len(rows) or 'none'}.")
        state = repr(tuple(map(str, rows[0])))
    else:
        total = 0  # a sum does not depend on the order, in which a database is free
        for record in read(path, config, None, opener):
            row = repr((record.values, record.problem)).encode("utf-8", errors="surrogatepass")
            total += int.from_bytes(hashlib.sha256(row).digest(), "big")
        state = f"{total:x}"
    with opener(path) as stream:
        query = stream.read()
    return hashlib.sha256(query + b"\0" + state.encode()).hexdigest()


def _query(path: str, opener: Opener) -> str:
    with opener(path) as stream:
        content = stream.read(_LONGEST_QUERY + 1)
    if len(content) > _LONGEST_QUERY:
        raise DataError(f"{path}:1: the file has more than {_LONGEST_QUERY:,} bytes; a query has fewer.")
    try:
        text = content.decode("utf-8-sig").strip().rstrip(";")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}:{content.count(10, 0, error.start) + 1}: the query is not UTF-8.") from None
    if not text:
        raise DataError(f"{path}:1: there is no query in the file.")
    return text


def _settings(path: str, config: SourceConfig) -> SqlConfig:
    if config.sql is None:
        raise DataError(f"{path}: an SQL query needs its database: set data.source.sql.url.")
    return config.sql
