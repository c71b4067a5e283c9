"""Several labels in a cell: what stands between them, and what a quick linear model makes of them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from modules.targets.cell import JSON, Cell
from modules.targets.many_labels.target import ManyLabels

from pipeline.profiling import linear
from pipeline.profiling.texts import Sample

_SEPARATORS = ("|", ";", ",")
_SEVERAL = 0.05  # of the cells that have a value: so many hold more than one label at least
_MOST_WORDS = 5  # of a label
_REPEATED = 3  # rows of a label: one for each split
_ROWS = 2_500  # that are looked at
_FOLDS = 3
_CHARACTERS = 600  # of a text
_FEATURES = 60_000
_MANY_LABELS = 300  # a linear model for each would take minutes
_RESAMPLES = 400
_LOW = 0.025  # quantile: chance alone takes the same model below it in one case of forty


def separator_of(values: Sequence[str], most: int) -> str:
    """What stands between labels in the cells of a column.

    Args:
        values: some of its cells.
        most: labels that a task can have.

    Returns:
        A separator, `json` for JSON lists, or an empty text where a cell holds one label.
    """
    there = [value for value in values if value.strip()]
    if not there:
        return ""
    lists = Cell(separator=JSON)
    if all(lists.parts(value) is not None for value in there):
        return JSON
    return next((found for found in _SEPARATORS if _separates(found, there, most)), "")


def _separates(separator: str, cells: Sequence[str], most: int) -> bool:
    """Whether cells fall into labels that repeat in other company: else it is a character of a name."""
    of_cell = Cell(separator=separator)
    split = [of_cell.parts(cell) or [] for cell in cells]
    counts = Counter(part for parts in split for part in parts)
    company: dict[str, set[tuple[str, ...]]] = {}
    for parts in split:
        for part in parts:
            company.setdefault(part, set()).add(tuple(sorted(parts)))
    common = [part for part, count in counts.items() if count >= _REPEATED]
    return (
        sum(len(parts) > 1 for parts in split) >= _SEVERAL * len(split)
        and 2 <= len(common) <= most
        and sum(counts[part] for part in common) >= 0.8 * sum(counts.values())
        and max(len(part.split()) for part in common) <= _MOST_WORDS
        and sum(len(company[part]) > 1 for part in common) > len(common) / 2
    )


class Rows:
    """A sample of texts and cells in which every row had the same chance, and the rows of each label."""

    def __init__(self, separator: str) -> None:
        """Args: `separator`, as `separator_of` found it."""
        self._cell = Cell(separator=separator, may_be_empty=True)
        self._sample: Sample[tuple[str, frozenset[str]]] = Sample(_ROWS, seed=1)
        self._counts: Counter[str] = Counter()
        self.labelled = self.empty = 0

    @property
    def kept(self) -> list[tuple[str, frozenset[str]]]:
        """Beginnings of texts, and the labels of each."""
        return self._sample.kept

    def add(self, text: str, label: str) -> None:
        """Takes a row."""
        names = self._cell.parts(label)
        if names is None or not text or text.isspace():
            return
        self._counts.update(set(names))
        self.labelled += bool(names)
        self.empty += not names
        if names:
            self._sample.add((text[:_CHARACTERS], frozenset(names)))

    def labels(self) -> tuple[dict[str, int], dict[str, int]]:
        """Rows by label in alphabetical order, and those of names that are too rare for one."""
        named = {name: count for name, count in sorted(self._counts.items()) if count >= _REPEATED}
        return named, {name: count for name, count in self._counts.most_common() if name not in named}


def notes(rows: Rows) -> list[str]:
    """What a person should know of the cells, in sentences.

    Args:
        rows: all of them.
    """
    if not rows.empty:
        return []
    return [
        f"{rows.empty:,} rows have no label and will be put aside; target.none_allowed: true takes them as rows "
        "without any of the labels"
    ]


def cross_validated(
    rows: Sequence[tuple[str, frozenset[str]]], labels: Sequence[str], *, eval_rows: int
) -> dict[str, Any] | None:
    """Trains on two thirds and predicts the rest, three times, so that every row is predicted once.

    Args:
        rows: texts, and the labels of each.
        labels: those that count.
        eval_rows: rows of the split that a floor will be compared on; the fewer, the more chance decides.

    Returns:
        `{"rows", "model", "scores": {metric: {"value", "low"}}}`, as of one label. None where there are too few rows to
        say anything, or so many labels that it would take minutes.
    """
    import numpy as np

    unique = list(dict(rows).items())  # a text that stands twice would be known when it is asked for
    if len(unique) < 10 * _FOLDS or len(labels) > _MANY_LABELS:
        return None
    random.Random(2).shuffle(unique)
    truth = np.array([[label in names for label in labels] for _, names in unique])
    predicted = _predicted([text for text, _ in unique], truth)
    drawn = np.random.default_rng(3).integers(0, len(unique), (_RESAMPLES, max(eval_rows, 1)))
    lows = [_scores(truth[some], predicted[some]) for some in drawn]
    scores = {
        name: {"value": round(value, 4), "low": round(float(np.quantile([low[name] for low in lows], _LOW)), 4)}
        for name, value in _scores(truth, predicted).items()
    }
    return {"rows": len(unique), "model": "TF-IDF of words + a linear SVM for each label", "scores": scores}


def _predicted(texts: Sequence[str], truth: Any) -> Any:
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    predicted = np.zeros_like(truth)
    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", sublinear_tf=True, max_features=_FEATURES)
    try:
        features = words.fit_transform(texts)
    except ValueError:  # no word at all
        return predicted
    for train, held_out in linear.folds(len(texts)):
        for label, right in enumerate(truth[train].T):
            if right.all() or not right.any():
                predicted[held_out, label] = right.all()
                continue
            model = LinearSVC(C=0.5, tol=1e-2, random_state=4).fit(features[train], right)
            predicted[held_out, label] = model.predict(features[held_out])
    return predicted


def _scores(truth: Any, predicted: Any) -> dict[str, float]:
    from modules.targets.many_labels.metrics import scores

    found = scores(truth, predicted)
    return {name: found[name] for name in ManyLabels.watched}
