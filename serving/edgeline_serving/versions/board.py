"""What several worker processes agree on about a version on trial: files in a folder that they share.

Each worker follows the push folder and tries a new version on its own requests. What came of them is judged together,
once, and the first verdict stands for all: no worker goes on with a version that failed at another.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from pathlib import Path

from edgeline_serving.versions.deployment import Counts, Trying


@dataclasses.dataclass(frozen=True)
class Board:
    """One model's facts.

    Attributes:
        folder: that the workers share; on a disk of this machine.
        model: distinguishes the models; the same in all workers.
        worker: distinguishes the workers.
    """

    folder: Path
    model: str
    worker: str

    def live(self) -> str | None:
        """The version that the workers took over last; None before the first one has."""
        with contextlib.suppress(FileNotFoundError):
            return self._path("live").read_text("utf-8")
        return None

    def took_over(self, version: str, before: str | None) -> None:
        """Notes a version that answers now; one that is tried again some day is judged anew.

        Args:
            version: the new one.
            before: which one did until now.
        """
        self._write(self._path("live"), version)
        if before and before != version:
            self._path("verdict", before).unlink(missing_ok=True)

    def standing(self, version: str) -> str:
        """The verdict on a version, see `Counts.verdict`; empty where there is none."""
        with contextlib.suppress(FileNotFoundError):
            return self._path("verdict", version).read_text("utf-8")
        return ""

    def judge(self, trying: Trying, now: float) -> str:
        """The verdict on the version on trial, by what all workers saw; empty while the trial goes on.

        Args:
            trying: what this worker saw.
            now: by the monotonic clock, which is one for all processes of a machine.
        """
        version = trying.version.number
        standing = self.standing(version)
        if standing:
            return standing
        self._write(self._path("trial", version, self.worker), json.dumps(dataclasses.asdict(trying.counts)))
        verdict = self._pooled(version).verdict(trying.settings, now)
        if not verdict:
            return ""
        draft = self._path("draft", version, self.worker)
        draft.write_text(verdict, "utf-8")
        # A link is made once: of two workers that decide at the same time one is second, and obeys.
        with contextlib.suppress(FileExistsError):
            os.link(draft, self._path("verdict", version))
        draft.unlink()
        return self.standing(version) or verdict

    def withdraw(self, version: str) -> None:
        """Takes back what this worker saw of a version, whose trial is over or given up."""
        self._path("trial", version, self.worker).unlink(missing_ok=True)

    def _pooled(self, version: str) -> Counts:
        found = []
        for path in sorted(self.folder.glob(f"{self.model}.trial.{version}.*")):
            with contextlib.suppress(FileNotFoundError):  # given up by its worker at this moment
                found.append(Counts(**json.loads(path.read_text("utf-8"))))
        totals = {
            field.name: sum(getattr(counts, field.name) for counts in found)
            for field in dataclasses.fields(Counts)
            if field.name != "began"
        }
        return Counts(began=min(counts.began for counts in found), **totals)

    def _path(self, *parts: str) -> Path:
        return self.folder / ".".join([self.model, *parts])

    def _write(self, path: Path, content: str) -> None:
        partial = self.folder / f".{path.name}.{self.worker}"
        partial.write_text(content, "utf-8")
        os.replace(partial, path)
