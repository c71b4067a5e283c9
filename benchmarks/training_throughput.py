"""Our Trainer's step against the same architecture in PyTorch and transformers: samples a second.

    python -m benchmarks.training_throughput [--profile full] [--root FOLDER] [--rounds 7] [--quick]

Both sides train the network of the configuration on the very same length-bucketed batches of the latest run's train
split, on all cores. Ours runs Keras' `fit` under the strategy, the optimizer and the input pipeline of Trainer; the
peer runs a bare loop (fused AdamW, clipped gradients) over ready-made batches, in float32, under bfloat16 autocast,
and with `--compile` also compiled by TorchInductor. Every side lives in a process of its own; they take
turns of some dozens of steps. The first turn of each is not counted.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import Any

from benchmarks.harness import command, machine
from benchmarks.harness.alternation import alternate
from benchmarks.harness.progress import say
from benchmarks.harness.results import Goal, Result, Table
from benchmarks.harness.spread import Spread, paired_ratio, rounded
from benchmarks.harness.worker import Worker, WorkerError

OURS, OURS_FLOAT = "Edgeline, precision auto", "Edgeline, float32"
PEERS = {
    "PyTorch, float32": ["float32"],
    "PyTorch, bfloat16 autocast": ["bfloat16"],
    "PyTorch, bfloat16, compiled": ["bfloat16", "--compiled"],
}
EXPLANATION = """\
The same MiniLM classifier, the same batches, AdamW with weight decay and a clipped gradient. Ours: Keras' `fit` with
the strategy, precision, length bucketing and input pipeline of Trainer. The peer: a bare PyTorch loop with fused
AdamW over ready-made batches. The ratio is ours (precision auto) over the row's own, median (min-max) of the rounds.
Samples per CPU second (of all threads together) hardly depend on what else the machine does, but count threads that
wait for each other."""


def measure(options: argparse.Namespace) -> Result:
    """Lets all sides train in turns."""
    peers = command.peers()
    rounds, steps = (2, 4) if options.quick else (options.rounds, options.steps)
    failed, low = [], machine.has_bfloat16()
    if not low:
        failed.append(
            "This CPU has no bfloat16 instructions: nobody would train in it here, so those sides are left out."
        )
    threads = str(options.threads)
    with command.exported(options, ["tokens"]) as (folder, run), contextlib.ExitStack() as stack:
        workers = {
            name: stack.enter_context(Worker("benchmarks.ours.training", [str(folder), precision, str(steps), threads]))
            for name, precision in ((OURS, "auto"), (OURS_FLOAT, "float32"))[: 2 if low else 1]
        }
        rows = workers[OURS].ask(batches=str(folder / "batches.npz"), turns=rounds + 1)["rows"]
        for name, words in PEERS.items():
            if (words[0] == "bfloat16" and not low) or ("--compiled" in words and not options.compile):
                continue
            arguments = [str(folder), words[0], str(steps), threads, *words[1:]]
            workers[name] = stack.enter_context(Worker("benchmarks.peers.training", arguments, interpreter=str(peers)))
        answers = {}
        for name, worker in list(workers.items()):
            say(f"warming up: {name}")
            try:
                answers[name] = worker.ask()
            except WorkerError as error:
                if name in (OURS, OURS_FLOAT):
                    raise
                failed.append(f"{name} did not run: {str(error)[:300]}")
                del workers[name]
        turns = alternate({name: worker.ask for name, worker in workers.items()}, rounds)
    # Every turn has batches of its own, the same ones on each side.
    counts = [sum(rows[turn * steps : (turn + 1) * steps]) for turn in range(1, rounds + 1)]
    speeds, by_cpu = (
        {name: [count / turn[key] for count, turn in zip(counts, found, strict=True)] for name, found in turns.items()}
        for key in ("seconds", "cpu_seconds")
    )
    return _result(options, run, speeds, by_cpu, steps, answers[OURS]["policy"], failed)


def _result(
    options: argparse.Namespace, run: dict[str, Any], speeds: dict[str, list[float]], by_cpu: dict[str, list[float]],
    steps: int, policy: str, failed: list[str],
) -> Result:  # fmt: skip
    table, ratios = [], {}
    for name, values in speeds.items():
        spread, ratio = Spread.of(values), paired_ratio(speeds[OURS], values)
        ratios[name] = ratio
        shown = name.replace("auto", f"auto ({policy})") if name == OURS else name
        table.append([shown, *(round(v, 1) for v in (spread.minimum, spread.median, spread.maximum)),
                      "" if name == OURS else ratio.shown(), round(Spread.of(by_cpu[name]).median, 1),
                      "" if name == OURS else paired_ratio(by_cpu[OURS], by_cpu[name]).shown()])  # fmt: skip
    others = {name: Spread.of(values).median for name, values in speeds.items() if name in PEERS}
    best = max(others, key=others.__getitem__)
    value = rounded(ratios[best].median)
    cpu = paired_ratio(by_cpu[OURS], by_cpu[best]).median
    why = f"{cpu:.2f} by CPU second: the rest is cores that wait, between steps and in small operations"
    return Result(
        name="training_throughput",
        title="Training throughput",
        command="python -m benchmarks.training_throughput",
        explanation=EXPLANATION,
        machine=machine.describe(command.OWN_PACKAGES[:3], peers=command.peers(),
                                 peer_packages=("torch", "transformers")),
        settings={
            "batch": run["trainer"]["batch_size"], "layers": len(run["backbone"]["layers"]),
            "longest text": run["sequence_length"], "steps of a turn": steps, "rounds": len(speeds[OURS]),
            "threads": options.threads or "all cores",
        },
        tables=[Table(("side", "samples/s min", "median", "max", "ours / this", "per CPU second", "ours / this"),
                      table)],
        goals=[Goal(f"samples/s against the best peer ({best})", "at least 1.0", value, value >= 1.0,
                    "" if value >= 1.0 else why)],
        notes=failed,
        details={
            key: {name: [rounded(value) for value in values] for name, values in found.items()}
            for key, found in (("samples_per_second", speeds), ("samples_per_cpu_second", by_cpu))
        },
    )  # fmt: skip


def main() -> int:
    """The command line."""
    parser = command.parser(__doc__, rounds=7)
    parser.add_argument("--steps", type=int, default=24, help="batches of a turn (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=0, help="of each side (default: all cores)")
    parser.add_argument("--compile", action="store_true", help="also compile the peer; takes minutes to begin with")
    return command.main(measure, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
