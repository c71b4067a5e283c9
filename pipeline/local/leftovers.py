"""Removes what killed runs left half-written, before the next run writes beside it."""

from __future__ import annotations

from typing import Any

from pipeline.components import pusher
from pipeline.history.paths import TaskPaths
from pipeline.local import execute


def clear(paths: TaskPaths, connection: Any) -> None:
    """Closes abandoned executions and removes their folders, and the hidden ones of pushes that were killed.

    Args:
        paths: of the task; the caller holds its lock.
        connection: the metadata store.
    """
    execute.close_abandoned(connection, paths.pipeline_root)
    for kind in ("server", "edge"):
        pusher.clean(str(paths.pushed / kind))
