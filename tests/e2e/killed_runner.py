"""`local_runner.py` that gets a signal at the N-th call of a function: `killed_runner.py FUNCTION N SIGNAL ARGS…`."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import Any

import local_runner


def kill_at(target: str, call: int, number: int) -> None:
    """Wraps `module:function` or `module:Class.method` so that its `call`-th call sends this process a signal."""
    module_name, _, path = target.partition(":")
    owner: Any = importlib.import_module(module_name)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    original = getattr(owner, name)
    calls = 0

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            os.kill(os.getpid(), number)
        return original(*args, **kwargs)

    setattr(owner, name, wrapped)


if __name__ == "__main__":
    kill_at(sys.argv[1], int(sys.argv[2]), signal.Signals[sys.argv[3]])
    local_runner.cli(sys.argv[4:])
