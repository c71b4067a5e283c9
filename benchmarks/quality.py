"""Accuracy and macro-F1 on the test split, against classifiers that a user would try instead.

    python -m benchmarks.quality [--profile full] [--root FOLDER] [--quick] [--methods fasttext,probe,setfit]
    python -m benchmarks.quality --seeds 17,18,19 --root FOLDER ...

Ours: the blessed server model and the bundle that ships, of the latest run; with `--seeds`, of a run for each seed of
teacher and student, which are made in FOLDER (again: from its cache), and their mean and spread. The peers train on the
very rows of that run's train split, choose on its `eval` split, and answer its `test` split once: a linear model of
n-grams (the pipeline's own LinearBaseline), fastText, a linear probe on frozen sentence embeddings of MiniLM, and
SetFit on 128 rows of each label. Intervals are 95 % bootstrap intervals over the test rows, of paired differences where
they are differences.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, f1_score

from benchmarks.harness import command, machine
from benchmarks.harness.progress import say
from benchmarks.harness.results import Goal, Result, Table
from benchmarks.harness.spread import mean_and_spread, rounded
from benchmarks.harness.worker import ROOT, Worker

SERVER, BUNDLE, BASELINE = "Edgeline, server model", "Edgeline, bundle", "linear baseline"
PEERS = {
    "fasttext": "fastText",
    "probe": "linear probe on frozen MiniLM",
    "setfit": "SetFit, 128 rows of a label",
}
SEEDS = ("trainer.seed", "pruner.seed")
_RESAMPLES = 2000
_PEER_PACKAGES = ("fasttext-community", "sentence-transformers", "setfit", "scikit-learn")
EXPLANATION = """\
Every classifier was trained on the rows of the run's train split (SetFit on 128 of each label, as it is meant for few
rows), chose its settings on `eval`, and answered `test` once. The interval is a 95 % bootstrap interval over the test
rows; the difference to our server model is paired row by row. Of several seeds, mean ± standard deviation. Seconds are
those of the peer's training on this machine."""


@dataclasses.dataclass(frozen=True)
class Answers:
    """What one classifier said to the test split.

    Attributes:
        labels: ids, int `[training, row]`: one line a training with a seed of its own.
        seconds: of a training, where it was measured here.
        chosen: settings that it chose on `eval`.
    """

    labels: np.ndarray
    seconds: float | None = None
    chosen: str = ""


def measure(options: argparse.Namespace) -> Result:
    """Trains the peers (and ours, where seeds are named) and scores all.

    Raises:
        NotReadyError: the peers or a run are missing, or seeds are named without a folder for their runs.
    """
    command.peers()
    seeds = [int(seed) for seed in options.seeds.split(",") if seed]
    if seeds and not options.root:
        raise command.NotReadyError("--seeds needs --root FOLDER: its runs push what they train, so not beside yours")
    ours: dict[str, list[Any]] = {SERVER: [], BUNDLE: []}
    found: dict[str, Answers] = {}
    for place, seed in enumerate(seeds or [None]):
        if seed is not None:
            _run(options, seed)
        with command.exported(options, ["texts", "answers", "baseline", command.bundle_part(options)]) as (folder, run):
            test = _json(folder / "test.json")
            rows = 200 if options.quick else len(test["texts"])
            ours[SERVER].append(_json(folder / "answers.json")[:rows])
            with Worker("benchmarks.ours.inference", [str(folder / "bundle.tflite"), "2"]) as worker:
                ours[BUNDLE].append(worker.ask(texts=[text or " " for text in test["texts"][:rows]])["labels"])
            if place:
                continue
            truth, baseline = np.array(test["labels"][:rows]), _json(folder / "baseline.json")
            train_rows = len(_json(folder / "train.json")["texts"])
            for method in [name for name in options.methods.split(",") if name]:
                record = _train(folder, method, options.quick)
                chosen = ", ".join(f"{name} {value}" for name, value in record["chosen"].items())
                found[PEERS[method]] = Answers(np.array([record["labels"]]), record["seconds"], chosen)
    found = {**{name: Answers(np.array(labels)) for name, labels in ours.items()}, **found}
    settings = {"train rows": train_rows, "test rows": len(truth), "labels": len(run["labels"])}
    result = _result(settings | ({"seeds": seeds} if seeds else {}), truth, found, baseline)
    return dataclasses.replace(result, notes=command.bundle_notes(options))


def _json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def _run(options: argparse.Namespace, seed: int) -> None:
    say(f"a run with seed {seed}: an hour where it is new")
    words = ["--config", options.config, "--root", str(options.root)]
    words += ["--profile", options.profile] if options.profile else []
    for setting in SEEDS:
        words += ["--set", f"{setting}={seed}"]
    done = subprocess.run([sys.executable, "local_runner.py", "run", *words], cwd=ROOT, env=command.environment())
    if done.returncode:
        raise RuntimeError(f"the run with seed {seed} ended with exit code {done.returncode}; see above")


def interval(values: np.ndarray, *, seed: int = 0) -> tuple[float, float]:
    """95 % percentile bootstrap interval of a mean over rows."""
    rng = np.random.default_rng(seed)
    means = [float(values[rng.integers(0, len(values), len(values))].mean()) for _ in range(_RESAMPLES)]
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def _train(folder: Path, method: str, quick: bool) -> dict[str, Any]:
    say(f"training: {PEERS[method]}")
    words = [str(command.peers()), "-m", "benchmarks.peers.quality", str(folder), method, *["--quick"] * quick]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{PEERS[method]} ended with exit code {done.returncode}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout)


def _result(
    settings: Mapping[str, Any], truth: np.ndarray, found: Mapping[str, Answers], baseline: Mapping[str, Any]
) -> Result:
    server = (found[SERVER].labels == truth).mean(axis=0)
    rows, accuracies = [], {}
    for name, answers in found.items():
        right = (answers.labels == truth).mean(axis=0)
        low, high = interval(right)
        ours = interval(server - right) if name != SERVER else None
        accuracy = [float(accuracy_score(truth, labels)) for labels in answers.labels]
        accuracies[name] = float(np.mean(accuracy))
        macro = [
            float(f1_score(truth, labels, labels=range(settings["labels"]), average="macro", zero_division=0.0))
            for labels in answers.labels
        ]
        rows.append([name, mean_and_spread(accuracy), f"{low:.3f}-{high:.3f}", mean_and_spread(macro),
                     f"{ours[0]:+.3f} to {ours[1]:+.3f}" if ours else "",
                     "" if answers.seconds is None else round(answers.seconds), answers.chosen])  # fmt: skip
    scores = baseline["splits"]["test"]
    accuracies[BASELINE] = scores["accuracy"]
    rows.append([BASELINE, f"{scores['accuracy']:.4f}", "", f"{scores['macro_f1']:.4f}", "",
                 round(baseline["seconds"]), baseline["model"]])  # fmt: skip
    rows.sort(key=lambda row: -float(str(row[1]).split()[0]))
    best = max((name for name in accuracies if name not in (SERVER, BUNDLE)), key=accuracies.__getitem__)
    goals = []
    for name in (SERVER, BUNDLE):
        ahead = rounded(accuracies[name] - accuracies[best])
        goals.append(Goal(f"{name}: accuracy above the best peer ({best})", "above 0", ahead, ahead > 0))
    return Result(
        name="quality",
        title="Quality",
        command="python -m benchmarks.quality",
        explanation=EXPLANATION,
        machine=machine.describe((*command.OWN_PACKAGES[:3], "scikit-learn"), peers=command.peers(),
                                 peer_packages=_PEER_PACKAGES),
        settings=dict(settings),
        tables=[Table(("classifier", "accuracy", "95 %", "macro-F1", "server model is better by", "seconds", "chosen"),
                      rows)],
        goals=goals,
        details={"accuracy": {name: rounded(value) for name, value in accuracies.items()}},
    )  # fmt: skip


def main() -> int:
    """The command line."""
    parser = command.parser(__doc__)
    command.add_variant(parser)
    parser.add_argument("--seeds", default="", metavar="N,N,N", help="a run of ours for each, in --root")
    parser.add_argument("--methods", default=",".join(PEERS), help="which peers (default: %(default)s)")
    return command.main(measure, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
