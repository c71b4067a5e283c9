"""Whether the metadata store of a task can be used: found out with SQLite alone, in a moment, before TFX is asked.

TFX and ML Metadata answer a damaged store with a traceback, a locked one with a minute of silence, and a missing one
with a new one, whose executions count from 1 again and run into the folders of the old.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator

from pipeline.history.paths import TaskPaths

WAIT_S = 10.0
_ROLE = "the metadata store of this task, TFX's record of every run and the key to its cache,"
_REPAIR = "`./edgeline repair` (with the same --config and --root) {what}; pushed/ and history/ stay as they are."
_HEADER = b"SQLite format 3\x00"
_POLL_S = 0.2


class MetadataError(RuntimeError):
    """The metadata store cannot be used; the message names the file, what it is for, and what to do."""


class DamagedError(MetadataError):
    """It is damaged, or gone without what it describes: a case for `repair`."""


class LockedError(MetadataError):
    """Another process does not let go of it."""


def check(
    paths: TaskPaths,
    *,
    writing: bool = False,
    wait: float = WAIT_S,
    say: Callable[[str], object] = lambda text: None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Looks whether the store can be used.

    Args:
        paths: of the task; where nothing was ever run, there is no store, and that is right.
        writing: whether it is to be written, too.
        wait: seconds to wait for a process that has locked it.
        say: told once that it is waited for.
        sleep: waits some seconds.

    Raises:
        DamagedError: it is damaged, or missing although there are artifacts.
        LockedError: it stays locked.
    """
    file = paths.metadata
    if not file.exists():
        if not artifacts(paths):
            return
        raise DamagedError(
            f"{file}: {_ROLE} is missing, but {paths.pipeline_root} still holds what earlier runs made. "
            + _REPAIR.format(what="moves that aside, so that the next run starts clean")
        )
    deadline = time.monotonic() + wait
    told = False
    while True:
        try:
            with _opened(paths) as store:
                _look(store, writing=writing)
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) and "busy" not in str(error):
                raise _damaged(paths, str(error)) from None
            if time.monotonic() >= deadline:
                raise LockedError(
                    f"{file}: {_ROLE} is locked by another process, still after {wait:g} s. End the process that has "
                    f"it open (`fuser -v {file}` names it), then try again; there is nothing to repair."
                ) from None
            if not told:
                say(f"waiting up to {wait:g} s for {file}, which another process has locked …")
            told = True
            sleep(_POLL_S)
        except (sqlite3.DatabaseError, OSError) as error:
            raise _damaged(paths, str(error)) from None


def artifacts(paths: TaskPaths) -> bool:
    """Whether there is anything that a store would describe."""
    root = paths.pipeline_root
    return root.is_dir() and any(item.is_dir() and not item.name.startswith(".") for item in root.iterdir())


@contextlib.contextmanager
def _opened(paths: TaskPaths) -> Iterator[sqlite3.Connection]:
    with paths.metadata.open("rb") as stream:
        header = stream.read(len(_HEADER))
    if header != _HEADER:
        raise sqlite3.DatabaseError("it is empty" if not header else "it is no SQLite database")
    # Not read-only: what a killed process left in the journal is taken back on the way.
    store = sqlite3.connect(f"{paths.metadata.resolve().as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None)
    try:
        yield store
    finally:
        store.close()


def _look(store: sqlite3.Connection, *, writing: bool) -> None:
    [[found]] = store.execute("PRAGMA quick_check(1)").fetchall()
    if found != "ok":
        raise sqlite3.DatabaseError(" ".join(found.replace("*** in database main ***", "").split()))
    if not store.execute("SELECT 1 FROM sqlite_master WHERE name = 'MLMDEnv'").fetchall():
        raise sqlite3.DatabaseError("it holds no tables of ML Metadata")
    if writing:
        store.execute("BEGIN IMMEDIATE")
        store.execute("ROLLBACK")


def _damaged(paths: TaskPaths, why: str) -> DamagedError:
    what = "rebuilds it from what can be read, or moves it aside with pipeline_root/"
    return DamagedError(f"{paths.metadata}: {_ROLE} cannot be read: {why}. " + _REPAIR.format(what=what))
