"""What was measured, one file a measurement: written as soon as it is there, and not measured again while it holds.

A record holds as long as the digest of all that it depends on is the one that it was made with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from modules.machine.files import write_whole

from benchmarks.harness.worker import ROOT

FORMAT = 1


class Records:
    """A folder of records."""

    def __init__(self, folder: Path) -> None:
        """Takes the folder, and makes it if it is not there."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def read(self, set_name: str, seed: int, system: str, digest: str) -> dict[str, Any] | None:
        """A record that still holds.

        Args:
            set_name: the set of texts.
            seed: of the file.
            system: what was measured.
            digest: of all that the measurement depends on.

        Returns:
            As it was written; None where there is none, or one of another digest.
        """
        file = self._file(set_name, seed, system)
        if not file.is_file():
            return None
        found = json.loads(file.read_text(encoding="utf-8"))
        return found if (found["format"], found["digest"]) == (FORMAT, digest) else None

    def has(self, set_name: str, seed: int, system: str) -> bool:
        """Whether there is a record, be it one that no longer holds."""
        return self._file(set_name, seed, system).is_file()

    def write(self, set_name: str, seed: int, system: str, digest: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Keeps a measurement, and returns it as `read` will."""
        record = {**values, "format": FORMAT, "digest": digest, "set": set_name, "seed": seed, "system": system}
        write_whole(self._file(set_name, seed, system), json.dumps(record, ensure_ascii=False) + "\n")
        return record

    def _file(self, set_name: str, seed: int, system: str) -> Path:
        return self._folder / f"{set_name}-{seed}-{system}.json"


def digest_of(parts: Iterable[str | Path]) -> str:
    """SHA-256 of some texts, and of what some files of this project or elsewhere hold."""
    found = hashlib.sha256()
    for part in parts:
        content = (ROOT / part).read_bytes() if isinstance(part, Path) else part.encode()
        found.update(len(content).to_bytes(8, "big") + content)
    return found.hexdigest()
