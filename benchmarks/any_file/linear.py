"""The linear models that a file is worth: the pipeline's own baseline, and what a person would type first.

Both learn from the `train` part of the file and choose on its `eval` part, as the pipeline does; no other rows.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from modules.rows.raw import RawSplit
from modules.targets.one_label.linear import EVAL, TRAIN, baseline
from modules.targets.one_label.target import OneLabel

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from benchmarks.ours.plain import split_of

SHARES = {TRAIN: 8, EVAL: 1, "test": 1}  # a draft's own
_HELD_OUT = "held out"
_SEED = 17


def splits(file: Path, labels: Sequence[str]) -> dict[str, RawSplit]:
    """The rows of a set's file, split by the text as the pipeline does.

    Args:
        file: CSV with `text` and `label`.
        labels: names, in the order of their ids.
    """
    ids = {label: number for number, label in enumerate(labels)}
    found: dict[str, list[tuple[str, int]]] = {name: [] for name in SHARES}
    with file.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            found[split_of(row["text"], SHARES)].append((row["text"], ids[row["label"]]))
    return {
        name: RawSplit([text for text, _ in rows], np.array([label for _, label in rows], np.int64), {})
        for name, rows in found.items()
    }


def own_baseline(file: Path, labels: Sequence[str], texts: Sequence[str]) -> tuple[list[str], str]:
    """What LinearBaseline of the pipeline answers to texts.

    Args:
        file: of the set.
        labels: names, in the order of their ids.
        texts: that are asked.

    Returns:
        A label name for each text, and what the model is.
    """
    rows = splits(file, labels)
    asked = RawSplit(list(texts), np.zeros(len(texts), np.int64), {})
    made = baseline({TRAIN: rows[TRAIN], EVAL: rows[EVAL], _HELD_OUT: asked}, OneLabel(labels=list(labels)), _SEED)
    return [labels[number] for number in made.predictions[_HELD_OUT].predicted], made.record["model"]


def character_machine(file: Path, labels: Sequence[str], texts: Sequence[str]) -> tuple[list[str], str]:
    """TF-IDF of character n-grams and a linear SVM, both as scikit-learn has them; arguments as of `own_baseline`."""
    train = splits(file, labels)[TRAIN]
    model = make_pipeline(TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 5), sublinear_tf=True), LinearSVC())
    model.fit(train.texts, train.labels)
    return [labels[number] for number in model.predict(list(texts))], "characters within words (1-5-grams), C 1"
