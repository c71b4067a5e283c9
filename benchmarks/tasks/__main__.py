"""Every task that comes with the project: its server model and its bundle, beside what one would use instead.

    python -m benchmarks.tasks [--tasks NAME,...] [--profile quick] [--seeds 17,18,19] [--budget-minutes N]

Runs `configs/<task>.yaml` as one would type it, a run for each seed of teacher and student, and reads what the server
model and the bundle answered to the `test` split. Beside them, on the same rows: the most frequent label; TF-IDF of
words with logistic regression and with a linear SVM; the same SVM on characters; fastText, autotuned on `eval` (`make
bench-peers` installs it); where the task has a table, logistic regression on the rates of its categories, and gradient
boosting; and where it has no text, a linear SVM and gradient boosting on pixels and readings. What is measured is kept
in `--work` and not measured again while rows, configuration and code are the same; a run that was stopped is gone on
with.

    python -m benchmarks.tasks --tasks intents                # one task, with the profile quick
    python -m benchmarks.tasks --budget-minutes 0             # only tell what there is
    python -m benchmarks.tasks --quick                        # runs, and learns, on few rows, to see that it works
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.any_file import judged
from benchmarks.any_file.records import Records, digest_of
from benchmarks.any_file.systems import own_code
from benchmarks.harness import command, machine
from benchmarks.harness.progress import say
from benchmarks.harness.results import Result
from benchmarks.harness.worker import ROOT
from benchmarks.tasks import result, systems

TASKS = ("sentiment", "sentiment-3", "topics", "intents", "reviews-zh", "fashion", "driving")
PROFILES = ("quick", "full")
_SEEDS = ("trainer.seed", "pruner.seed")
_CODE = ("benchmarks/tasks/systems.py", "benchmarks/ours/task.py", "benchmarks/ours/drafted.py")
_FEW = "data.train_fraction=0.05"
_PEERS = ("fasttext-community", "scikit-learn")
EXPLANATION = """\
Every task is run as it comes, with the profile that is named. The others learn from the very rows of the run's `train`
split and answer its `test` split once; fastText chooses on `eval`, which the pipeline does as well. Of several seeds,
mean ± standard deviation. A difference comes with a 95 % bootstrap interval, paired by row, and is noise where it holds
0; macro-F1 is the mean over the labels that have rows in `test`. "Strongest" is the best of the others in macro-F1 on
`test` itself, which favours them."""


def measure(options: argparse.Namespace) -> Result:
    """Measures what is missing, as far as the time goes, and tells what there is.

    Raises:
        NotReadyError: the peers are not installed, or nothing was measured.
    """
    command.peers()
    records, began = Records(options.work / "records"), time.monotonic()
    found: list[judged.Measured] = []
    failed: list[str] = []
    left: list[str] = []
    for task in options.tasks:
        by_system: dict[str, list[dict[str, Any]]] = {}
        rows: systems.Rows | None = None
        for seed in options.seeds:
            spent = (time.monotonic() - began) / 60 >= options.budget_minutes
            try:
                ours = _ours(options, records, task, seed, spent=spent)
            except RuntimeError as error:
                failed.append(f"{task}, seed {seed}: {str(error).splitlines()[-1]}")
                continue
            if ours is None:
                left.append(f"{task} {seed}")
                continue
            by_system.setdefault(options.profile, []).append(ours)
            rows = rows or systems.Rows(ours["rows"], ours["text"], ours["columns"])
        if rows is None:
            continue
        for name, system in systems.others(rows).items():
            by_system[name] = [_other(options, records, task, name, system, rows)]
        found.append(judged.Measured(task, len(rows.labels("train")), rows.labels("test"), by_system))
    if not found:
        raise command.NotReadyError("\n".join(["nothing was measured; give it more time (--budget-minutes)", *failed]))
    notes = [f"Failed: {item}." for item in failed]
    notes += [f"Not measured in the time that there was, by task and seed: {', '.join(left)}."] if left else []
    return Result(
        name="tasks",
        title="The tasks of the project",
        command="python -m benchmarks.tasks",
        explanation=EXPLANATION,
        machine=machine.describe((*command.OWN_PACKAGES[:3], "scikit-learn"), peers=command.peers(),
                                 peer_packages=_PEERS),
        settings={"profile": options.profile, "seeds": "/".join(map(str, options.seeds))},
        tables=result.tables(found, options.profile),
        goals=result.goals(found, options.profile),
        notes=notes,
        details=result.details(found),
    )  # fmt: skip


def _ours(options: argparse.Namespace, records: Records, task: str, seed: int, *, spent: bool) -> dict[str, Any] | None:
    """The run's record that holds, or a new one; None where there is none and the time is spent."""
    few = [_FEW] if options.quick else []
    config = Path("configs") / f"{task}.yaml"
    digest = digest_of([config, options.profile, *few, own_code(), *map(Path, _CODE[1:])])
    record = records.read(task, seed, options.profile, digest)
    if record is not None or spent:
        return record
    say(f"{task}, seed {seed}: a run with the profile {options.profile}")
    folder = options.work / f"{task}-{seed}-{options.profile}"
    out = folder / "answers.json"
    words = ["--config", str(config), "--profile", options.profile, "--root", str(folder)]
    settings = [f"{name}={seed}" for name in _SEEDS] + few
    _said(["local_runner.py", "run", *words, *(word for item in settings for word in ("--set", item))])
    _said(["-m", "benchmarks.ours.task", *words, "--out", str(out)])
    made = json.loads(out.read_text(encoding="utf-8"))
    return records.write(task, seed, options.profile, digest, {"answers": made.pop("server"), **made})


def _other(
    options: argparse.Namespace, records: Records, task: str, name: str, system: Any, rows: systems.Rows
) -> dict[str, Any]:
    """What another model answers, once for all seeds: it learns from the same rows at each."""
    digest = digest_of([name, json.dumps(rows.splits, ensure_ascii=False), Path(_CODE[0])])
    seed, key = options.seeds[0], name.replace(" ", "-").replace(",", "")
    record = records.read(task, seed, key, digest)
    if record is None:
        say(f"{task}: {name}")
        folder = options.work / "peers" / task
        folder.mkdir(parents=True, exist_ok=True)
        record = records.write(task, seed, key, digest, systems.measured(system, rows, folder))
    return record


def _said(words: Sequence[str]) -> str:
    """Standard output of a command of this project.

    Raises:
        RuntimeError: it failed.
    """
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=command.environment(), capture_output=True, text=True
    )  # fmt: skip
    if done.returncode:
        said = f"{done.stdout}\n{done.stderr}".strip()[-3000:]
        raise RuntimeError(f"`{' '.join(words[:3])} …` ended with exit code {done.returncode}:\n{said}")
    return done.stdout


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.tasks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument(
        "--tasks", type=command.names(TASKS), default=list(TASKS), metavar="NAME,...", help="which (default: all)"
    )
    made.add_argument("--profile", choices=PROFILES, default=PROFILES[0], help="(default: %(default)s)")
    made.add_argument("--seeds", type=command.numbers, default=[17], metavar="N,...", help="(default: 17)")
    made.add_argument("--budget-minutes", type=float, default=float("inf"), metavar="N",
                      help="begin no run after so many minutes (default: no limit)")  # fmt: skip
    made.add_argument("--work", type=Path, default=ROOT / "runs" / "tasks", metavar="FOLDER",
                      help="where runs and records are kept (default: runs/tasks)")  # fmt: skip
    made.add_argument(
        "--quick", action="store_true", help="a twentieth of the rows, to see that it works; keeps no result"
    )
    made.add_argument("--results", type=Path, help="folder of the result file (default: benchmarks/results)")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    options = parser().parse_args(arguments)
    options.work = (options.work / "few-rows" if options.quick else options.work).resolve()
    return command.main(measure, options)


if __name__ == "__main__":
    sys.exit(main())
