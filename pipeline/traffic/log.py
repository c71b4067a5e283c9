"""Follows the log of requests: JSON lines that grow, are rotated, torn, renamed, cut off, or not there yet.

A file is known by its first line, which holds a time and a request's id: so a rotated, renamed or copied file goes on
where it was, and one that was emptied and written anew begins anew. Only whole lines are read.
"""

from __future__ import annotations

import dataclasses
import glob
import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.ingest.sources.base import to_text

SERVED = "served."
_LONGEST_LINE = 4 << 20
_OWN = ("time", "request_id", "model", "version", "row", "milliseconds")


@dataclasses.dataclass(frozen=True)
class Row:
    """One answered row.

    Attributes:
        time: seconds since 1970.
        request_id: of the request; empty where the log has none.
        number: of the row in its request.
        model: name that it was served under.
        version: that answered.
        milliseconds: from the parsed request to its answers; None where the log does not say.
        label: that was answered; None where answers are no labels, or there is none.
        score: of the label.
        scores: by label.
        error: whether the row could not be answered.
        answer: all that was answered, by name, as the log has it.
        values: the columns of the row, as text.
    """

    time: float
    request_id: str
    number: int
    model: str
    version: str
    milliseconds: float | None
    label: str | None
    score: float | None
    scores: Mapping[str, float]
    error: bool
    answer: Mapping[str, Any]
    values: Mapping[str, str]


@dataclasses.dataclass
class Seen:
    """What was met besides rows, since it was last asked.

    Attributes:
        broken: lines that are no row of the log.
        first_broken: where the first of them is, and why.
        removed: bytes that were gone before they were read.
    """

    broken: int = 0
    first_broken: str = ""
    removed: int = 0


def pattern_of(log: str) -> str:
    """The glob that a log means: of a folder its `*.jsonl`.

    Args:
        log: a file, a folder, or a glob.
    """
    return str(Path(log) / "*.jsonl") if Path(log).is_dir() else log


class LogReader:
    """Reads on where it was."""

    def __init__(self, pattern: str, positions: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """Begins.

        Args:
            pattern: a file, a folder with `*.jsonl`, or a glob.
            positions: what `positions` gave before, of an earlier process.
        """
        self._pattern = pattern_of(pattern)
        self._positions = {key: dict(value) for key, value in (positions or {}).items()}
        self.seen = Seen()

    @property
    def positions(self) -> dict[str, dict[str, Any]]:
        """By file, how far it was read: JSON values, to go on from."""
        return {key: dict(value) for key, value in self._positions.items()}

    def files(self) -> dict[str, Path]:
        """The files that there are, in the order of their names, by what they are known by."""
        found: dict[str, Path] = {}
        for name in sorted(glob.glob(self._pattern)):
            path = Path(name)
            if (key := _key(path)) is not None:
                found.setdefault(key, path)
        return found

    def read(self, until: Callable[[Row], bool]) -> Iterator[Row]:
        """The rows that were not read yet, file by file; a file is left in front of the first row that is too late.

        Args:
            until: whether a row is read; False leaves it and the rest of its file for later.
        """
        files = self.files()
        for key in [key for key in self._positions if key not in files]:
            gone = self._positions.pop(key)
            self.seen.removed += max(0, gone["size"] - gone["offset"])
        for key, path in files.items():
            yield from self._read(key, path, until)

    def head(self) -> float | None:
        """The earliest time among the rows that come next in their files; None where all is read."""
        times = []
        for key, path in self.files().items():
            start = self._positions.get(key, {"offset": 0})["offset"]
            row = next((row for _, row in _lines(path, start) if isinstance(row, Row)), None)
            times += [row.time] if row else []
        return min(times, default=None)

    def _read(self, key: str, path: Path, until: Callable[[Row], bool]) -> Iterator[Row]:
        place = self._positions.setdefault(key, {"name": path.name, "offset": 0, "size": 0})
        place["name"] = path.name
        try:
            place["size"] = path.stat().st_size
            for end, row in _lines(path, place["offset"]):
                if isinstance(row, str):
                    self.seen.broken += 1
                    self.seen.first_broken = self.seen.first_broken or f"{path}, byte {place['offset']}: {row}"
                elif not until(row):
                    return
                place["offset"] = end
                if isinstance(row, Row):
                    yield row
        except FileNotFoundError:  # rotated away between the listing and now: told with the next look
            return


def _key(path: Path) -> str | None:
    """What a file is known by; None while it has no whole line."""
    try:
        with path.open("rb") as stream:
            first = stream.readline(_LONGEST_LINE)
    except (FileNotFoundError, IsADirectoryError):
        return None
    whole = first.endswith(b"\n") or len(first) == _LONGEST_LINE
    return hashlib.blake2b(first, digest_size=12).hexdigest() if whole else None


def _lines(path: Path, offset: int) -> Iterator[tuple[int, Row | str]]:
    """Where each whole line ends, and the row in it, or what is wrong with it."""
    with path.open("rb") as stream:
        stream.seek(offset)
        while line := stream.readline(_LONGEST_LINE):
            whole = line.endswith(b"\n")
            while not whole:  # a line that is no line of the log, or one that is still being written
                rest = stream.readline(_LONGEST_LINE)
                if not rest:
                    return
                whole, line = rest.endswith(b"\n"), b""
            yield stream.tell(), _row(line) if line else f"longer than {_LONGEST_LINE} bytes"


def _row(line: bytes) -> Row | str:
    try:
        found = json.loads(line)
        if b"\\u" in line or b"\xed" in line:  # half of a surrogate pair is no character, and nothing can write it down
            found = json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
        if not isinstance(found, dict):
            return f"a JSON {type(found).__name__} in place of an object"
        served = {name.removeprefix(SERVED): value for name, value in found.items() if name.startswith(SERVED)}
        answer = {name: value for name, value in served.items() if name not in _OWN}
        scores = {
            name.removeprefix("scores."): _number(value) for name, value in answer.items() if name.startswith("scores.")
        }
        label = answer.get("label")
        return Row(
            time=_time(served["time"]),
            request_id=to_text(served.get("request_id")),
            number=int(served.get("row") or 0),
            model=to_text(served.get("model")),
            version=to_text(served.get("version")),
            milliseconds=None if served.get("milliseconds") is None else _number(served["milliseconds"]),
            label=None if label is None else to_text(label),
            score=None if answer.get("score") is None else _number(answer["score"]),
            scores=scores,
            error="error" in answer,
            answer=answer,
            values={name: _cell(value) for name, value in found.items() if not name.startswith(SERVED)},
        )
    except KeyError as error:
        return f"there is no {SERVED}{error.args[0]}"
    except (ValueError, TypeError, OverflowError, RecursionError) as error:  # the message must not hold a text
        return (
            "not JSON" if isinstance(error, json.JSONDecodeError) else f"not a row of the log: {type(error).__name__}"
        )


def _cell(value: Any) -> str:
    """A value of a column as text; several of them, or what a client sent besides, as JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else to_text(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(found := float(value)):
        raise ValueError("no number")
    return found


def _time(value: Any) -> float:
    if not isinstance(value, str):
        raise ValueError("a time is a text, ISO 8601")
    found = datetime.fromisoformat(value)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
