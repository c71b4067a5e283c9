"""Time and memory of each node at 1,000, 10,000 and 100,000 rows, with the exponent of their growth.

    python -m benchmarks.growth [--rows 1000,10000,100000] [--quick]

The whole pipeline of `benchmarks/growth.yaml` runs once at each size, each in a process of its own, on texts that are
put together from halves of the default data set's. Its network costs next to nothing, so that what grows is the
pipeline: with a real one, Trainer and Pruner grow with the rows and the network, see the training benchmark.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness import command, machine
from benchmarks.harness.progress import say
from benchmarks.harness.results import Result, Table
from benchmarks.harness.spread import fit_power_law, rounded
from benchmarks.harness.worker import ROOT

_SEED = 3
EXPLANATION = """\
One run of the whole pipeline at each size, with a network of one layer. The exponent is fitted through the
logarithms: 1 is linear, 0 a fixed cost. The exponent of the last step, between the two largest sizes, is less bent by
fixed costs. Nodes that stay below half a second or 16 MiB have none. Memory is what a node added to what was resident
when it began; the last column is the whole process's peak, imports and earlier nodes included."""


def measure(options: argparse.Namespace) -> Result:
    """Runs the pipeline at each size."""
    sizes = [200, 400] if options.quick else [int(size) for size in options.rows.split(",")]
    found: dict[int, dict[str, Any]] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            data, out = Path(folder) / "rows.csv", Path(folder) / "out.json"
            write_rows(data, size)
            say(f"{size:,} rows")
            words = ["--data", str(data), "--root", str(Path(folder) / "runs"), "--out", str(out)]
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.ours.growth", *words], cwd=ROOT, env=command.environment(),
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            if done.returncode:
                raise RuntimeError(f"the run with {size} rows failed:\n{done.stdout[-3000:]}")
            found[size] = json.loads(out.read_text(encoding="utf-8"))
    return _result(sizes, found)


def write_rows(path: Path, count: int, *, seed: int = _SEED) -> None:
    """Writes a CSV file of different texts: the first half of one and the second of another with the same label.

    Args:
        path: where to.
        count: rows.
        seed: of the choice.
    """
    from modules.datasets import base as datasets

    with datasets.csv_file("vader").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    by_label: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_label.setdefault(row["label"], []).append(row)
    chance = random.Random(seed)
    seen: set[str] = set()
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["text", "label", "source"])
        while len(seen) < count:
            first = chance.choice(rows)
            words, more = first["text"].split(), chance.choice(by_label[first["label"]])["text"].split()
            text = " ".join([*words[: (len(words) + 1) // 2], *more[len(more) // 2 :]])
            if text not in seen:
                seen.add(text)
                writer.writerow([text, first["label"], first["source"]])


def _result(sizes: Sequence[int], found: Mapping[int, Mapping[str, Any]]) -> Result:
    nodes = [name for name, values in found[sizes[0]]["nodes"].items() if values["state"] != "resolved"]
    seconds, memory = [], []
    for node in nodes:
        took = [found[size]["nodes"][node]["seconds"] for size in sizes]
        added = [found[size]["nodes"][node]["added_bytes"] / 2**20 for size in sizes]
        last = [found[size]["nodes"][node]["peak_bytes"] / 2**20 for size in sizes]
        seconds.append([node, *(round(value, 1) for value in took), *_exponents(sizes, took, 0.5)])
        memory.append([node, *(round(value) for value in added), *_exponents(sizes, added, 16), round(last[-1])])
    whole = [sum(found[size]["nodes"][node]["seconds"] for node in nodes) for size in sizes]
    seconds.append(["all nodes", *(round(value, 1) for value in whole), *_exponents(sizes, whole, 0.5)])
    headings = [f"{size:,} rows" for size in sizes]
    return Result(
        name="growth",
        title="Growth of every node",
        command="python -m benchmarks.growth",
        explanation=EXPLANATION,
        machine=machine.describe(command.OWN_PACKAGES[:5]),
        settings={"rows": " / ".join(f"{size:,}" for size in sizes), "runs of each size": 1,
                  "resident after the imports, MiB": round(found[sizes[0]]["imports_bytes"] / 2**20)},
        tables=[
            Table(("node", *headings, "exponent", "last step"), seconds, "Seconds"),
            Table(("node", *headings, "exponent", "last step", "peak at the largest"), memory, "Memory, MiB"),
        ],
        details={str(size): found[size]["nodes"] for size in sizes},
    )  # fmt: skip


def _exponents(sizes: Sequence[int], values: Sequence[float], least: float) -> list[Any]:
    """Of all sizes, and of the two largest; empty where a value is zero, or all are below what can be told."""
    if min(values) <= 0 or max(values) < least:
        return ["", ""]
    return [rounded(round(fit_power_law(sizes[start:], values[start:]).exponent, 2)) for start in (0, len(sizes) - 2)]


def main() -> int:
    """The command line."""
    parser = command.parser(__doc__)
    parser.add_argument("--rows", default="1000,10000,100000", help="sizes, ascending (default: %(default)s)")
    return command.main(measure, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
