"""The log of requests: JSON lines of flat values, a row each, as the pipeline's `data.serving_logs` reads them.

A line holds the columns of the row and what was served, as `served.<what>`. Each worker has files of its own. Writing
happens in a thread of its own behind a bounded queue: an answer never waits for the log, what does not fit is dropped
and counted, and so is what a full disk does not take.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import hmac
import json
import logging
import os
import queue
import random
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import orjson

from edgeline_serving import metrics
from edgeline_serving.backends.base import Answer, Column, Row
from edgeline_serving.errors import SettingsError
from edgeline_serving.settings import Log

logger = logging.getLogger("edgeline_serving")
_NAME = re.compile(r"requests-(?P<number>[0-9]{8,})(?:\.w(?P<worker>[0-9]+))?\.jsonl")
_SECONDS_BETWEEN_COMPLAINTS = 60.0
_GATHERED_S = 0.01  # rows of so long are written at once: a write for each takes as much as a tenth of an answer


class RequestLog:
    """Writes what was served."""

    def __init__(self, settings: Log) -> None:
        """Makes the folder and starts the thread.

        Args:
            settings: where and what.

        Raises:
            OSError: the folder cannot be written to, or another server writes there.
        """
        self._settings = settings
        self._held = _locked(settings.folder, f".lock{_suffix(settings)}")
        self._queue: queue.SimpleQueue[Sequence[Mapping[str, Any]] | None] = queue.SimpleQueue()
        self._waiting = 0
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None
        self._complained = float("-inf")
        self._open(_mended(settings) or _next(settings))
        self._thread = threading.Thread(target=self._work, name="request log", daemon=True)
        self._thread.start()

    def note(
        self, *, request_id: str, model: str, version: str, columns: Sequence[Column], rows: Sequence[Row],
        answers: Sequence[Answer], seconds: float,
    ) -> None:  # fmt: skip
        """Notes the rows of a request, unless it falls out of the share. Returns at once.

        Args:
            request_id: of the request.
            model: its name.
            version: which one answered.
            columns: that the model reads.
            rows: what was asked, with whatever columns the client sent besides.
            answers: to the rows.
            seconds: from the parsed request to the answers.
        """
        if random.random() >= self._settings.share:
            return
        served = {
            "served.time": datetime.now(UTC).isoformat(timespec="milliseconds"), "served.request_id": request_id,
            "served.model": model, "served.version": version, "served.milliseconds": round(seconds * 1e3, 3),
        }  # fmt: skip
        read = {column.name for column in columns if column.datatype == "BYTES"}
        lines = [
            {**self._kept(row, read), **served, "served.row": number, **_flat(answer)}
            for number, (row, answer) in enumerate(zip(rows, answers, strict=True))
        ]
        with self._lock:
            fits = self._waiting + len(lines) <= self._settings.queue
            self._waiting += len(lines) if fits else 0
        if fits:
            self._queue.put(lines)
        else:
            metrics.LOG_DROPPED.labels("queue").inc(len(lines))

    def close(self, seconds: float = 5.0) -> None:
        """Writes what waits, and ends the thread.

        Args:
            seconds: how long to wait for that.
        """
        self._queue.put(None)
        self._thread.join(seconds)
        self._held.close()

    def _kept(self, row: Row, texts: set[str]) -> dict[str, Any]:
        """The columns of a row, as the settings want its texts: what a client sends besides may be one, too."""
        how = self._settings.texts
        if how == "stored":
            return dict(row)
        kept = {name: value for name, value in row.items() if not isinstance(value, str)}
        if how == "hashed":
            kept |= {f"{name}.hash": self._hash(row[name]) for name in sorted(texts) if isinstance(row.get(name), str)}
        return kept

    def _hash(self, text: str) -> str:
        # With a key: a bare hash of a short text is found by trying.
        return hmac.new(self._settings.key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()

    def _work(self) -> None:
        goes_on = True
        while goes_on:
            requests = [self._queue.get()]
            if requests[0] is not None:
                time.sleep(_GATHERED_S)
            with contextlib.suppress(queue.Empty):
                while requests[-1] is not None:
                    requests.append(self._queue.get_nowait())
            goes_on = requests[-1] is not None
            self._write([lines for lines in requests if lines is not None])
        if self._file:
            self._file.close()

    def _write(self, requests: Sequence[Sequence[Mapping[str, Any]]]) -> None:
        together: list[bytes] = []
        size, most = 0, self._settings.bytes
        for lines in requests:
            try:
                content = b"".join(map(_encoded, lines))
            except Exception as error:  # a fault of one answer must not be the last thing that is logged
                metrics.LOG_DROPPED.labels("fault").inc(len(lines))
                logger.error("rows cannot be logged: %s", type(error).__name__)
                content = b""
            if together and size + len(content) > most:
                self._append(b"".join(together))
                together, size = [], 0
            together.append(content)
            size += len(content)
        self._append(b"".join(together))
        with self._lock:
            self._waiting -= sum(map(len, requests))

    def _append(self, content: bytes, *, again: bool = True) -> None:
        """Writes lines that go into one file; behind a line that was not written whole, the others once more."""
        if not content:
            return
        done = 0
        try:
            file = self._file or self._open(_mended(self._settings) or _next(self._settings))
            if file.tell() and file.tell() + len(content) > self._settings.bytes:
                file.close()
                file = self._open(_next(self._settings))
            done = file.write(content)
            if done < len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._complain(error)
        whole = content.rfind(b"\n", 0, done) + 1
        metrics.LOGGED.inc(content.count(b"\n", 0, whole))
        if whole < len(content):
            rest = content.find(b"\n", whole) + 1 if again else len(content)
            metrics.LOG_DROPPED.labels("disk").inc(content.count(b"\n", whole, rest))
            self._append(content[rest:], again=False)

    def _open(self, path: Path) -> IO[bytes]:
        self._file = opened = path.open("ab", buffering=0)
        files = [file for file in _files(self._settings) if file != path]
        stay = max(1, self._settings.files // self._settings.workers) - 1
        for old in files[: max(0, len(files) - stay)]:
            old.unlink(missing_ok=True)
        return opened

    def _complain(self, error: OSError) -> None:
        if self._file:
            self._file.close()
            self._file = None  # the next row tries anew, behind what was written whole
        now = time.monotonic()
        if now - self._complained >= _SECONDS_BETWEEN_COMPLAINTS:
            self._complained = now
            logger.error("the request log cannot be written, rows are left out: %s", error)


def _encoded(line: Mapping[str, Any]) -> bytes:
    """A line of JSON; half of a surrogate pair, which is no character, is written as a question mark."""
    try:
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # that, or a number beyond 64 bits
        return json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _flat(answer: Answer) -> dict[str, Any]:
    """An answer as values that no reader of rows refuses: nothing nested."""
    found: dict[str, Any] = {}
    for name, value in answer.items():
        found |= _leaves(f"served.{name}", value)
    return found


def _leaves(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, (Mapping, list)):
        return {name: value}
    parts = value.items() if isinstance(value, Mapping) else enumerate(value)
    return {leaf: item for key, part in parts for leaf, item in _leaves(f"{name}.{key}", part).items()}


def _locked(folder: Path, name: str) -> IO[str]:
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / name).open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise OSError(error.errno, "another server writes there") from error
    return file


@contextlib.contextmanager
def held(settings: Log) -> Iterator[None]:
    """Keeps other servers out of the folder, for the workers that write into it.

    Args:
        settings: of the log.

    Raises:
        SettingsError: another server writes there, or nobody can.
    """
    try:
        file = _locked(settings.folder, ".lock")
    except OSError as error:
        raise SettingsError(f"--log {settings.folder}: cannot be written to: {error}") from error
    with file:
        yield


def _suffix(settings: Log) -> str:
    return f".w{settings.worker}" if settings.worker else ""


def _files(settings: Log) -> list[Path]:
    """The files that a worker looks after, oldest first: its own, and those of workers that there no longer are."""
    found = []
    for path in settings.folder.iterdir():
        name = _NAME.fullmatch(path.name)
        if name and settings.worker in (0, (int(name["worker"] or 1) - 1) % settings.workers + 1):
            found.append((int(name["number"]), path))
    return [path for _, path in sorted(found)]


def _next(settings: Log) -> Path:
    """A number and no time: a clock that is set back would write into what is closed."""
    files = _files(settings)
    number = int(_NAME.fullmatch(files[-1].name)["number"]) + 1 if files else 1  # type: ignore[index]
    return settings.folder / f"requests-{number:08}{_suffix(settings)}.jsonl"


def _mended(settings: Log) -> Path | None:
    """The newest file of this worker, once no file ends with the piece of a line that a kill or a full disk left.

    None where there is none.
    """
    own = None
    for path in _files(settings):
        writer = int(_NAME.fullmatch(path.name)["worker"] or 0)  # type: ignore[index]
        if writer == settings.worker:
            own = path
            _mend(path)
            continue
        # A worker outlives its server for a while, and still writes.
        with contextlib.suppress(OSError), _locked(settings.folder, f".lock.w{writer}"):
            _mend(path)
    return own


def _mend(path: Path) -> None:
    with path.open("rb+") as stream:
        size = end = stream.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - 65536)
            stream.seek(start)
            found = stream.read(end - start).rfind(b"\n")
            end = start + found + 1 if found >= 0 else start
            if found >= 0:
                break
        if end < size:
            stream.truncate(end)
