"""Runs single nodes of a compiled pipeline, each in a process of its own, and measures time and memory from outside.

The process is a fork of one that has imported TFX and done nothing else: imports are paid once, and what a node's
memory grows by is the node's. Memory is the resident size of the process and of all its children together, sampled
from outside, since a busy process cannot watch itself.
"""

from __future__ import annotations

import cProfile
import dataclasses
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import psutil

_INTERVAL_S = 0.05


class NodeFailedError(RuntimeError):
    """A measured process failed; the text holds its last lines."""


@dataclasses.dataclass(frozen=True)
class Cost:
    """What one process took.

    Attributes:
        seconds: of the measured call, by the clock.
        cpu_seconds: of the process and its children, start and end included, user and system.
        base_bytes: resident memory before the call.
        peak_bytes: largest resident memory of the process with its children.
    """

    seconds: float
    cpu_seconds: float
    base_bytes: int
    peak_bytes: int


def measured(work: Callable[[], Any], log: Path) -> Cost:
    """Runs `work` in a fork of this process.

    Args:
        work: what is measured.
        log: where its output goes.

    Raises:
        NodeFailedError: it raised, or its process died.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _in_child(work, log, writer)
    os.close(writer)
    try:
        base, peak = _watch(child)
        with os.fdopen(reader) as stream:
            told = stream.read()
    finally:
        _, status, usage = os.wait4(child, 0)
    if status or not told:
        raise NodeFailedError("\n".join(log.read_text(errors="replace").splitlines()[-30:]))
    return Cost(json.loads(told)["seconds"], usage.ru_utime + usage.ru_stime, base, peak)


def launch(ir: Any, node_id: str, profile: Path | None = None) -> None:
    """Launches one node of a compiled pipeline, as a run does.

    Args:
        ir: the compiled pipeline.
        node_id: which node.
        profile: file for cProfile's statistics of this process; None profiles nothing.
    """
    from pipeline.local import execute

    [node] = [item.pipeline_node for item in ir.nodes if item.pipeline_node.node_info.id == node_id]
    launcher = execute.node_launcher(ir, node, execute.connection_config(ir))
    if profile is None:
        launcher.launch()
        return
    profiler = cProfile.Profile()
    profiler.runcall(launcher.launch)
    profile.parent.mkdir(parents=True, exist_ok=True)
    profiler.dump_stats(profile)


def preload() -> None:
    """Imports what the nodes need, before the first fork. None of it computes anything when imported."""
    for name in (
        "modules.preprocessing", "pipeline.pipeline", "benchmarks.data_plane_plain", "tensorflow_text",
        "tensorflow_data_validation", "tfx.components.transform.executor", "tfx.components.statistics_gen.executor",
        "tfx.components.example_gen.csv_example_gen.executor", "tfx.orchestration.portable.launcher",
        "apache_beam.runners.portability.fn_api_runner",
    ):  # fmt: skip
        importlib.import_module(name)


def named(ir: Any, run_id: str) -> Any:
    """Gives a compiled pipeline the run's name."""
    from tfx.dsl.compiler import constants
    from tfx.orchestration.portable import runtime_parameter_utils

    runtime_parameter_utils.substitute_runtime_parameter(ir, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id})
    return ir


def present(ir: Any, nodes: Collection[str]) -> list[str]:
    """Those of some nodes that a pipeline has."""
    from pipeline.local import execute

    return [node for node in execute.node_ids(ir) if node in nodes]


def _in_child(work: Callable[[], Any], log: Path, writer: int) -> None:
    code = 1
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        sys.stdout = sys.stderr = os.fdopen(1, "w", buffering=1, closefd=False)
        started = time.perf_counter()
        work()
        seconds = time.perf_counter() - started
        with os.fdopen(writer, "w") as stream:
            json.dump({"seconds": seconds}, stream)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)  # the parent's exit handlers are not this process's


def _watch(pid: int) -> tuple[int, int]:
    """Resident bytes at the start and at the peak, until the process has ended."""
    base = peak = 0
    try:
        process = psutil.Process(pid)
        while process.status() != psutil.STATUS_ZOMBIE:
            peak = max(peak, _resident(process))
            base = base or peak
            time.sleep(_INTERVAL_S)
    except psutil.NoSuchProcess:
        pass
    return base, peak


def _resident(process: psutil.Process) -> int:
    total = 0
    for item in (process, *process.children(recursive=True)):
        try:
            total += item.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total
