"""Servers that a benchmark starts and asks: `edgeline-serving`, and others that tell their address as it does."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import re
import signal
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from benchmarks.harness import command
from benchmarks.harness.worker import ROOT, Worker

MODEL = "bench"
PYTHON = ROOT / "serving" / ".venv" / "bin" / "python"


@dataclasses.dataclass(frozen=True)
class Server:
    """A running server: its process, the address of its model, and the file of what it says."""

    process: psutil.Process
    url: str
    said: Path


def ours(option: str, path: Path, options: argparse.Namespace, *more: str) -> list[str]:
    """The command of `edgeline-serving`, whose model is called `MODEL`.

    Args:
        option: `--edge` or `--server`.
        path: of the bundle or the SavedModel, or a push folder.
        options: with `threads` and `workers`.
        more: options of its own.
    """
    return [
        str(PYTHON), "-m", "edgeline_serving", option, f"{MODEL}={path}", "--port", "0", "--threads",
        str(options.threads), "--workers", str(options.workers), "--interval", "0.1", *more,
    ]  # fmt: skip


@contextlib.contextmanager
def running(arguments: list[str], folder_of: Path = ROOT / "serving") -> Iterator[Server]:
    """A server until the end of the block, which SIGTERM ends.

    Args:
        arguments: the command.
        folder_of: where it runs.

    Raises:
        NotReadyError: it told no address of a model.
    """
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said"
        with said.open("w") as stream:
            process = subprocess.Popen(
                arguments, stdout=subprocess.PIPE, stderr=stream, text=True, cwd=folder_of,
            )  # fmt: skip
        try:
            assert process.stdout
            found = next(filter(None, (re.search(r"http://127\S+:predict", line) for line in process.stdout)), None)
            if not found:
                raise command.NotReadyError(f"the server did not start:\n{said.read_text('utf-8')[-2000:]}")
            yield Server(psutil.Process(process.pid), found.group(), said)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def named(side: str, connections: int) -> str:
    """A side's name with its number of connections."""
    return f"{side}, {connections} connection{'s' if connections > 1 else ''}"


def asks(asker: Worker, process: psutil.Process, ask: dict[str, Any]) -> Callable[[], dict[str, float]]:
    """A turn of a side, see `numbers`.

    Args:
        asker: of `benchmarks.ours.http_load`.
        process: the server's.
        ask: what the asker takes.
    """

    def once() -> dict[str, float]:
        before = _cpu_seconds(process)
        answer = asker.ask(**ask)
        cpu = _cpu_seconds(process) - before
        if answer["failed"]:
            raise RuntimeError(f"{answer['failed']} of {len(answer['ms'])} requests were not answered with 200")
        return numbers(answer["ms"], answer["seconds"], cpu)

    return once


def _cpu_seconds(process: psutil.Process) -> float:
    """Of a server and its workers."""
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def numbers(times: list[float], seconds: float, cpu: float) -> dict[str, float]:
    """`requests`, how many there were a second and a second of CPU time, and quantiles of their times.

    Args:
        times: of the requests, milliseconds.
        seconds: that it took.
        cpu: seconds of CPU time of whoever answered.
    """
    ends = statistics.quantiles(times, n=100, method="inclusive")
    return {
        "requests": len(times), "per_second": len(times) / seconds, "per_cpu_second": len(times) / cpu if cpu else 0.0,
        "p50": ends[49], "p95": ends[94], "p99": ends[98],
    }  # fmt: skip
