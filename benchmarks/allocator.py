"""Measures what keeping freed memory (`modules.machine.memory`) brings a training step on a CPU.

    ./edgeline python -m benchmarks.allocator [--steps 12] [--rounds 3] [--json]

Both sides run in turn, each in a fresh process, with the same network (6 layers of 384, random weights), the same
batches (32 texts of 24 tokens) and the same seeds. It prints seconds and page faults of a step, and the ratio.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]
SIDES = ("default", "kept")


def steps(side: str, count: int) -> list[dict[str, float]]:
    """Trains some steps in this process; the first two, which trace and allocate, are left out."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import resource

    from modules.machine import memory
    from modules.network.model import Architecture, build_model
    from modules.targets.one_label.target import OneLabel
    from modules.text.features import PADDING_MASK, TOKEN_IDS
    from modules.training import compiled
    from modules.training.settings import TrainerSettings

    import numpy as np
    import tf_keras

    if side == "kept":
        assert memory.keep_freed_memory(), "this C library cannot be told to keep memory"
    tf_keras.utils.set_random_seed(17)
    model = build_model(Architecture(30522, 6, 12, 384, 1536, 64, 2))
    compiled.compile_model(model, TrainerSettings(), total_steps=1000, target=OneLabel(labels=["a", "b"]))
    rng, found = np.random.default_rng(17), []
    for _ in range(count + 2):
        ids = rng.integers(0, 30522, (32, 24)).astype(np.int32)
        labels = rng.integers(0, 2, 32).astype(np.int32)
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
        model.train_on_batch({TOKEN_IDS: ids, PADDING_MASK: np.ones_like(ids)}, labels)
        after = resource.getrusage(resource.RUSAGE_SELF)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        faults = after.ru_minflt - before.ru_minflt
        found.append({"seconds": time.perf_counter() - began, "cpu_seconds": cpu, "page_faults": faults})
    return found[2:]


def measure(count: int, rounds: int) -> dict[str, Any]:
    """Runs both sides in turn and compares their medians."""
    every: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for number in range(rounds):
        for side in SIDES if number % 2 == 0 else reversed(SIDES):
            print(f"round {number + 1}/{rounds}: {side}", file=sys.stderr)
            command = [sys.executable, __file__, "--side", side, "--steps", str(count)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            every[side] += json.loads(done.stdout.splitlines()[-1])
    medians = {
        side: {name: statistics.median(step[name] for step in found) for name in found[0]}
        for side, found in every.items()
    }
    ratios = {name: medians["default"][name] / max(medians["kept"][name], 1e-9) for name in ("seconds", "cpu_seconds")}
    return {"steps": count * rounds, "medians": medians, "ratio": ratios}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=12, help="steps per process (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="processes per side (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(steps(options.side, options.steps)))
        return 0
    result = measure(options.steps, options.rounds)
    if options.json:
        print(json.dumps(result, indent=2))
        return 0
    print("| freed memory | seconds a step | CPU seconds | page faults |\n|---|---|---|---|")
    for side, values in result["medians"].items():
        print(f"| {side} | {values['seconds']:.3f} | {values['cpu_seconds']:.3f} | {values['page_faults']:.0f} |")
    print(f"\nratio {result['ratio']['seconds']:.2f} (time), {result['ratio']['cpu_seconds']:.2f} (CPU)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
