"""What the pipeline costs beside the work: the default run, its cached re-run, and a plain script that does the same.

    python -m benchmarks.pipeline_overhead [--quick] [--run-profile quick]

Runs `make run`'s pipeline in a fresh folder, then the plain script of `benchmarks/ours/plain.py` (the same functions of
`modules`, no TFX, no Beam, no metadata), then the pipeline again until every node comes from the cache: the second run
still evaluates, since it finds a first blessed model to compare with. Each is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness import command, machine
from benchmarks.harness.progress import say
from benchmarks.harness.results import Goal, Result, Table
from benchmarks.harness.spread import rounded
from benchmarks.harness.worker import ROOT
from pipeline import facts, nodes

EXPLANATION = """\
Wall time of the default run, node by node, and how much of it passes inside training, tuning and fine-tuning steps. The
plain script reads, splits, tokenizes, searches, trains, evaluates, compresses, converts and measures with the same
functions and settings; it checks no schema, computes no statistics, keeps no metadata and cannot resume. Overhead is
what the pipeline takes longer than the script, as a share of the pipeline's run; imports are part of both."""
# Steps of the plain script beside the nodes that do the same; what has no counterpart stands alone.
_STEPS = {
    "examples": "rows", "transformed_examples": "tokens", "baseline": "linear baseline", "tuner_results": "search",
    "model": "train", "evaluation": "evaluate", "pushed_model": "export", "pruned_model": "prune",
    "variants": "convert", "edge_evaluation": "evaluate variants",
}  # fmt: skip
STEPS = {(nodes.reported().get(key) or facts.giving(key))[0]: step for key, step in _STEPS.items()}
_TINY = (
    "data.train_fraction=0.03", "tuner.trials=1", "tuner.steps_per_epoch=2", "pruner.epochs=1",
    "evaluator.thresholds.accuracy={min: 0.0, slice_min: 0.0}", "evaluator.thresholds.macro_f1={min: 0.0}",
    "evaluator.thresholds.calibration_error={max: 1.0}", "evaluator.beats_baseline=null",
)  # fmt: skip


def measure(options: argparse.Namespace) -> Result:
    """Runs pipeline and script."""
    overrides = [word for item in (_TINY if options.quick else ()) for word in ("--set", item)]
    task = ["--config", options.config, "--profile", options.run_profile, *overrides]
    with tempfile.TemporaryDirectory() as folder:
        root, plain = options.keep or Path(folder) / "runs", Path(folder) / "plain"
        plain.mkdir()
        first = _run("benchmarks.ours.pipeline_run", [*task, "--root", str(root)], Path(folder))
        script = _run("benchmarks.ours.plain", [*task, "--folder", str(plain)], Path(folder))
        again = [_run("benchmarks.ours.pipeline_run", [*task, "--root", str(root)], Path(folder)) for _ in range(2)]
    return _result(options, first, script, again)


def _run(module: str, words: Sequence[str], folder: Path) -> dict[str, Any]:
    say(module)
    out = folder / "out.json"
    done = subprocess.run(
        [sys.executable, "-m", module, *words, "--out", str(out)], cwd=ROOT, env=command.environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{module} failed:\n{done.stdout[-4000:]}")
    return json.loads(out.read_text(encoding="utf-8"))


def _result(
    options: argparse.Namespace, first: Mapping[str, Any], script: Mapping[str, Any], again: Sequence[Mapping[str, Any]]
) -> Result:
    nodes, training = first["seconds"]["nodes"], first["training"]
    rows = []
    for node, seconds in nodes.items():
        inside, step = training.get(node, 0.0), STEPS.get(node)
        rows.append([node, round(seconds, 1), round(inside, 1), round(seconds - inside, 1), step or "",
                     round(script["seconds"][step], 1) if step else ""])  # fmt: skip
    total, plain = first["seconds"]["total"], sum(script["seconds"].values())
    imports, inside = first["seconds"]["imports"], sum(training.values())
    rest = total - sum(nodes.values()) - imports
    rows += [
        ["imports and compilation", round(imports, 1), 0, round(imports, 1), "imports",
         round(script["seconds"]["imports"], 1)],
        ["between the nodes", round(rest, 1), 0, round(rest, 1), "", ""],
        ["**all**", round(total, 1), round(inside, 1), round(total - inside, 1), "", round(plain, 1)],
    ]  # fmt: skip
    runs = []
    for name, one in (("first", first), ("second", again[0]), ("third", again[1])):
        states = list(one["states"].values())
        seconds = one["seconds"]
        runs.append([name, states.count("executed"), states.count("cached"), round(seconds["total"], 1),
                     round(seconds["imports"], 1), round(seconds["total"] - seconds["imports"], 1)])  # fmt: skip
    overhead = rounded(100 * (total - plain) / total)
    beside = rounded(again[1]["seconds"]["total"] - again[1]["seconds"]["imports"])
    return Result(
        name="pipeline_overhead",
        title="What the pipeline costs",
        command="python -m benchmarks.pipeline_overhead",
        explanation=EXPLANATION,
        machine=machine.describe(command.OWN_PACKAGES[:5]),
        settings={"profile": options.run_profile, "runs of each": 1},
        tables=[
            Table(("node", "seconds", "inside training", "rest", "plain script", "its seconds"), rows,
                  "The default run"),
            Table(("run", "executed", "from the cache", "seconds", "imports", "after the imports"), runs, "Runs"),
        ],
        goals=[
            Goal("overhead against the plain script, % of the default run", "at most 25", overhead, overhead <= 25),
            Goal("cached re-run after the imports, seconds", "at most 15", beside, beside <= 15),
        ],
        details={"first": first, "plain": script, "again": list(again)},
    )  # fmt: skip


def main() -> int:
    """The command line."""
    parser = command.parser(__doc__)
    parser.add_argument("--run-profile", default="quick", help="profile of the runs (default: %(default)s)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="an empty folder for the runs (default: temporary)")
    return command.main(measure, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
