"""What is measured on a task: its own run, and models that learn from the same rows of `train` in seconds or minutes.

Each answers `test` once; fastText chooses on `eval`, the others choose nothing.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modules.rows.columns import Columns
from modules.tensors import Reading

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import TargetEncoder
from sklearn.svm import LinearSVC

from benchmarks.harness import command
from benchmarks.harness.worker import ROOT

FASTTEXT, MAJORITY = "fastText, autotuned", "majority"
_SEED = 17


@dataclasses.dataclass(frozen=True)
class Rows:
    """The rows of a task, as `benchmarks.ours.task` writes them.

    Attributes:
        splits: by name `rows` (texts or records) and `labels`.
        text: field of a record that holds the text; empty where rows are texts.
        columns: types of a record's other fields.
    """

    splits: Mapping[str, Mapping[str, Sequence[Any]]]
    text: str
    columns: Mapping[str, str]

    def texts(self, split: str) -> list[str]:
        """Of a split; of records the field that holds the text."""
        rows = self.splits[split]["rows"]
        return [row[self.text] for row in rows] if self.text else list(rows)

    def labels(self, split: str) -> list[str]:
        """Of a split, names."""
        return list(self.splits[split]["labels"])

    def fields(self, split: str, how: Mapping[str, Reading]) -> dict[str, list[Any]]:
        """The fields of a split by name; of pictures the bytes."""
        rows = self.splits[split]["rows"]
        found = {name: [row[name] for row in rows] for name in how}
        pictures = [name for name, reading in how.items() if reading == "pixels"]
        return found | {name: [base64.b64decode(value or "") for value in found[name]] for name in pictures}

    def table(self, split: str) -> tuple[np.ndarray, list[int], list[int]]:
        """The other fields of a split: object `[rows, columns]`, and the places of numbers and of categories."""
        names = list(self.columns)
        numbers = [place for place, name in enumerate(names) if self.columns[name].endswith("number")]
        values = [[row[name] for name in names] for row in self.splits[split]["rows"]]
        table = np.array(values, object).reshape(len(values), len(names))
        for place in numbers:
            table[:, place] = [np.nan if value is None else float(value) for value in table[:, place]]
        return table, numbers, [place for place in range(len(names)) if place not in numbers]


def _majority(rows: Rows, folder: Path) -> list[str]:
    [(label, _)] = Counter(rows.labels("train")).most_common(1)
    return [label] * len(rows.labels("test"))


def _linear(classifier: Callable[[], Any], **ngrams: Any) -> Callable[[Rows, Path], list[str]]:
    def answers(rows: Rows, folder: Path) -> list[str]:
        model = make_pipeline(TfidfVectorizer(sublinear_tf=True, **ngrams), classifier())
        model.fit(rows.texts("train"), rows.labels("train"))
        return [str(label) for label in model.predict(rows.texts("test"))]

    return answers


def _of_table(classifier: Callable[[], Any], *, numbers: bool) -> Callable[[Rows, Path], list[str]]:
    """Categories by the rates of the labels among their rows, taken across folds, so that no row sees itself."""

    def answers(rows: Rows, folder: Path) -> list[str]:
        train, of_numbers, of_categories = rows.table("train")
        rates = TargetEncoder(random_state=_SEED)
        parts = [(rates, of_categories), *([("passthrough", of_numbers)] if numbers and of_numbers else [])]
        model = make_pipeline(make_column_transformer(*parts), classifier())
        model.fit(train, rows.labels("train"))
        return [str(label) for label in model.predict(rows.table("test")[0])]

    return answers


# How a field is read, by the kind of its column.
_READ: dict[str, Reading] = {
    "image": "pixels", "readings": "readings", "number": "scaled", "time": "time", "text": "one_hot",
}  # fmt: skip


def _of_sensors(classifier: Callable[[], Any], *, dense: bool = False) -> Callable[[Rows, Path], list[str]]:
    """All fields as the pipeline's own linear baseline reads them: pixels, and readings in deviations."""

    def answers(rows: Rows, folder: Path) -> list[str]:
        how = {name: _READ[kind.removeprefix("optional ").split()[0]] for name, kind in rows.columns.items()}
        fields = {split: rows.fields(split, how) for split in ("train", "test")}
        read = Columns(fields["train"], how)
        train, test = (read.transform(fields[split]) for split in ("train", "test"))
        if dense:
            train, test = train.toarray(), test.toarray()
        model = classifier().fit(train, rows.labels("train"))
        return [str(label) for label in model.predict(test)]

    return answers


def _fasttext(rows: Rows, folder: Path) -> list[str]:
    names = sorted(set(rows.labels("train")))
    ids = {label: number for number, label in enumerate(names)}
    for split in ("train", "eval", "test"):
        # A label that no row of train has cannot be answered; which id it has does not matter.
        content = {"texts": rows.texts(split), "labels": [ids.get(label, 0) for label in rows.labels(split)]}
        (folder / f"{split}.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    words = [str(command.peers()), "-m", "benchmarks.peers.quality", str(folder), "fasttext_autotuned"]
    done = subprocess.run(words, cwd=ROOT, env=command.environment(), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{FASTTEXT} ended with exit code {done.returncode}:\n{done.stderr[-3000:]}")
    return [names[number] for number in json.loads(done.stdout)["labels"]]


_WORDS: dict[str, Any] = {"ngram_range": (1, 2)}
_CHARACTERS: dict[str, Any] = {"analyzer": "char_wb", "ngram_range": (1, 5)}
OF_TEXTS: dict[str, Callable[[Rows, Path], list[str]]] = {
    MAJORITY: _majority,
    "TF-IDF of words, logistic regression": _linear(lambda: LogisticRegression(max_iter=1000), **_WORDS),
    "TF-IDF of words, LinearSVC": _linear(LinearSVC, **_WORDS),
    "TF-IDF of characters, LinearSVC": _linear(LinearSVC, **_CHARACTERS),
    FASTTEXT: _fasttext,
}
OF_TABLES: dict[str, Callable[[Rows, Path], list[str]]] = {
    "rates of categories, logistic regression": _of_table(LogisticRegression, numbers=False),
    "gradient boosting": _of_table(lambda: HistGradientBoostingClassifier(random_state=_SEED), numbers=True),
}


# Of rows without a text: of pictures and readings.
OF_SENSORS: dict[str, Callable[[Rows, Path], list[str]]] = {
    MAJORITY: _majority,
    "pixels and readings, LinearSVC": _of_sensors(LinearSVC),
    "pixels and readings, gradient boosting": _of_sensors(
        lambda: HistGradientBoostingClassifier(random_state=_SEED), dense=True
    ),
}


def others(rows: Rows) -> dict[str, Callable[[Rows, Path], list[str]]]:
    """All that can be compared with on these rows."""
    if rows.columns and not rows.text:
        return OF_SENSORS
    return OF_TEXTS | (OF_TABLES if rows.columns else {})


def measured(system: Callable[[Rows, Path], list[str]], rows: Rows, folder: Path) -> dict[str, Any]:
    """Trains a system and asks it.

    Args:
        system: of `others`.
        rows: of the task.
        folder: for its files.

    Returns:
        `answers`, a label name for each row of `test`, and `seconds`.
    """
    began = time.perf_counter()
    return {"answers": system(rows, folder), "seconds": time.perf_counter() - began}
