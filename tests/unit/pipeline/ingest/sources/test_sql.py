"""Rows of an SQL query: streamed, the same as from a file, with no credential in any message or configuration."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import secrets
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from pipeline.config.rows.source import SourceConfig, SqlConfig
from pipeline.ingest import sources
from pipeline.ingest.rows import DataError
from pipeline.ingest.sources import connections, sql
from tests.tools import programs
from tests.unit import source_files

ROWS = [
    {"text": 'Schön, "so"\n🙂', "label": "positive"}, {"text": "100 % :ok ::really", "label": "negative"},
    {"text": "", "label": "negative"},
]  # fmt: skip
TABLE = "CREATE TABLE reviews (id INTEGER PRIMARY KEY, text TEXT, label TEXT)"


def source(**values: Any) -> SourceConfig:
    return SourceConfig.model_validate({"sql": values})


def query(folder: Path, text: str) -> str:
    file = folder / "rows.sql"
    file.write_text(text, encoding="utf-8")
    return str(file)


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    """The URL of a database with `ROWS`."""
    with sqlite3.connect(tmp_path / "rows.db") as connection:
        connection.execute(TABLE)
        connection.executemany("INSERT INTO reviews (text, label) VALUES (:text, :label)", ROWS)
    connection.close()
    return f"sqlite:///{tmp_path / 'rows.db'}"


# Any database


def test_the_url_may_come_from_a_variable_or_a_file(
    sqlite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = query(tmp_path, "SELECT text FROM reviews")
    monkeypatch.setenv("ROWS_URL", sqlite)
    monkeypatch.setenv("ROWS_FOLDER", str(tmp_path))
    (tmp_path / "secret").write_text(f"{sqlite}\n", encoding="utf-8")
    for url in ("${ROWS_URL}", "sqlite:///${ROWS_FOLDER}/rows.db", f"file:{tmp_path}/secret"):
        assert len(list(sources.read(file, source(url=url)))) == len(ROWS)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("${NOT_SET_ANYWHERE}", "the environment variable NOT_SET_ANYWHERE is not set"),
        ("file:/no/such/secret", r"/no/such/secret cannot be read \(No such file"),
        ("sqlite:///no.db", "no.db: no such SQLite file"),
        ("nonsense", "no URL that SQLAlchemy knows"),
        ("oracle9://host/db", "no URL that SQLAlchemy knows"),
    ],
)
def test_a_database_that_is_not_there_is_told(url: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        list(sources.read(query(tmp_path, "SELECT 1"), source(url=url)))


def test_a_password_in_the_configuration_is_refused() -> None:
    with pytest.raises(ValidationError, match="a password must not stand in a configuration"):
        SqlConfig(url="postgresql+psycopg://me:geheim@host/db")
    assert SqlConfig(url="postgresql+psycopg://me:${PASSWORD}@host/db").url


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("  \n", "rows.sql:1: there is no query in the file"),
        ("SELECT text FROM nowhere", "rows.sql: the query failed: no such table: nowhere"),
        ("SELECT text, label AS lable FROM reviews", "rows.sql:1: there is no column 'label'.*mean 'lable'"),
        ("SELECT text, label FROM reviews WHERE 0", "rows.sql:1: the query returned no rows"),
    ],
)
def test_a_wrong_query_is_told_with_its_file(sqlite: str, tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(sources.read(query(tmp_path, text), source(url=sqlite), ("text", "label")))
    with sqlite3.connect(tmp_path / "rows.db") as connection:  # whatever the query was, nothing is changed
        assert connection.execute("SELECT count(*) FROM reviews").fetchone() == (len(ROWS),)


HOSTILE = (
    "DELETE FROM reviews",
    "INSERT INTO reviews (text, label) VALUES ('a', 'b') RETURNING text, label",
    "DROP TABLE reviews",
    "SELECT text, label FROM reviews; DROP TABLE reviews",
    "COMMIT; DROP TABLE reviews",
    "CREATE TABLE more AS SELECT * FROM reviews",
)
HOSTILE_TO_SQLITE = (
    "WITH gone AS (SELECT id FROM reviews) DELETE FROM reviews WHERE id IN gone RETURNING text, label",
    "UPDATE reviews SET text = '' RETURNING text, label",
    "PRAGMA journal_mode = OFF",
    "PRAGMA writable_schema = ON",
    "UPDATE sqlite_master SET sql = '' RETURNING name AS text, type AS label",
    "PRAGMA table_info(reviews)",
    "ATTACH DATABASE '{folder}/other.db' AS other",
    "VACUUM INTO '{folder}/copy.db'",
    "VACUUM",
    "REINDEX",
    "BEGIN EXCLUSIVE",
    "CREATE TEMP TABLE more (text)",
    "SELECT load_extension('{folder}/evil.so') AS text, 'a' AS label",
    "SELECT name AS text, type AS label FROM pragma_table_info('reviews')",
)


@pytest.mark.parametrize("text", [*HOSTILE, *HOSTILE_TO_SQLITE])
def test_no_query_changes_sqlite_or_looks_beyond_it(
    sqlite: str, tmp_path: Path, text: str, record_property: Any
) -> None:
    record_property("faults", 2)
    file = query(tmp_path, text.format(folder=tmp_path))
    before = (tmp_path / "rows.db").read_bytes()
    for watermark in (None, text.format(folder=tmp_path)):
        with pytest.raises(DataError, match=r"rows\.sql.*(may only read|must be a SELECT|must return one row)"):
            sql.fingerprint(file, source(url=sqlite, watermark=watermark))
    assert (tmp_path / "rows.db").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"rows.db", "rows.sql"}


def test_a_view_is_queried(sqlite: str, tmp_path: Path) -> None:
    change(tmp_path, "CREATE VIEW good AS SELECT upper(label) AS label, text FROM reviews WHERE label = 'positive'")
    [record] = sources.read(query(tmp_path, "SELECT text, label FROM good"), source(url=sqlite))
    assert record.values["label"] == "POSITIVE"


def test_a_full_text_table_is_queried(sqlite: str, tmp_path: Path) -> None:
    try:
        change(tmp_path, "CREATE VIRTUAL TABLE words USING fts5(text, label)")
    except sqlite3.OperationalError as error:  # ML Metadata brings an SQLite of its own, which wins if it came first
        pytest.skip(str(error))
    change(tmp_path, "INSERT INTO words SELECT text, label FROM reviews")
    [record] = sources.read(query(tmp_path, "SELECT text FROM words WHERE words MATCH 'really'"), source(url=sqlite))
    assert record.values["text"] == ROWS[1]["text"]


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT {what} FROM n"


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("'a' AS text", "more than 3,000 rows, which looks endless; raise data.source.sql.max_rows"),
        ("max(i) AS text", "longer than data.source.sql.timeout_seconds for one answer"),
    ],
)
def test_an_endless_query_ends(sqlite: str, tmp_path: Path, what: str, message: str) -> None:
    config = source(url=sqlite, max_rows=3000, timeout_seconds=0.5)
    with pytest.raises(DataError, match=message):
        list(sources.read(query(tmp_path, ENDLESS.format(what=what)), config))


def test_another_database_is_asked_only_with_an_account_that_may_only_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = types.ModuleType("pg8000")
    driver.__version__, driver.paramstyle = "1.31.0", "format"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pg8000", driver)
    url = "postgresql+pg8000://me@127.0.0.1:9/db"
    with pytest.raises(DataError, match=r"cannot be made read-only here.*data\.source\.sql\.read_only_account: true"):
        list(sources.read(query(tmp_path, "SELECT 1"), source(url=url)))


@pytest.mark.parametrize("silent", ["at once", "when it is asked"])
def test_a_server_that_accepts_and_says_nothing_is_given_up(tmp_path: Path, silent: str) -> None:
    """The second lets a connection come about and then says no more."""
    greeting = b"R\0\0\0\x08\0\0\0\0" + b"Z\0\0\0\x05I"  # authentication is fine; ready

    def serve(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            line, _ = server.accept()
            if silent == "when it is asked":
                line.recv(8)  # asks for encryption
                line.sendall(b"N")
                line.recv(1000)
                line.sendall(greeting)
            time.sleep(20)

    with socket.create_server(("127.0.0.1", 0)) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "_GRACE_SECONDS", 0.2)
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        url = f"postgresql+psycopg://me@127.0.0.1:{server.getsockname()[1]}/db?connect_timeout=2"
        began = time.monotonic()
        with pytest.raises(DataError, match=r"rows\.sql: cannot connect to postgresql.*(timeout|longer than)"):
            list(sources.read(query(tmp_path, "SELECT 1"), source(url=url, timeout_seconds=1)))
        assert time.monotonic() - began < 10


def test_a_query_without_a_database_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"set data\.source\.sql\.url"):
        list(sources.read(query(tmp_path, "SELECT 1"), SourceConfig()))


# What the cache goes by


def change(folder: Path, statement: str) -> None:
    with sqlite3.connect(folder / "rows.db") as connection:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize("watermark", [None, "SELECT count(*), max(id) FROM reviews"])
def test_the_fingerprint_changes_with_the_rows_and_with_the_query(
    sqlite: str, tmp_path: Path, watermark: str | None
) -> None:
    config = source(url=sqlite, watermark=watermark)
    file = query(tmp_path, "SELECT text, label FROM reviews")
    first = sql.fingerprint(file, config)
    assert sql.fingerprint(file, config) == first
    change(tmp_path, "INSERT INTO reviews (text, label) VALUES ('new', 'positive')")
    second = sql.fingerprint(file, config)
    assert second != first
    assert sql.fingerprint(query(tmp_path, "SELECT label, text FROM reviews"), config) != second


def test_the_order_of_the_rows_does_not_change_the_fingerprint_but_any_value_does(sqlite: str, tmp_path: Path) -> None:
    config = source(url=sqlite)
    first = sql.fingerprint(query(tmp_path, "SELECT text, label FROM reviews"), config)
    change(tmp_path, "UPDATE reviews SET id = 10 - id")  # the same rows, stored in another order
    assert sql.fingerprint(query(tmp_path, "SELECT text, label FROM reviews"), config) == first
    change(tmp_path, "UPDATE reviews SET label = 'positive' WHERE text = ''")
    assert sql.fingerprint(query(tmp_path, "SELECT text, label FROM reviews"), config) != first


@pytest.mark.parametrize(
    ("watermark", "message"),
    [("SELECT id FROM reviews", "must return one row, not 2"), ("SELECT x", "data.source.sql.watermark failed")],
)
def test_a_wrong_watermark_is_told(sqlite: str, tmp_path: Path, watermark: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        sql.fingerprint(query(tmp_path, "SELECT text FROM reviews"), source(url=sqlite, watermark=watermark))


# A real PostgreSQL


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL of its own, password included; gone after the tests."""
    found = programs.need(programs.POSTGRESQL)
    folder = Path(tempfile.mkdtemp(prefix="edgeline-postgres-"))  # pytest's own folders are closed to other users
    password = secrets.token_hex(8)
    (folder / "password").write_text(password, encoding="utf-8")
    initdb, pg_ctl, as_user = found["initdb"], found["pg_ctl"], {}
    if os.geteuid() == 0:  # it refuses to run as root
        user = pwd.getpwnam("postgres" if _is_user("postgres") else "nobody")
        as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        tool = programs.POSTGRESQL
        if initdb.is_relative_to(tool.fetched):  # which lies where that user may not be able to look
            shutil.copytree(tool.fetched, folder / "programs", symlinks=True)
            initdb, pg_ctl = (folder / "programs" / path.relative_to(tool.fetched) for path in (initdb, pg_ctl))
        for path in (folder, folder / "password"):
            shutil.chown(path, user.pw_uid, user.pw_gid)

    def run(*command: str | Path) -> None:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **as_user)
        assert done.returncode == 0, done.stdout + done.stderr

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data, log = str(folder / "data"), str(folder / "log")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    try:
        run(initdb, "-D", data, "-U", "me", "--pwfile", str(folder / "password"), "-A", "scram-sha-256", "-E", "UTF8")
        with open(folder / "output", "w", encoding="utf-8") as output:  # a pipe would stay open in the server
            started = subprocess.run(
                [pg_ctl, "-D", data, "-l", log, "-w", "-t", "60", "-o", options, "start"],
                cwd=folder, stdout=output, stderr=output, check=False, **as_user,
            )  # fmt: skip
        assert started.returncode == 0, (folder / "output").read_text()
        try:
            yield f"postgresql+psycopg://me:{password}@127.0.0.1:{port}/postgres"
        finally:
            run(pg_ctl, "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def _is_user(name: str) -> bool:
    return any(entry.pw_name == name for entry in pwd.getpwall())


@pytest.fixture
def reviews(postgres: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Engine]:
    """A table with `ROWS`; the URL is in the environment variable POSTGRES_URL."""
    monkeypatch.setenv("POSTGRES_URL", postgres)
    engine = sa.create_engine(postgres, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE IF EXISTS reviews"))
        connection.execute(sa.text(TABLE.replace("INTEGER", "SERIAL")))
        connection.execute(sa.text("INSERT INTO reviews (text, label) VALUES (:text, :label)"), ROWS)
    yield engine
    engine.dispose()


POSTGRES = source(url="${POSTGRES_URL}", batch_rows=500)


@pytest.mark.slow
def test_rows_of_postgresql_are_those_of_a_file(reviews: sa.Engine, tmp_path: Path) -> None:
    file, config = source_files.write(tmp_path, "csv", ROWS)
    expected = [record.values for record in sources.read(str(file), config)]
    # A cast and a percent sign are SQL, not parameters of a driver.
    text = "SELECT text::text, label FROM reviews WHERE label LIKE '%tive' ORDER BY id;"
    assert [record.values for record in sources.read(query(tmp_path, text), POSTGRES)] == expected


@pytest.mark.slow
def test_values_of_any_type_are_text(reviews: sa.Engine, tmp_path: Path) -> None:
    text = "SELECT 1.50::numeric AS a, date '2026-01-02' AS b, NULL AS c, true AS d, ARRAY[1] AS e"
    [record] = sources.read(query(tmp_path, text), POSTGRES, ("a", "b", "c", "d"))
    assert record.values == {"a": "1.50", "b": "2026-01-02", "c": "", "d": "true"}
    [record] = sources.read(query(tmp_path, text), POSTGRES, ("e",))
    assert record.problem == "a value is a list, not text"


@pytest.mark.slow
def test_a_large_result_is_streamed_and_not_loaded_whole(reviews: sa.Engine, tmp_path: Path) -> None:
    text = (  # each row that is computed takes a lock, which another connection can count
        "SELECT 'text ' || number AS text, pg_try_advisory_lock(number) AS label "
        "FROM generate_series(1::bigint, 3000000) AS number"
    )
    records = sources.read(query(tmp_path, text), POSTGRES)
    assert [record.values["text"] for record in itertools.islice(records, 3)] == ["text 1", "text 2", "text 3"]
    with reviews.connect() as connection:
        count = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        assert 3 <= connection.execute(count).scalar_one() <= 1000  # of three million: batch by batch
    records.close()  # type: ignore[attr-defined]


@pytest.mark.slow
def test_the_fingerprint_follows_the_table(reviews: sa.Engine, tmp_path: Path) -> None:
    file = query(tmp_path, "SELECT text, label FROM reviews")
    config = source(url="${POSTGRES_URL}", watermark="SELECT count(*), max(id) FROM reviews")
    before = sql.fingerprint(file, config), sql.fingerprint(file, POSTGRES)
    with reviews.begin() as connection:
        connection.execute(sa.text("INSERT INTO reviews (text, label) VALUES ('new', 'positive')"))
    after = sql.fingerprint(file, config), sql.fingerprint(file, POSTGRES)
    assert before[0] != after[0]
    assert before[1] != after[1]


@pytest.mark.slow
def test_a_refused_connection_and_a_failing_query_tell_no_password(
    reviews: sa.Engine, postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = sa.make_url(postgres).password
    assert isinstance(password, str)
    file = query(tmp_path, "SELECT text FROM nowhere")
    with pytest.raises(DataError, match='the query failed: relation "nowhere" does not exist') as failing:
        list(sources.read(file, POSTGRES))
    monkeypatch.setenv("POSTGRES_URL", postgres.replace(password, "another-secret"))
    with pytest.raises(DataError, match=r"cannot connect to postgresql\+psycopg://me:\*\*\*@127.0.0.1") as refused:
        list(sources.read(file, POSTGRES))
    assert password not in str(failing.value)
    assert "another-secret" not in str(refused.value)


HOSTILE_TO_POSTGRESQL = (
    "WITH gone AS (DELETE FROM reviews RETURNING text, label) SELECT * FROM gone",
    "SELECT set_config('transaction_read_only', 'off', false) AS text; DELETE FROM reviews",
    "SET TRANSACTION READ WRITE",
    "COPY reviews TO '{folder}/copy'",
    "SELECT text, label FROM reviews FOR UPDATE",
    "SELECT setval('reviews_id_seq', 1) AS text, set_config('transaction_read_only', 'off', false) AS label",
    "SELECT set_config('transaction_read_only', 'off', false) AS text, lo_create(99)::text AS label",
)


@pytest.mark.slow
def test_no_query_changes_postgresql(reviews: sa.Engine, tmp_path: Path, record_property: Any) -> None:
    record_property("faults", 2 * len((*HOSTILE, *HOSTILE_TO_POSTGRESQL)))
    for text in (*HOSTILE, *HOSTILE_TO_POSTGRESQL):
        with pytest.raises(DataError, match=r"rows\.sql: the query failed"):
            list(sources.read(query(tmp_path, text.format(folder=tmp_path)), POSTGRES))
        with pytest.raises(DataError, match=r"watermark failed"):
            sql.fingerprint(query(tmp_path, "SELECT 1"), POSTGRES.with_values(sql={
                "url": "${POSTGRES_URL}", "watermark": text.format(folder=tmp_path)}))  # fmt: skip
        with reviews.connect() as connection:
            assert connection.execute(sa.text("SELECT count(*) FROM reviews")).scalar_one() == len(ROWS), text
            assert connection.execute(sa.text("SELECT count(*) FROM pg_largeobject_metadata")).scalar_one() == 0, text


@pytest.mark.slow
def test_a_slow_query_of_postgresql_ends_with_the_name_of_the_limit(reviews: sa.Engine, tmp_path: Path) -> None:
    config = source(url="${POSTGRES_URL}", timeout_seconds=1)
    with pytest.raises(DataError, match=r"took longer than data\.source\.sql\.timeout_seconds"):
        list(sources.read(query(tmp_path, "SELECT pg_sleep(60)::text AS text"), config))


@pytest.mark.slow
def test_a_password_of_special_characters_needs_no_quoting(
    reviews: sa.Engine, postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = "p@ss/w%41rd:#?&+ ü"
    with reviews.begin() as connection:
        connection.execute(sa.text("DROP ROLE IF EXISTS reader"))
        connection.execute(sa.text(f"CREATE ROLE reader LOGIN PASSWORD '{password}'".replace(":", r"\:")))
        connection.execute(sa.text("GRANT SELECT ON reviews TO reader"))
    address = postgres.rpartition("@")[2]
    file = query(tmp_path, "SELECT text, label FROM reviews")
    monkeypatch.setenv("READER_PASSWORD", password)
    (tmp_path / "password").write_text(password, encoding="utf-8")
    for reference in ("${READER_PASSWORD}", f"${{file:{tmp_path}/password}}"):
        config = source(url=f"postgresql+psycopg://reader:{reference}@{address}")
        assert len(list(sources.read(file, config))) == len(ROWS)
