"""A task whose rows are in a database: ExampleGen runs again when they change, and otherwise comes from the cache."""

from __future__ import annotations

import csv
import gzip
import json
import sqlite3
from pathlib import Path

import pytest
import tiny

from pipeline.config import loader
from pipeline.history.paths import TaskPaths
from pipeline.history.states import CACHED, EXECUTED
from pipeline.local import cache_state, data_files, session

ROWS = 60


@pytest.fixture
def task(tmp_path: Path) -> tiny.TinyTask:
    """The tiny task with its rows in SQLite and a query in place of the file."""
    made = tiny.make(tmp_path, rows=ROWS)
    with made.rows.open(encoding="utf-8") as lines, sqlite3.connect(tmp_path / "rows.db") as connection:
        connection.execute("CREATE TABLE rows (text TEXT, label TEXT, source TEXT)")
        connection.executemany("INSERT INTO rows VALUES (:text, :label, :source)", list(csv.DictReader(lines)))
    connection.close()
    (tmp_path / "rows.sql").write_text("SELECT text, label, source FROM rows\n", encoding="utf-8")
    return made


def add(task: tiny.TinyTask, *row: str) -> None:
    with sqlite3.connect(task.folder / "rows.db") as connection:
        connection.execute("INSERT INTO rows VALUES (?, ?, ?)", row)
    connection.close()


@pytest.mark.slow
def test_the_cache_follows_the_rows_of_the_database_and_a_bad_row_is_put_aside(task: tiny.TinyTask) -> None:
    overrides = (
        f"data.path={task.folder}/rows.sql", f"data.source.sql.url=sqlite:///{task.folder}/rows.db",
    )  # fmt: skip

    def run() -> dict:
        outcome = tiny.run_task(task, *overrides, only="ExampleGen")
        assert outcome.error is None
        return outcome.summary

    def state() -> str:
        """What a run would do with ExampleGen."""
        config = loader.load(task.config, profile="quick", overrides=overrides)
        paths = TaskPaths.of(config, task.root)
        ir = session.compile_task(config, paths, data_files.data_path(config))
        return cache_state.cache_state(ir, paths.metadata)["ExampleGen"]

    first = run()
    assert first["states"] == {"ExampleGen": EXECUTED}
    assert (first["data_cleaning"]["rows"], first["data_cleaning"]["quarantined"]) == (ROWS, {})
    assert state() == CACHED
    add(task, "a new one", "no label of ours", "web")
    assert state() == cache_state.PENDING
    cleaning = run()["data_cleaning"]
    assert (cleaning["rows"], cleaning["kept"]) == (ROWS + 1, ROWS)
    with gzip.open(cleaning["file"], "rt", encoding="utf-8") as lines:
        [row] = map(json.loads, lines)
    assert (row["reason"], row["line"], row["label"]) == ("unknown_label", ROWS + 1, "no label of ours")
    assert row["file"].endswith("rows.sql")
