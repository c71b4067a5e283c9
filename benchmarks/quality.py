"""Accuracy and macro-F1 on the test split, against classifiers that a user would try instead.

    python -m benchmarks.quality [--profile full] [--root FOLDER] [--quick] [--methods fasttext,probe,setfit]

Ours: the blessed server model and the bundle that ships, of the latest run. The peers train on the very rows of that
run's train split, choose on its `eval` split, and answer its `test` split once: TF-IDF and a linear model (the
pipeline's own LinearBaseline), fastText, a linear probe on frozen sentence embeddings of MiniLM, and SetFit on 128
rows of each label. Intervals are 95 % bootstrap intervals over the test rows, of paired differences where they are
differences.
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
from benchmarks.harness.spread import rounded
from benchmarks.harness.worker import ROOT, Worker

SERVER, BUNDLE, BASELINE = "Edgeline, server model", "Edgeline, bundle", "linear baseline"
PEERS = {
    "fasttext": "fastText",
    "probe": "linear probe on frozen MiniLM",
    "setfit": "SetFit, 128 rows of a label",
}
_RESAMPLES = 2000
_PEER_PACKAGES = ("fasttext-community", "sentence-transformers", "setfit", "scikit-learn")
EXPLANATION = """\
Every classifier was trained on the rows of the run's train split (SetFit on 128 of each label, as it is meant for few
rows), chose its settings on `eval`, and answered `test` once. The interval is a 95 % bootstrap interval over the test
rows; the difference to our server model is paired row by row. Seconds are those of the peer's training on this
machine."""


def measure(options: argparse.Namespace) -> Result:
    """Trains the peers and scores all."""
    command.peers()
    methods = [name for name in options.methods.split(",") if name]
    parts = ["texts", "answers", "baseline", command.bundle_part(options)]
    with command.exported(options, parts) as (folder, run):
        test = json.loads((folder / "test.json").read_text(encoding="utf-8"))
        rows = 200 if options.quick else len(test["texts"])
        truth = np.array(test["labels"][:rows])
        found: dict[str, tuple[np.ndarray, float | None, str]] = {
            SERVER: (np.array(json.loads((folder / "answers.json").read_text(encoding="utf-8"))[:rows]), None, "")
        }
        with Worker("benchmarks.ours.inference", [str(folder / "bundle.tflite"), "2"]) as worker:
            labels = worker.ask(texts=[text or " " for text in test["texts"][:rows]])["labels"]
        found[BUNDLE] = (np.array(labels), None, "")
        for method in methods:
            record = _train(folder, method, options.quick)
            chosen = ", ".join(f"{name} {value}" for name, value in record["chosen"].items())
            found[PEERS[method]] = (np.array(record["labels"]), record["seconds"], chosen)
        baseline = json.loads((folder / "baseline.json").read_text(encoding="utf-8"))
        train_rows = len(json.loads((folder / "train.json").read_text(encoding="utf-8"))["texts"])
    return dataclasses.replace(_result(run, truth, found, baseline, train_rows), notes=command.bundle_notes(options))


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
    run: Mapping[str, Any], truth: np.ndarray, found: Mapping[str, tuple[np.ndarray, float | None, str]],
    baseline: Mapping[str, Any], train_rows: int,
) -> Result:  # fmt: skip
    classes = list(range(len(run["labels"])))
    server = found[SERVER][0] == truth
    rows, accuracies = [], {}
    for name, (labels, seconds, chosen) in found.items():
        right = labels == truth
        low, high = interval(right.astype(float))
        ours = interval(server.astype(float) - right) if name != SERVER else None
        accuracies[name] = float(accuracy_score(truth, labels))
        macro = f1_score(truth, labels, labels=classes, average="macro", zero_division=0.0)
        rows.append([name, f"{accuracies[name]:.4f}", f"{low:.3f}-{high:.3f}", f"{macro:.4f}",
                     f"{ours[0]:+.3f} to {ours[1]:+.3f}" if ours else "", "" if seconds is None else round(seconds),
                     chosen])  # fmt: skip
    scores = baseline["splits"]["test"]
    accuracies[BASELINE] = scores["accuracy"]
    rows.append([BASELINE, f"{scores['accuracy']:.4f}", "", f"{scores['macro_f1']:.4f}", "",
                 round(baseline["seconds"]), baseline["model"]])  # fmt: skip
    rows.sort(key=lambda row: -float(row[1]))
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
        settings={"train rows": train_rows, "test rows": len(truth), "labels": len(classes)},
        tables=[Table(("classifier", "accuracy", "95 %", "macro-F1", "server model is better by", "seconds", "chosen"),
                      rows)],
        goals=goals,
        details={"accuracy": {name: rounded(value) for name, value in accuracies.items()}},
    )  # fmt: skip


def main() -> int:
    """The command line."""
    parser = command.parser(__doc__)
    command.add_variant(parser)
    parser.add_argument("--methods", default=",".join(PEERS), help="which peers (default: %(default)s)")
    return command.main(measure, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
