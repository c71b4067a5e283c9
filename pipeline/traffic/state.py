"""What a monitor must remember, in one file that is written whole: a monitor that is killed goes on where it was.

A window's rows are not in it, only how far the log was read when the window opened: after a kill they are read again.
So each row counts once, whenever it ends.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from modules.machine.files import write_whole

import filelock

from pipeline.traffic.alerts import Alert
from pipeline.traffic.window import Closed

FORMAT = 1
STATE, LOCK = "state.json", ".lock"
_LOCK_S = 0.5


class StateError(ValueError):
    """The state cannot be read; the message says what to do."""


class BusyError(RuntimeError):
    """Another monitor holds the folder."""


@dataclasses.dataclass
class State:
    """What is remembered.

    Attributes:
        model: the pushed version that is the reference.
        window_seconds: of the windows.
        open: start of the open window, seconds since 1970; None before the first row.
        number: of the open window.
        rows: of all closed windows.
        labelled: rows whose label is known.
        positions: how far the log was read when the window opened.
        history: closed windows, the oldest first.
        alerts: by key, those that fire or begin to.
        outbox: by sink, what could not be told yet.
        outages: what was noticed and is to be told until the next window closes.
    """

    model: str = ""
    window_seconds: int = 0
    open: float | None = None
    number: int = 0
    rows: int = 0
    labelled: int = 0
    positions: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    history: list[Closed] = dataclasses.field(default_factory=list)
    alerts: dict[str, Alert] = dataclasses.field(default_factory=dict)
    outbox: dict[str, list[dict[str, Any]]] = dataclasses.field(default_factory=dict)
    outages: list[str] = dataclasses.field(default_factory=list)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """What was remembered; a new state where nothing was.

        Args:
            folder: of the monitor.

        Raises:
            StateError: the file is damaged, or of another version.
        """
        path = folder / STATE
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values.pop("format") != FORMAT:
                raise StateError(f"another format than {FORMAT}")
            values["history"] = [Closed.from_dict(item) for item in values["history"]]
            values["alerts"] = {key: Alert.from_dict(item) for key, item in values["alerts"].items()}
            return cls(**values)
        except FileNotFoundError:
            return cls()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StateError(
                f"{path}: not the state of a monitor ({error}). Move it aside, and the monitor begins with the log "
                "anew."
            ) from None

    def write(self, folder: Path) -> None:
        """Writes it, whole or not at all.

        Args:
            folder: of the monitor.
        """
        values = {"format": FORMAT, **dataclasses.asdict(self)}
        write_whole(folder / STATE, json.dumps(values, ensure_ascii=False, separators=(",", ":")) + "\n")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the folder, so that two monitors never share one state.

    Args:
        folder: of the monitor.

    Raises:
        BusyError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=_LOCK_S, poll_interval=_LOCK_S / 10)
    except filelock.Timeout:
        raise BusyError(f"{folder}: another monitor works there. Stop it, or give this one another --root.") from None
    try:
        yield
    finally:
        lock.release()
