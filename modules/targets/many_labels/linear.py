"""The linear model that a network of several labels has to beat: n-grams, and a linear SVM for each label.

Which n-grams are taken is decided on `eval` by macro-F1, with thresholds chosen as the network's are; no other split
has a say. Time and memory are bounded as those of one label are, see `modules.rows.ngrams`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from modules.machine.progress import tell
from modules.quality.linear_baseline import LinearModel, compare
from modules.quality.predictions import Predictions
from modules.quality.scoring import scored
from modules.rows import ngrams
from modules.rows.raw import RawSplit
from modules.targets.base import Target
from modules.targets.many_labels.metrics import scores
from modules.targets.many_labels.target import PROBABILITIES, ManyLabels

import numpy as np
from numpy.typing import NDArray
from scipy import special
from sklearn.svm import LinearSVC

TRAIN, EVAL = "train", "eval"
# Characters times labels, for a linear SVM is fitted for each label: of the winner's rows, and of those compared on.
_WORK = 1_500_000_000
_COMPARED_WORK = 50_000_000
_TOLERANCE = 1e-2
_CERTAIN = 10.0  # margin of a label that all rows of train have, or none
_CANDIDATES: tuple[tuple[str, ...], ...] = (("words",), ("characters",), ("words", "characters"))
Machines = list[LinearSVC | float]


def baseline(splits: Mapping[str, RawSplit], target: Target, seed: int) -> LinearModel:
    """Trains on `train`, chooses on `eval`, and answers all splits but `train`.

    Args:
        splits: raw splits by name, `train` and `eval` among them.
        target: of the task, of kind `many_labels`.
        seed: of the solver, and of the choice of rows where there are more than the limits allow.

    Returns:
        The record, which also has `candidates`, each with its `model` and `macro_f1` on eval, and `of`, rows that there
        were to learn from; and the answers. Their probabilities are the sigmoid of the margins, and not calibrated.

    Raises:
        ValueError: a split has no rows, or the texts hold no n-grams at all.
    """
    if not isinstance(target, ManyLabels):
        raise ValueError(f"a target of kind {target.kind} has no several labels")
    started, train = time.monotonic(), splits[TRAIN]
    limit = min(ngrams.LEARNT, _WORK // len(target.labels))
    fewer = min(limit, ngrams.COMPARED, _COMPARED_WORK // len(target.labels))
    few, many = (ngrams.part(train, most, seed) for most in (fewer, limit))
    features, learnt = ngrams.features([*ngrams.FEATURES, ngrams.COLUMNS], few)
    on_eval = ngrams.part(splits[EVAL], ngrams.COMPARED, seed)
    judged = {kind: make(on_eval) for kind, make in features.items()}
    candidates = [kinds for kinds in _CANDIDATES if features.keys() >= set(kinds)] or [(ngrams.COLUMNS,)]

    def fit(kinds: tuple[str, ...]) -> tuple[float, tuple[Machines, ManyLabels]]:
        machines = _machines(ngrams.beside(learnt, kinds), few.labels, seed)
        probabilities = _probabilities(machines, ngrams.beside(judged, kinds))
        settled = target.undecided().settled(on_eval.labels, probabilities)
        value = scores(on_eval.labels, settled.decided(probabilities))["macro_f1"]
        return value, (machines, settled)

    compared = compare(candidates, fit, lambda best: ngrams.with_columns(best, features), _told)
    kinds, (machines, settled) = compared.best, compared.model
    if len(many.texts) > len(few.texts):
        tell(f"linear baseline: {_told(kinds)}, {len(many.texts)} rows")
        features, learnt = ngrams.features(kinds, many)
        machines = _machines(ngrams.beside(learnt, kinds), many.labels, seed)
        probabilities = _probabilities(
            machines, ngrams.beside({kind: features[kind](on_eval) for kind in kinds}, kinds)
        )
        settled = target.undecided().settled(on_eval.labels, probabilities)
    chosen = {kind: features[kind] for kind in kinds}
    answers = {name: _answers(rows, machines, chosen, settled) for name, rows in splits.items() if name != TRAIN}
    record = {
        "model": f"{_told(kinds)}, scikit-learn",
        "candidates": [
            {"model": _told(candidate).removeprefix(ngrams.TFIDF), "macro_f1": value}
            for candidate, value in compared.scores
        ],
        "rows": len(many.texts),
        "of": len(train.texts),
        "seconds": round(time.monotonic() - started, 2),
        "splits": {name: scored(scores, rows.label, rows.predicted, rows.slices) for name, rows in answers.items()},
    }
    return LinearModel(record, answers)


def _told(kinds: Sequence[str]) -> str:
    return f"{ngrams.told(kinds)}, a linear SVM for each label"


def _machines(matrix: Any, labels: np.ndarray, seed: int) -> Machines:
    """One for each label; of a label that all rows have, or none, the margin that says so."""
    made: Machines = []
    for right in labels.T:
        if right.min() == right.max():
            made.append(_CERTAIN if right.max() else -_CERTAIN)
        else:
            made.append(LinearSVC(tol=_TOLERANCE, random_state=seed).fit(matrix, right))
    return made


def _probabilities(machines: Machines, matrix: Any) -> NDArray[np.float32]:
    """Sigmoids of the margins, `[rows, labels]`."""
    margins = [
        np.full(matrix.shape[0], machine) if isinstance(machine, float) else machine.decision_function(matrix)
        for machine in machines
    ]
    return special.expit(np.stack(margins, axis=1)).astype(np.float32)


def _answers(split: RawSplit, machines: Machines, features: Mapping[str, Any], settled: ManyLabels) -> Predictions:
    probabilities = ngrams.answered(split, features, lambda matrix: _probabilities(machines, matrix))
    return Predictions.to_split(split, predicted=settled.decided(probabilities), more={PROBABILITIES: probabilities})
