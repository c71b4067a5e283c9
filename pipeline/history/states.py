"""The states of a node in a run."""

from __future__ import annotations

import dataclasses

RUNNING, EXECUTED, CACHED, RESOLVED, FAILED = "running", "executed", "cached", "resolved", "failed"


@dataclasses.dataclass(frozen=True)
class NodeResult:
    """How one node ended.

    Attributes:
        node: its id.
        state: `executed`, `cached`, `resolved` (a look-up in the metadata) or `failed`.
        seconds: wall time.
        error: what it raised, if it failed.
        note: why it was executed although it had been before; empty where nothing was wrong.
    """

    node: str
    state: str
    seconds: float
    error: BaseException | None = None
    note: str = ""
