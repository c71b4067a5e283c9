"""What is measured on a set: linear models, SetFit, and Edgeline's drafted profiles, each from nothing but the file."""

from __future__ import annotations

import dataclasses
import functools
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.any_file import linear
from benchmarks.any_file.records import digest_of
from benchmarks.any_file.sets import Drawn
from benchmarks.harness import command, sources
from benchmarks.harness.worker import ROOT
from pipeline.graph import code_digest

PROFILES = ("quick", "full")
BASELINE, MACHINE, FASTTEXT, SETFIT = "baseline", "svm", "fasttext", "setfit"
NAMES = {
    BASELINE: "our linear baseline",
    MACHINE: "LinearSVC, character n-grams",
    FASTTEXT: "fastText, autotuned",
    SETFIT: "SetFit",
    **{profile: profile for profile in PROFILES},
}
LINEAR = (BASELINE, MACHINE, FASTTEXT)
_PEER_METHODS = {FASTTEXT: "fasttext_autotuned", SETFIT: "setfit"}
_LOCAL = {BASELINE: linear.own_baseline, MACHINE: linear.character_machine}
_SAID = 3_000  # characters of what a failed command said last


@dataclasses.dataclass(frozen=True)
class Case:
    """A set at one seed.

    Attributes:
        name: of the set.
        seed: of the file.
        drawn: file and held-out rows.
        folder: for what comes of it.
    """

    name: str
    seed: int
    drawn: Drawn
    folder: Path

    @property
    def labels(self) -> list[str]:
        """All names, sorted: of the file and of the held-out rows."""
        return sorted({label for _, label in self.drawn.held_out} | set(self.drawn.labels))

    @property
    def texts(self) -> list[str]:
        """That are held out."""
        return [text for text, _ in self.drawn.held_out]

    @functools.cached_property
    def config(self) -> Path:
        """The configuration that `data profile` drafts from the file.

        Raises:
            MeasureError: it drafts none.
        """
        folder = self.folder / "draft"
        shutil.rmtree(folder, ignore_errors=True)
        _runner("data", "profile", str(self.drawn.file), "--output", str(folder), "--name", self.name)
        return folder / f"{self.name}.yaml"


class MeasureError(RuntimeError):
    """A system could not be measured; the text is what it said last."""


def prepare(case: Case, system: str) -> tuple[str, Callable[[], dict[str, Any]]]:
    """What a measurement depends on, and the measurement.

    Args:
        case: the set at a seed.
        system: a name of `NAMES`.

    Returns:
        A digest of all that decides the answers; and what measures, and returns JSON values: `answers` (label names of
        the held-out texts), `seconds`, and what else there is to tell.

    Raises:
        MeasureError: no configuration could be drafted.
        NotReadyError: the peers are not installed.
    """
    rows: list[str | Path] = [case.drawn.file, json.dumps(case.drawn.held_out, ensure_ascii=False)]
    if system in PROFILES:
        draft = case.config.read_text(encoding="utf-8")
        return digest_of([*rows, draft, system, own_code()]), lambda: _run(case, system)
    code: list[str | Path] = [Path("benchmarks/any_file/linear.py"), Path("benchmarks/ours/plain.py")]
    if system in _LOCAL:
        own = _code_of("modules.targets.one_label.linear")
        return digest_of([*rows, *code, own, system]), lambda: _local(case, system)
    command.peers()
    code += [Path("benchmarks/peers/quality.py"), Path("benchmarks/peers/requirements.txt")]
    return digest_of([*rows, *code, system]), lambda: _peer(case, system)


def _local(case: Case, system: str) -> dict[str, Any]:
    began = time.perf_counter()
    answers, what = _LOCAL[system](case.drawn.file, case.labels, case.texts)
    return {"answers": answers, "seconds": time.perf_counter() - began, "chosen": what}


def _peer(case: Case, system: str) -> dict[str, Any]:
    folder, labels = case.folder / "peers", case.labels
    folder.mkdir(parents=True, exist_ok=True)
    parts = {
        name: (split.texts, split.labels.tolist()) for name, split in linear.splits(case.drawn.file, labels).items()
    }
    parts["test"] = (case.texts, [labels.index(label) for _, label in case.drawn.held_out])
    for name, (texts, ids) in parts.items():
        content = json.dumps({"texts": texts, "labels": ids}, ensure_ascii=False)
        (folder / f"{name}.json").write_text(content, encoding="utf-8")
    words = [str(command.peers()), "-m", "benchmarks.peers.quality", str(folder), _PEER_METHODS[system]]
    record = json.loads(_said(words))
    chosen = ", ".join(f"{name} {value:.4g}" for name, value in record["chosen"].items())
    return {
        "answers": [labels[number] for number in record["labels"]], "seconds": record["seconds"], "chosen": chosen
    }  # fmt: skip


def _run(case: Case, profile: str) -> dict[str, Any]:
    """Runs the pipeline as one would type it, and asks what came of it."""
    root = case.folder / profile  # what a killed run left there is gone on with
    task = ["--config", str(case.config), "--profile", profile, "--root", str(root)]
    _runner("run", *task)
    texts, out = case.folder / "held-out.json", case.folder / "answers.json"
    texts.write_text(json.dumps(case.texts, ensure_ascii=False), encoding="utf-8")
    _said([sys.executable, "-m", "benchmarks.ours.drafted", *task, "--texts", str(texts), "--out", str(out)])
    found = json.loads(out.read_text(encoding="utf-8"))
    return {"answers": found.pop("server"), **found}


def _runner(*words: str) -> str:
    return _said([sys.executable, "local_runner.py", *words])


def _said(words: Sequence[str]) -> str:
    """Standard output of a command of this project.

    Raises:
        MeasureError: it failed.
    """
    done = subprocess.run(words, cwd=ROOT, env=command.environment(), capture_output=True, text=True)
    if done.returncode:
        said = f"{done.stdout}\n{done.stderr}".strip()[-_SAID:]
        raise MeasureError(f"`{' '.join(words[1:4])} …` ended with exit code {done.returncode}:\n{said}")
    return done.stdout


@functools.cache
def _code_of(*modules: str) -> str:
    """Digest of modules of the project and of all that they import."""
    return code_digest.digest(*modules)


def own_code() -> str:
    """Digest of all that the nodes of a run execute."""
    return _code_of(*sources.of_nodes())
