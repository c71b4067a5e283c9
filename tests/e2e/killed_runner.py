"""`local_runner.py`, killed again and again, in every node: `killed_runner.py PLAN ARGS…`.

A kill has `at`, a node (killed when its executor has ended and nothing is published yet) or `module:function`; `call`,
which call of that function; `signal`; `more`, further arguments of the run. PLAN is a JSON file with such kills:
`before`, by node, one before the node's own; and `after`, a list of those after the last node. All kills are written in
their order to PLAN's `.kills`, the exit codes to its `.codes`, and what run N printed to its `.N`.

Each run is a process of its own, forked from this one, which has imported everything: so a kill costs seconds. The last
run is not killed.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import local_runner


def kill_at_node(name: str, number: int) -> None:
    """Sends this process a signal when a node's executor has ended; a resolver's, when it has been launched."""
    from tfx.orchestration.portable.launcher import Launcher

    for method in ("_run_executor", "launch"):
        original = getattr(Launcher, method)

        def wrapped(self: Any, *args: Any, _original: Any = original) -> Any:
            result = _original(self, *args)
            if self._pipeline_node.node_info.id == name:
                os.kill(os.getpid(), number)
            return result

        setattr(Launcher, method, wrapped)


def kill_at_call(target: str, call: int, number: int) -> None:
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


def import_everything(arguments: list[str]) -> list[str]:
    """Imports and compiles what a run does, so that no child does it again, and gives the nodes in their order."""
    from pipeline import nodes
    from pipeline.cli.task import load_config
    from pipeline.history.paths import TaskPaths
    from pipeline.local import baseline, closing, data_files, execute, leftovers, report, session  # noqa: F401

    options = dict(zip(arguments[1::2], arguments[2::2], strict=True))
    config = data_files.pinned(load_config(options["--config"], None, (), None))
    paths = TaskPaths.of(config, Path(options["--root"]))
    names = execute.node_ids(session.compile_task(config, paths, data_files.data_path(config)))
    for row in nodes.of(config).values():
        for module in row.code:
            importlib.import_module(module)
    return names


def kills_of(names: list[str], before: dict[str, Any], after: list[Any]) -> list[dict[str, Any]]:
    """All kills, in the order in which they come."""
    found = []
    for name in names:
        found += [before[name]] if name in before else []
        found.append({"at": name, "signal": "SIGKILL"})
    return [*found, *after]


def run(kill: dict[str, Any] | None, arguments: list[str], screen: str) -> int:
    """The exit code of a run in a process of its own, negative for the signal that ended it."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 70
    try:
        file = os.open(screen, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        if kill:
            number = signal.Signals[kill["signal"]]
            place = kill["at"]
            kill_at_call(place, kill["call"], number) if ":" in place else kill_at_node(place, number)
        local_runner.cli(arguments + (kill or {}).get("more", []))
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stdout.flush()
        os._exit(code)  # the parent's exit handlers are not this process's


if __name__ == "__main__":
    plan = Path(sys.argv[1])
    kills = kills_of(import_everything(sys.argv[2:]), **json.loads(plan.read_text()))
    plan.with_suffix(".kills").write_text(json.dumps(kills))
    codes = []
    for index, item in enumerate([*kills, None]):
        codes.append(run(item, sys.argv[2:], f"{plan}.{index}"))
        plan.with_suffix(".codes").write_text(json.dumps(codes))
