"""What files hold, known by their content: the one identity that a restored, copied or renamed file keeps.

A path, an execution's number or a time says where something lay, and another thing may lie there tomorrow.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from modules.machine.files import write_whole

_BLOCK = 1 << 20
# A file that was changed so shortly before it was read may change again without another time stamp: file systems count
# time in ticks, network ones in seconds.
_TICK_NS = 2_000_000_000


class Stamp(NamedTuple):
    """What a file system says of a file without reading it; `changed` (ctime) moves with every write, `cp -p` too."""

    inode: int
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, path: str | Path) -> Stamp:
        """The stamp of a file on this machine."""
        found = os.stat(path)
        return cls(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def settled(self) -> bool:
        """Whether another write now would show in the stamp."""
        return max(self.modified, self.changed) < time.time_ns() - _TICK_NS


def of_file(path: str, *, opener: Callable[..., Any] = open) -> str:
    """SHA-256 of a file, in hexadecimal.

    Args:
        path: the file.
        opener: opens it as `open(path, "rb")` does.
    """
    digest = hashlib.sha256()
    with opener(path, "rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def tree(
    folder: str,
    *,
    walk: Callable[[str], Iterable[tuple[str, list[str], list[str]]]] = os.walk,
    opener: Callable[..., Any] = open,
) -> dict[str, str]:
    """SHA-256 of every file below a folder, by its path relative to it.

    Args:
        folder: the folder.
        walk: lists it as `os.walk` does.
        opener: opens a file as `open(path, "rb")` does.
    """
    found = {}
    for place, _, names in walk(folder):
        for name in names:
            path = os.path.join(place, name)
            found[os.path.relpath(path, folder)] = of_file(path, opener=opener)
    return dict(sorted(found.items()))


def combined(parts: Mapping[str, str]) -> str:
    """One digest of several named ones, in hexadecimal; the order does not matter."""
    return hashlib.sha256(json.dumps(dict(parts), sort_keys=True).encode()).hexdigest()


class Digests:
    """Digests of files that were read before, kept in a file: an unchanged one is not read again."""

    def __init__(self, store: Path) -> None:
        """Reads what is kept.

        Args:
            store: a JSON file; one that cannot be read counts as empty, and one that cannot be written is left.
        """
        self._store = store
        self._known: dict[str, list[Any]] = {}
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(store.read_text(encoding="utf-8"))
            self._known = found if isinstance(found, dict) else {}
        self._new = False

    def of(self, path: str) -> str:
        """SHA-256 of a file on this machine, in hexadecimal."""
        name = os.path.abspath(path)
        stamp = Stamp.of(name)
        kept = self._known.get(name)
        if kept and kept[:-1] == list(stamp):
            return str(kept[-1])
        digest = of_file(name)
        # Read before and after: what changed meanwhile, or may still change unseen, is not kept.
        if Stamp.of(name) == stamp and stamp.settled():
            self._known[name] = [*stamp, digest]
            self._new = True
        return digest

    def save(self) -> None:
        """Keeps what was read; files that are gone are forgotten."""
        if not self._new:
            return
        known = {name: values for name, values in self._known.items() if os.path.exists(name)}
        with contextlib.suppress(OSError):  # only the next look takes longer
            self._store.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._store, json.dumps(known))
