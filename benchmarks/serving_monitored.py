"""What it costs to be watched: `edgeline-serving` with a log that a monitor reads, beside one without.

    python -m benchmarks.serving_monitored --profile quick [--seconds 10] [--rounds 5] [--quick]

The bundle that the latest run of the task pushed is asked over 8 and 64 connections, in turns by a server that logs
nothing and by one whose log (`--log-texts stored`) a running `local_runner.py monitor` follows. The monitor closes a
window every ten seconds in place of every hour: what it costs in life is less. Server, asker and monitor share the
machine's cores.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.harness import command, machine
from benchmarks.harness.alternation import alternate
from benchmarks.harness.progress import say
from benchmarks.harness.results import Goal, Result, Table
from benchmarks.harness.spread import rounded
from benchmarks.harness.worker import ROOT, Worker
from benchmarks.ours.servers import MODEL, PYTHON, asks, named, ours, running
from pipeline.config import loader
from pipeline.history.paths import LATEST, TaskPaths

PLAIN, WATCHED = "no log", "log and monitor"
CONNECTIONS = (8, 64)
WINDOW_S = 10
TEXTS = 200  # of the eval split's answers
EXPLANATION = f"""\
Requests of one held-out text by KServe's V1 protocol, from a process on the same machine; both servers answer with the
same bundle and take turns. The log holds every row with its text. The monitor looks once a second and closes a window
every {WINDOW_S} seconds, an hour in life. Per CPU second: requests for each second of the server's CPU time."""


def measure(options: argparse.Namespace) -> Result:
    """Lets both servers answer in turns."""
    if not PYTHON.is_file():
        raise command.NotReadyError("the server is not installed: `make serving-setup` does it")
    rounds, seconds = (1, 1.0) if options.quick else (options.rounds, options.seconds)
    paths = TaskPaths.of(loader.load(options.config, profile=options.profile), options.root)
    pointer = paths.pushed / "edge" / LATEST
    if not pointer.is_file():
        raise command.NotReadyError(f"{pointer}: no bundle was pushed; `make run` does it")
    bundle = (pointer.parent / pointer.read_text("utf-8").strip() / "model.tflite").resolve()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        asker = stack.enter_context(Worker("benchmarks.ours.http_load"))
        say("starting both servers and the monitor")
        servers = {
            PLAIN: stack.enter_context(running(ours("--edge", bundle, options))),
            WATCHED: stack.enter_context(
                running(ours("--edge", bundle, options, "--log", str(folder / "log"), "--log-texts", "stored"))
            ),
        }
        monitor = stack.enter_context(_monitor(options, folder))
        texts = _texts(paths)
        sides = {}
        for name, server in servers.items():
            for count in CONNECTIONS:
                ask = {"url": server.url, "texts": texts, "connections": count, "seconds": seconds}
                asker.ask(**{**ask, "seconds": min(1.0, seconds)})  # warm
                sides[named(name, count)] = asks(asker, server.process, ask)
        before = _cpu_seconds(monitor)
        found = alternate(sides, rounds)
        spent = _cpu_seconds(monitor) - before
    return _result(options, found, spent, seconds)


@contextlib.contextmanager
def _monitor(options: argparse.Namespace, folder: Path) -> Iterator[psutil.Process]:
    settings = (f"monitor.window_seconds={WINDOW_S}", "monitor.grace_seconds=1", f'monitor.models=["{MODEL}"]')
    root = ["--root", str(options.root)] if options.root else []
    own = ["--config", options.config, "--profile", options.profile, *root]
    reference = folder / "reference.json"
    runner = [sys.executable, "local_runner.py", "monitor"]
    subprocess.run([*runner, "reference", *own, "-o", str(reference)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    watching = [
        *runner, "run", *own[:4], "--root", str(folder / "runs"), "--reference", str(reference),
        "--log", str(folder / "log"), "--interval", "1", *(part for one in settings for part in ("--set", one)),
    ]  # fmt: skip
    process = subprocess.Popen(watching, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        if not any("Looking at" in line for line in process.stdout):
            raise RuntimeError("the monitor did not start")
        time.sleep(1.0)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _texts(paths: TaskPaths) -> list[str]:
    """Held-out texts, as the newest push's Evaluator kept them beside its answers."""
    from modules.quality import predictions

    [*_, file] = sorted((paths.root / "pipeline_root" / "Evaluator").rglob("predictions.parquet"))
    found, _ = predictions.parse(file.read_bytes(), str(file))
    return [text for text in found["eval"].text[:TEXTS] if text]


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _result(
    options: argparse.Namespace, found: dict[str, list[dict[str, float]]], spent: float, seconds: float
) -> Result:
    def share(count: int, key: str) -> float:
        """Watched over plain, the median of the rounds."""
        both = zip(found[named(WATCHED, count)], found[named(PLAIN, count)], strict=True)
        return statistics.median(watched[key] / plain[key] for watched, plain in both)

    columns = ("requests/s", "per CPU second", "p50 ms", "p95 ms", "p99 ms")
    keys = ("per_second", "per_cpu_second", "p50", "p95", "p99")
    rows = [
        [name, *(rounded(statistics.median(one[key] for one in rounds)) for key in keys)]
        for name, rounds in found.items()
    ]
    most = CONNECTIONS[-1]
    logged = sum(one["requests"] for count in CONNECTIONS for one in found[named(WATCHED, count)])
    kept = share(most, "per_second")
    return Result(
        name="serving_monitored",
        title="Serving under a monitor",
        command=f"python -m benchmarks.serving_monitored --profile {options.profile}",
        explanation=EXPLANATION,
        machine=machine.describe(("ai-edge-litert",), peers=PYTHON, peer_packages=("kserve", "uvicorn")),
        settings={"seconds": seconds, "rounds": len(found[named(PLAIN, most)]), "workers": options.workers,
                  "monitor's CPU, ms a row": rounded(1e3 * spent / max(1.0, logged)),
                  "share of the requests a CPU second of the server": rounded(share(most, "per_cpu_second"))},
        tables=[Table(("side", *columns), rows, "Load")],
        goals=[
            Goal(f"share of the requests a second, log and monitor, {most} connections", "at least 0.95",
                 rounded(kept), kept >= 0.95),
        ],
        details={name: [{key: rounded(one[key]) for key in one} for one in rounds] for name, rounds in found.items()},
    )  # fmt: skip


def main() -> int:
    """The command line."""
    parser = command.parser(__doc__, rounds=5)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each turn (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="interpreters of the server (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="of the server (default: %(default)s)")
    return command.main(measure, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
