"""Rows of an SQL query: streamed by the database's own cursor, with no credential in configuration or artifacts."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.config.rows.source import SECRET_FILE, VARIABLE, SourceConfig, SqlConfig
from pipeline.ingest.rows import DataError
from pipeline.ingest.sources.base import Opener, Record, as_record, check_columns, open_local

if TYPE_CHECKING:
    import sqlalchemy


def read(path: str, config: SourceConfig, columns: Sequence[str] | None, opener: Opener) -> Iterator[Record]:
    """See `pipeline.ingest.sources.read`. A record's line is the row's number in the result."""
    query, settings = _query(path, opener), _settings(path, config)
    with _connection(settings, path) as connection, _told(path, "the query failed"):
        result = connection.exec_driver_sql(query)
        if not result.returns_rows:
            raise DataError(f"{path}:1: the query returns no rows; it must be a SELECT.")
        names = list(result.keys())
        wanted = names if columns is None else list(columns)
        check_columns(wanted, names, f"{path}:1")
        places = [names.index(column) for column in wanted]
        number = 0
        for values in result:
            number += 1
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
        with _connection(settings, path) as connection, _told(path, "data.source.sql.watermark failed"):
            rows = connection.exec_driver_sql(settings.watermark).fetchmany(2)
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
        text = stream.read().decode("utf-8-sig").strip().rstrip(";")
    if not text:
        raise DataError(f"{path}:1: there is no query in the file.")
    return text


def _settings(path: str, config: SourceConfig) -> SqlConfig:
    if config.sql is None:
        raise DataError(f"{path}: an SQL query needs its database: set data.source.sql.url.")
    return config.sql


@contextlib.contextmanager
def _connection(settings: SqlConfig, path: str) -> Iterator[sqlalchemy.Connection]:
    """A connection whose changes, if a query makes any, are rolled back."""
    import sqlalchemy as sa

    try:
        url = sa.make_url(_url(settings.url))
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():  # it would make an empty one
            raise DataError(f"{path}: data.source.sql.url: {url.database}: no such SQLite file.")
        engine = sa.create_engine(url, poolclass=sa.NullPool)
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError) as error:
        raise DataError(f"{path}: data.source.sql.url is no URL that SQLAlchemy knows: {error}") from None
    with contextlib.ExitStack() as stack:
        with _told(path, f"cannot connect to {url.render_as_string(hide_password=True)}"):
            connection = stack.enter_context(engine.connect())
        # Without parameters, a colon or a percent sign in the query is just that.
        yield connection.execution_options(stream_results=True, yield_per=settings.batch_rows, no_parameters=True)


def _url(url: str) -> str:
    def value(name: str) -> str:
        if name not in os.environ:
            raise DataError(f"data.source.sql.url: the environment variable {name} is not set.")
        return os.environ[name]

    if not url.startswith(SECRET_FILE):
        return VARIABLE.sub(lambda found: value(found[1]), url)
    file = Path(url.removeprefix(SECRET_FILE))
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise DataError(f"data.source.sql.url: {file} cannot be read ({error.strerror}).") from None


@contextlib.contextmanager
def _told(path: str, what: str) -> Iterator[Any]:
    """A database's error as one that names the query's file; the URL is not in it."""
    import sqlalchemy as sa

    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise DataError(f"{path}: {what}: {str(cause).strip()}") from None
