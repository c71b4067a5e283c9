"""Brings a task's folder back to where a run can begin: the metadata store is rebuilt or moved aside.

`pushed/` and `history/` are never touched: what is served stays, and past runs stay listed.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from pipeline.history import begun, health
from pipeline.history.paths import TaskPaths, relative
from pipeline.local import session

ASIDE = "aside"
_JOURNALS = ("", "-journal", "-wal", "-shm")


def repair(paths: TaskPaths, say: Callable[[str], object]) -> bool:
    """Repairs what can be.

    Args:
        paths: of the task.
        say: told what was found and done, a line each.

    Returns:
        Whether there was anything to do.

    Raises:
        BusyError: a run is going on.
        LockedError: another process has the store open; it is not damaged.
    """
    with session.locked(paths):
        try:
            health.check(paths, writing=True, say=say)
        except health.DamagedError as error:
            say(str(error).partition(" `./edgeline repair`")[0])
        else:
            say(f"{relative(str(paths.metadata))}: nothing is wrong with it." if paths.metadata.is_file()
                else f"{relative(str(paths.root))}: nothing was run there yet, or nothing is left of it.")  # fmt: skip
            return False
        rescued = _rescued(paths)
        aside = paths.root / ASIDE / datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S")
        aside.mkdir(parents=True, exist_ok=True)
        for suffix in _JOURNALS:
            _move(paths.metadata.with_name(paths.metadata.name + suffix), aside, say)
        if rescued:
            os.replace(rescued, paths.metadata)
            say(f"rebuilt   {relative(str(paths.metadata))}, every table of it; the cache is as it was")
        else:
            # Without its record nobody knows what the artifacts are, and new executions would run into their folders.
            _move(paths.pipeline_root, aside, say)
            say("rebuilt   nothing: the next run does everything again, and has no earlier model to compare with")
        runs = len(begun.run_ids(paths))
        say(f"kept      {relative(str(paths.pushed))} as it is; {runs} runs in {relative(str(paths.history))}")
        say(f"          {relative(str(aside))} may be deleted when nobody wants to look at it any more")
        return True


def _move(path: Path, aside: Path, say: Callable[[str], object]) -> None:
    if path.exists():
        path.rename(aside / path.name)
        say(f"moved     {relative(str(path))} to {relative(str(aside / path.name))}")


def _rescued(paths: TaskPaths) -> Path | None:
    """A new store with every row of the damaged one; None where a single row is lost.

    Half of the rows would be worse than none: the cache would take a node with one of its outputs missing for done.
    """
    target = paths.metadata.with_suffix(".rescued")
    target.unlink(missing_ok=True)
    if not paths.metadata.is_file():
        return None
    try:
        whole = _copied(paths.metadata, target)
    except sqlite3.DatabaseError:
        whole = False
    if not whole:
        target.unlink(missing_ok=True)
    return target if whole else None


def _copied(damaged: Path, target: Path) -> bool:
    """Copies every table, and says whether all that ML Metadata needs came over.

    Raises:
        sqlite3.DatabaseError: a row cannot be read.
    """
    with contextlib.closing(sqlite3.connect(damaged)) as old, contextlib.closing(sqlite3.connect(target)) as new:
        schema = old.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        # Indexes last and anew: they are what is damaged most often, and hold nothing of their own.
        for kind, name, sql in sorted(schema, key=lambda item: item[0] != "table"):
            if name.startswith("sqlite_"):
                continue
            new.execute(sql)
            if kind == "table":
                # NOT INDEXED: the rows themselves, in their own order.
                rows = old.execute(f'SELECT * FROM "{name}" NOT INDEXED').fetchall()
                if rows:
                    new.executemany(f'INSERT INTO "{name}" VALUES ({", ".join("?" * len(rows[0]))})', rows)
        new.commit()
        whole = new.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        tables = {name for kind, name, _ in schema if kind == "table"}
    return whole and {"MLMDEnv", "Execution", "Artifact", "Event", "Context"} <= tables
