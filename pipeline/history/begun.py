"""What is known of a run from its first moment on, and whether a run is going on; imports no TensorFlow.

A run that is killed while TensorFlow is imported is in no metadata store. Runs are counted, so that their order is the
same for everybody on a machine whose clock was set back.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import os
from typing import Any

from modules.machine.files import write_whole

from pipeline.history.paths import LATEST, SUMMARY, TaskPaths

BEGUN = "begun.json"


def begin(paths: TaskPaths, run_id: str, *, profile: str | None, config_digest: str) -> None:
    """Writes down that a run begins; the caller holds the task's lock.

    Args:
        paths: of the task.
        run_id: the run's id; its folder exists.
        profile: the profile that was asked for.
        config_digest: of the resolved configuration.
    """
    number = 1 + max((read(paths, name).get("number", 0) for name in run_ids(paths)), default=0)
    values = {
        "run_id": run_id,
        "number": number,
        "started": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "profile": profile,
        "config_digest": config_digest,
    }
    write_whole(paths.run_dir(run_id) / BEGUN, json.dumps(values) + "\n")


def read(paths: TaskPaths, run_id: str) -> dict[str, Any]:
    """What `begin` wrote; empty for a run of an older Edgeline."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads((paths.run_dir(run_id) / BEGUN).read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}


def run_ids(paths: TaskPaths) -> list[str]:
    """The runs that have a folder in the history, in no order."""
    if not paths.history.is_dir():
        return []
    return [item.name for item in paths.history.iterdir() if item.is_dir() and not item.is_symlink()]


def newest_finished(paths: TaskPaths) -> str | None:
    """The id of the newest run that came to a summary."""
    finished = [name for name in run_ids(paths) if (paths.run_dir(name) / SUMMARY).is_file()]
    counted = {name: read(paths, name).get("number", 0) for name in finished}
    if not any(counted.values()):  # only an older Edgeline was here
        latest = (paths.history / LATEST).resolve().name
        return latest if latest in finished else max(finished, default=None)
    return max(finished, key=lambda name: counted[name])


def going_on(paths: TaskPaths) -> bool:
    """Whether a process holds the task's lock; one that was killed holds nothing."""
    try:
        handle = os.open(paths.lock, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)  # and with it what was locked
    return False
