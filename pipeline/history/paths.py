"""The folders of a task: metadata, artifacts, pushed models and the history of its runs."""

from __future__ import annotations

import dataclasses
import datetime
import os
import re
from pathlib import Path

from pipeline.config.task import Config

LATEST = "latest"
SUMMARY, CONFIG, LOG, REPORT = "summary.json", "config.yaml", "run.log", "report.html"


@dataclasses.dataclass(frozen=True)
class TaskPaths:
    """Everything of one task under one folder.

    Attributes:
        root: `runs/<task>` unless moved by `--root`.
    """

    root: Path

    @classmethod
    def of(cls, config: Config, root: Path | None) -> TaskPaths:
        """The folders of a configuration's task."""
        return cls((root or Path("runs") / config.task).resolve())

    @property
    def metadata(self) -> Path:
        """The SQLite metadata store."""
        return self.root / "metadata.db"

    @property
    def pipeline_root(self) -> Path:
        """TFX's artifacts."""
        return self.root / "pipeline_root"

    @property
    def pushed(self) -> Path:
        """`server/` and `edge/` with their versions."""
        return self.root / "pushed"

    @property
    def history(self) -> Path:
        """One folder per run, and `latest`."""
        return self.root / "history"

    @property
    def monitor(self) -> Path:
        """What `monitor` keeps: its state, `status.json`, and the page."""
        return self.root / "monitor"

    @property
    def lock(self) -> Path:
        """Held while a run is going on."""
        return self.root / ".lock"

    def run_dir(self, run_id: str) -> Path:
        """The folder of one run."""
        return self.history / run_id

    def point_latest(self, run_id: str) -> None:
        """Lets `history/latest` show the run, in one step."""
        partial = self.history / f".{LATEST}.{os.getpid()}"
        partial.unlink(missing_ok=True)
        partial.symlink_to(run_id, target_is_directory=True)
        os.replace(partial, self.history / LATEST)


def new_run_id(paths: TaskPaths, name: str | None) -> str:
    """A new id: the time in UTC, and the name if one was given.

    Args:
        paths: of the task; an id that it has already is not given again.
        name: letters, digits, `-` and `_`.

    Raises:
        ValueError: the name has other characters.
    """
    if name is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,60}", name):
        raise ValueError(f"--name {name!r}: use up to 60 letters, digits, `-` and `_`.")
    moment = datetime.datetime.now(datetime.UTC)
    while True:
        run_id = moment.strftime("%Y%m%dT%H%M%S") + (f"-{name}" if name else "")
        if not paths.run_dir(run_id).exists():
            return run_id
        moment += datetime.timedelta(seconds=1)


def relative(path: str) -> str:
    """A path as one would type it here: relative to the working directory if it lies below."""
    shown = os.path.relpath(path)
    return path if shown.startswith("..") else shown
