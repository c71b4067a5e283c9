"""`edgeline-serving` under load from this machine, beside what it serves without a server.

    python -m benchmarks.serving --bundle FILE [--saved-model FOLDER] [--peers] [--texts FILE] [--seconds 10] [--quick]

One text a request, one request after the other on each of 1, 8 and 64 connections. The server runs in its environment
(`make serving-setup`), the asker in a process of its own; both share the machine's cores, so the number that does not
depend on them is requests a second of the *server's* CPU time. It is held against the same rows through the same code
in a loop, without a server: for a bundle the `Classifier` of edgeline-edge in one thread. With `--peers`, the networks
of the latest run (`--config`, `--profile`, `--root`) answer as well, in servers that a user would write. At last two
versions of the bundle are swapped all the time while 8 connections ask, and servers are told to stop while they do.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from benchmarks.harness import command, machine
from benchmarks.harness.alternation import alternate
from benchmarks.harness.progress import say
from benchmarks.harness.results import Goal, Result, Table
from benchmarks.harness.spread import rounded
from benchmarks.harness.worker import ROOT, Worker
from benchmarks.ours.servers import PYTHON, Server, asks, named, numbers, ours, running

CONNECTIONS = (1, 8, 64)
RELOAD_CONNECTIONS, RELOAD_REQUESTS, STOPS = 8, 10_000, 5
ONNX, TORCH = "ONNX Runtime int8, KServe", "PyTorch, FastAPI"
BUNDLE, SAVED_MODEL, BARE = "bundle", "SavedModel", "bundle, no server, one thread"
TEXTS = [
    "A warm, funny film that earns its tears.",
    "The battery died after two days and nobody answers my mails.",
    "meh",
    "I waited for three weeks, and what came was broken, late and not what I had ordered; never again, not for free.",
]
EXPLANATION = """\
Requests of one text by KServe's V1 protocol, from a process on the same machine, over 1, 8 and 64 connections, each of
which waits for an answer before it asks again. Rounds take turns. The row without a server is the same texts through
the `Classifier` of edgeline-edge in a loop. Per CPU second: requests for each second of the answering process's CPU
time, which hardly depends on what else the machine does. ONNX Runtime and PyTorch: the blessed network of the run that
the bundle is of (its student in the row that says so), with Hugging Face's tokenizer, in one thread. Reload: two
versions of the bundle are swapped again and again, each loaded and probed anew, while 8 connections ask. Stop: a server
with 8 connections is told to end by SIGTERM, several times; cut is an answer that was begun and not ended."""


def measure(options: argparse.Namespace) -> Result:
    """Lets all sides answer in turns."""
    if not PYTHON.is_file():
        raise command.NotReadyError("the server is not installed: `make serving-setup` does it")
    rounds, seconds = (1, 1.0) if options.quick else (options.rounds, options.seconds)
    texts = [line for line in options.texts.read_text("utf-8").split("\n") if line] if options.texts else TEXTS
    sources = {BUNDLE: ("--edge", options.bundle), SAVED_MODEL: ("--server", options.saved_model)}
    with contextlib.ExitStack() as stack:
        asker = stack.enter_context(Worker("benchmarks.ours.http_load"))
        bare = stack.enter_context(Worker("benchmarks.ours.inference", [str(options.bundle), "1"]))
        servers: dict[str, Server] = {}
        sides: dict[str, Callable[[], dict[str, float]]] = {BARE: lambda: _bare(bare, texts, seconds)}
        for name, (option, path) in sources.items():
            if path is None:
                continue
            say(f"starting the server with a {name}")
            servers[name] = stack.enter_context(running(ours(option, path, options)))
        if options.peers:
            servers |= _peers(stack, options)
        for name, server in servers.items():
            for count in CONNECTIONS:
                ask = {"url": server.url, "texts": texts, "connections": count, "seconds": seconds}
                asker.ask(**{**ask, "seconds": min(1.0, seconds)})  # warm
                sides[named(name, count)] = asks(asker, server.process, ask)
        found = alternate(sides, rounds)
        reload = _reload(asker, options, texts, 200 if options.quick else RELOAD_REQUESTS)
        stops = [_stop(asker, options, texts) for _ in range(1 if options.quick else STOPS)]
    stopped = {"stops": len(stops), "answers": sum(one[0] for one in stops), "cut": sum(one[1] for one in stops)}
    return _result(options, found, reload, stopped, seconds, len(texts))


def _peers(stack: contextlib.ExitStack, options: argparse.Namespace) -> dict[str, Server]:
    """Servers in the peers' environment, of the run's networks."""
    interpreter = str(command.peers())
    folder, _ = stack.enter_context(command.exported(options, ["blessed", "student"]))
    for part in ("blessed", "student"):
        say(f"exporting to ONNX: {part}")
        done = subprocess.run(
            [interpreter, "-m", "benchmarks.peers.export_onnx", str(folder), part], cwd=ROOT, capture_output=True,
            text=True,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"the export of the {part} network failed:\n{done.stderr[-3000:]}")
    asked = {ONNX: ("onnx", "blessed"), f"student, {ONNX}": ("onnx", "student"), TORCH: ("torch", "blessed")}
    found = {}
    for name, (kind, part) in asked.items():
        say(f"starting {name}")
        found[name] = stack.enter_context(
            running([interpreter, "-m", "benchmarks.peers.serving", kind, str(folder), part], ROOT)
        )
    return found


def _reload(asker: Worker, options: argparse.Namespace, texts: list[str], wanted: int) -> dict[str, int]:
    """Asks while `latest` goes to and fro: how many requests, how many of them failed, how often versions changed."""
    say(f"swapping versions during {wanted} requests")
    stop = threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        push = Path(folder)
        for version in ("1", "2"):
            (push / version).mkdir()
            shutil.copy(options.bundle, push / version / "model.tflite")

        def swap() -> None:
            for version in itertools.cycle(("2", "1")):
                (push / ".latest").write_text(version)
                os.replace(push / ".latest", push / "latest")
                if stop.wait(0.3):
                    return

        with running(ours("--edge", push, options)) as server:
            swapper = threading.Thread(target=swap)
            swapper.start()
            requests = failed = 0
            try:
                ask = {"url": server.url, "texts": texts, "connections": RELOAD_CONNECTIONS, "seconds": 2.0}
                while requests < wanted:
                    answer = asker.ask(**ask)
                    requests, failed = requests + len(answer["ms"]), failed + answer["failed"]
            finally:
                stop.set()
                swapper.join()
            swaps = server.said.read_text("utf-8").count(" answers now, version ")
    return {"requests": requests, "failed": failed, "swaps": swaps}


def _stop(asker: Worker, options: argparse.Namespace, texts: list[str]) -> tuple[int, int]:
    """Tells a server to end while it is asked: how many answers there were, how many of them were cut."""
    say("stopping a server under load")
    with running(ours("--edge", options.bundle, options)) as server:
        timer = threading.Timer(1.0, lambda: server.process.send_signal(signal.SIGTERM))
        timer.start()
        ask = {"url": server.url, "texts": texts, "connections": RELOAD_CONNECTIONS, "seconds": 10.0, "ending": True}
        answer = asker.ask(**ask)
        timer.join()
    return len(answer["ms"]), answer["failed"]


def _bare(worker: Worker, texts: list[str], seconds: float) -> dict[str, float]:
    times: list[float] = []
    cpu = 0.0
    while sum(times) < 1e3 * seconds:
        answer = worker.ask(texts=texts)
        times += answer["ms"]
        cpu += sum(answer["cpu_ms"]) / 1e3
    return numbers(times, sum(times) / 1e3, cpu)


def _result(
    options: argparse.Namespace, found: dict[str, list[dict[str, float]]], reload: dict[str, int],
    stopped: dict[str, int], seconds: float, texts: int,
) -> Result:  # fmt: skip
    def median(name: str, key: str) -> float:
        return statistics.median(one[key] for one in found[name])

    columns = ("requests/s", "per CPU second", "p50 ms", "p95 ms", "p99 ms")
    keys = ("per_second", "per_cpu_second", "p50", "p95", "p99")
    rows = [[name, *(rounded(median(name, key)) for key in keys)] for name in found]
    most = named(BUNDLE, CONNECTIONS[-1])
    share = median(most, "per_cpu_second") / median(BARE, "per_cpu_second")
    tail = median(most, "p99") / median(most, "p50")
    goals = []
    if named(TORCH, CONNECTIONS[-1]) in found:
        times = median(most, "per_second") / median(named(TORCH, CONNECTIONS[-1]), "per_second")
        goals.append(
            Goal("times the requests of PyTorch in FastAPI, 64 connections", "at least 3", rounded(times), times >= 3)
        )
    turns = {name: [{key: rounded(one[key]) for key in one} for one in rounds] for name, rounds in found.items()}
    return Result(
        name="serving",
        title="Serving",
        command="python -m benchmarks.serving --bundle FILE --saved-model FOLDER --peers",
        explanation=EXPLANATION,
        machine=machine.describe(("ai-edge-litert",), peers=PYTHON, peer_packages=("kserve", "uvicorn", "tensorflow")),
        settings={"seconds": seconds, "rounds": len(found[BARE]), "texts": texts, "interpreters": options.threads,
                  "workers": options.workers},
        tables=[
            Table(("side", *columns), rows, "Load"),
            Table(tuple(reload), [list(reload.values())], "Reload"),
            Table(tuple(stopped), [list(stopped.values())], "Stop"),
        ],
        goals=[
            Goal("share of the bare code's requests per CPU second, bundle, 64 connections", "at least 0.8",
                 rounded(share), share >= 0.8, "" if share >= 0.8 else _why(median, most)),
            Goal("p99 / p50, bundle, 64 connections", "at most 5", rounded(tail), tail <= 5),
            Goal("requests that failed while versions were swapped", "0", reload["failed"], not reload["failed"]),
            Goal("answers that SIGTERM cut", "0", stopped["cut"], not stopped["cut"]),
            *goals,
        ],
        details=turns,
    )  # fmt: skip


def _why(median: Callable[[str, str], float], side: str) -> str:
    """What the server's own work costs beside the model's."""
    model, all_ = (1e3 / median(name, "per_cpu_second") for name in (BARE, side))
    return f"reading, checking and writing a request takes {all_ - model:.2f} ms of CPU, the model {model:.2f} ms"


def main() -> int:
    """The command line."""
    parser = command.parser(__doc__, rounds=3)
    parser.add_argument(
        "--bundle", type=Path, required=True, help="a bundle, such as runs/…/pushed/edge/…/model.tflite"
    )
    parser.add_argument("--saved-model", type=Path, help="a SavedModel, such as runs/…/pushed/server/…")
    parser.add_argument("--texts", type=Path, help="one a line (default: four of different lengths)")
    parser.add_argument("--threads", type=int, default=1, help="interpreters of the server (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each turn (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="of the server (default: %(default)s)")
    parser.add_argument("--peers", action="store_true", help="beside the networks of the latest run in other servers")
    options = parser.parse_args()
    for path in (options.bundle, options.saved_model):
        if path and not path.exists():
            parser.error(f"{path}: there is no such file or folder")
    options.bundle, options.saved_model = (path and path.resolve() for path in (options.bundle, options.saved_model))
    return command.main(measure, options)


if __name__ == "__main__":
    sys.exit(main())
