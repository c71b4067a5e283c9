"""Connections to a database that only read, and that end: what a query may do is not left to the query.

SQLite's file is opened read-only, and its authorizer lets through what a SELECT needs; PostgreSQL gets one statement in
a read-only transaction. Each answer has a time limit, of the database's own where it has one, and of this side: a
server that says nothing more would otherwise be waited for without end.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pipeline.config.rows.source import SqlConfig
from pipeline.ingest.rows import DataError
from pipeline.redaction import references

if TYPE_CHECKING:
    import sqlalchemy

_CONNECT_SECONDS, _GRACE_SECONDS = 10, 5.0
_STEPS = 10_000  # of SQLite's machine between two looks at the clock
_LONGEST_VALUE = 64 * 1024 * 1024  # bytes
_READS = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_RECURSIVE,
}
_REFUSALS = (
    *("not authorized", "authorization denied", "prohibited", "readonly database", "one statement at a time"),
    *("read-only transaction", "DECLARE CURSOR", "multiple commands", "may not be modified"),
)
_FORBIDDEN_FUNCTIONS = {"load_extension", "fts3_tokenizer", "writefile", "readfile", "edit"}


class Deadline:
    """A limit for each answer of one connection.

    Attributes:
        seconds: for one answer.
        passed: whether it has been reached.
        hang_up: ends the connection from this side.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until = float("inf")
        self.passed = False
        self.hang_up: Callable[[], None] | None = None

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Limits what is done inside."""
        self._until = time.monotonic() + self.seconds
        timer = threading.Timer(self.seconds + _GRACE_SECONDS, self._hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            self._until = float("inf")

    def check(self) -> int:
        """SQLite's progress handler: 1 ends the query."""
        self.passed = self.passed or time.monotonic() > self._until
        return int(self.passed)

    def _hang_up(self) -> None:
        self.passed = True
        if self.hang_up is not None:
            self.hang_up()


@dataclasses.dataclass(frozen=True)
class Database:
    """An open connection.

    Attributes:
        connection: SQLAlchemy's.
        deadline: what each answer is limited by.
        batch_rows: rows of one answer.
    """

    connection: sqlalchemy.Connection
    deadline: Deadline
    batch_rows: int

    def ask(self, query: str) -> tuple[list[str] | None, Iterator[Sequence[Any]]]:
        """Puts a query; its rows come batch by batch.

        Returns:
            The columns' names (None where the statement returns no rows), and the rows.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the database refuses it.
        """
        with self.deadline.running():
            result = self.connection.exec_driver_sql(query)
        if not result.returns_rows:
            return None, iter(())

        def rows() -> Iterator[Sequence[Any]]:
            while True:
                with self.deadline.running():
                    batch = result.fetchmany(self.batch_rows)
                if not batch:
                    return
                yield from batch

        return list(result.keys()), rows()


@contextlib.contextmanager
def connected(settings: SqlConfig, path: str) -> Iterator[Database]:
    """Connects to the database of a configuration.

    Args:
        settings: URL and limits.
        path: the file with the query, for errors.

    Raises:
        DataError: the URL is wrong, its secret is not there, or the database cannot be reached or made read-only.
    """
    import sqlalchemy as sa

    url = _url(settings, path)
    deadline = Deadline(settings.timeout_seconds)
    try:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError) as error:
        hint = " PostgreSQL's driver here is postgresql+psycopg://." if url.drivername == "postgresql" else ""
        raise DataError(f"{path}: data.source.sql.url is no URL that SQLAlchemy knows: {error}.{hint}") from None
    protect = _PROTECTIONS.get((url.get_backend_name(), engine.dialect.driver))
    if protect is None and not settings.read_only_account:
        raise DataError(
            f"{path}: data.source.sql.url: a connection of {url.drivername} cannot be made read-only here; "
            "sqlite:// and postgresql+psycopg:// can. Use an account that may only read, and say so: "
            "data.source.sql.read_only_account: true."
        )
    with contextlib.ExitStack() as stack:
        with told(path, f"cannot connect to {url.render_as_string(hide_password=True)}", deadline), deadline.running():
            connection = (protect or _plain)(engine, deadline, stack)
        # Without parameters, a colon or a percent sign in the query is just that.
        connection = connection.execution_options(
            stream_results=True, yield_per=settings.batch_rows, no_parameters=True
        )
        yield Database(connection, deadline, settings.batch_rows)


@contextlib.contextmanager
def told(path: str, what: str, deadline: Deadline) -> Iterator[None]:
    """A database's error as one that names the query's file.

    Args:
        path: the file with the query.
        what: failed.
        deadline: of the connection.

    Raises:
        DataError: in place of SQLAlchemy's error.
    """
    import sqlalchemy as sa

    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).strip()
        if deadline.passed or "statement timeout" in cause:
            raise DataError(
                f"{path}: {what}: the database took longer than data.source.sql.timeout_seconds for one answer; make "
                "the query faster, or raise it."
            ) from None
        if _is_refusal(cause):
            raise DataError(
                f"{path}: {what}: {cause}: a query may only read; it must be one SELECT, without anything that changes "
                "the database or looks beyond it."
            ) from None
        raise DataError(f"{path}: {what}: {cause}") from None


def _is_refusal(cause: str) -> bool:
    return any(words in cause for words in _REFUSALS)


def _url(settings: SqlConfig, path: str) -> sqlalchemy.URL:
    import sqlalchemy as sa

    try:
        if settings.url.startswith(references.FILE):
            text = references.value(settings.url)
        else:
            text = references.fill_url(settings.url)
    except references.SecretError as error:
        raise DataError(f"{path}: data.source.sql.url: {error}.") from None
    references.remember_url(text)
    if not text.partition("://")[2].startswith("/") and text.partition("?")[0].count("@") > 1:
        raise DataError(
            f"{path}: data.source.sql.url has more than one `@`: write those of the user's name, the password and the "
            "database as %40 (a password that ${NAME} stands for is quoted for you)."
        )
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        raise DataError(
            f"{path}: data.source.sql.url is no URL that SQLAlchemy knows; it is like "
            "postgresql+psycopg://user:${PASSWORD}@host/database or sqlite:///rows.db."
        ) from None
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():  # it would make an empty one
        raise DataError(f"{path}: data.source.sql.url: {url.database}: no such SQLite file.")
    return url


def _plain(engine: sqlalchemy.Engine, deadline: Deadline, stack: contextlib.ExitStack) -> sqlalchemy.Connection:
    return stack.enter_context(engine.connect())


def _sqlite(engine: sqlalchemy.Engine, deadline: Deadline, stack: contextlib.ExitStack) -> sqlalchemy.Connection:
    import sqlalchemy as sa

    @sa.event.listens_for(engine, "do_connect")
    def open_read_only(dialect: Any, record: Any, arguments: Any, options: Any) -> sqlite3.Connection:
        file = quote(os.path.abspath(str(engine.url.database)))
        connection = sqlite3.connect(f"file:{file}?mode=ro", **{**options, "uri": True})
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
        connection.set_progress_handler(deadline.check, _STEPS)
        return connection

    connection = stack.enter_context(engine.connect())
    raw: Any = connection.connection.dbapi_connection
    raw.set_authorizer(_authorize)
    return connection


def _authorize(action: int, first: str | None, second: str | None, database: str | None, inside: str | None) -> int:
    """SQLite's authorizer: what a SELECT needs, and nothing else."""
    if action in _READS:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() not in _FORBIDDEN_FUNCTIONS:
        return sqlite3.SQLITE_OK
    # Opening a full-text table asks for these; an UPDATE of the schema by the query is refused all the same.
    if (action, first) == (sqlite3.SQLITE_UPDATE, "sqlite_master") and database == "main":
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA and first in ("data_version", "page_size") and second is None:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _postgresql(engine: sqlalchemy.Engine, deadline: Deadline, stack: contextlib.ExitStack) -> sqlalchemy.Connection:
    import sqlalchemy as sa

    @sa.event.listens_for(engine, "do_connect")
    def connect(dialect: Any, record: Any, arguments: Any, options: Any) -> Any:
        connection = dialect.connect(*arguments, **{"connect_timeout": _CONNECT_SECONDS, **options})

        def hang_up() -> None:
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)

        deadline.hang_up = hang_up
        return connection

    connection = stack.enter_context(engine.connect()).execution_options(postgresql_readonly=True)
    # After this first statement the transaction can no longer be made one that writes.
    connection.exec_driver_sql(f"SELECT set_config('statement_timeout', '{round(deadline.seconds * 1000)}', false)")
    if connection.exec_driver_sql("SHOW transaction_read_only").scalar_one() != "on":
        raise sa.exc.InvalidRequestError("the server gives no read-only transaction")
    return connection


_PROTECTIONS = {("sqlite", "pysqlite"): _sqlite, ("postgresql", "psycopg"): _postgresql}
