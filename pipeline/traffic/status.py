"""`status.json`, what other programs ask the monitor: which alerts fire, and how much was seen.

Format 1, stable: fields may be added, none is taken away or changes its meaning. It is written whole, at each look, and
lies beside the monitor's own state, `runs/<task>/monitor/`.
"""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from modules.machine.files import write_whole

FORMAT = 1
STATUS = "status.json"
FIRING = 4  # exit code of `monitor --once` where an alert fires


@dataclasses.dataclass(frozen=True)
class Firing:
    """An alert that fires.

    Attributes:
        rule: which one, a field of `monitor.rules`: `surge`, `prior`, `drift`, `accuracy`, `estimate`, `silence`,
            `errors` or `latency`.
        series: what of it, such as `negative` or `negative source:web`; empty where a rule has one only.
        severity: `critical`, `warning` or `info`.
        since: end of the window with which it began to fire, in UTC, ISO 8601.
        value: what was measured in the newest window that was judged.
        bound: what it may be.
        message: for a person.
    """

    rule: str
    series: str
    severity: str
    since: str
    value: float
    bound: float
    message: str


@dataclasses.dataclass(frozen=True)
class Status:
    """What the monitor found.

    Attributes:
        task: its name.
        model: the pushed version that is the reference, such as `server/1795661818`.
        written: when, in UTC, ISO 8601.
        window: the newest closed one: `start` and `end` in UTC, `rows`; None before the first.
        windows: how many were closed.
        rows: rows of all of them.
        labelled: rows whose right answer is known, of those that are still kept.
        firing: alerts.
        problems: what kept the monitor from seeing something, for a person: a missing log, broken lines.
    """

    task: str
    model: str
    written: str
    window: dict[str, Any] | None
    windows: int
    rows: int
    labelled: int
    firing: tuple[Firing, ...]
    problems: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {"format": FORMAT, **dataclasses.asdict(self)}

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """What a monitor wrote last.

        Args:
            folder: `runs/<task>/monitor`.

        Returns:
            None where no monitor ever ran.

        Raises:
            ValueError: it is no such file, or one of a later version.
        """
        path = folder / STATUS
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values["format"] != FORMAT:
                raise ValueError(f"format {values['format']}, {FORMAT} is read here")
            firing = tuple(_known(Firing, item) for item in values["firing"])
            return _known(cls, {**values, "firing": firing, "problems": tuple(values["problems"])})
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path}: not the status of a monitor ({error}); `monitor --once` writes it anew"
            ) from None

    def write(self, folder: Path) -> None:
        """Writes it, whole or not at all.

        Args:
            folder: `runs/<task>/monitor`.
        """
        write_whole(folder / STATUS, json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n")


def iso(moment: float, precision: str = "seconds") -> str:
    """A time in UTC, ISO 8601, such as `2026-11-27T13:00:00Z`.

    Args:
        moment: seconds since 1970.
        precision: as of `datetime.isoformat`.
    """
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def _known(kind: Any, values: dict[str, Any]) -> Any:
    """An object of the fields that it has: a later version may have more."""
    names = {field.name for field in dataclasses.fields(kind)}
    return kind(**{name: value for name, value in values.items() if name in names})
