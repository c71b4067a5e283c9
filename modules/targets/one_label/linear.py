"""The model that the network has to beat: n-grams of words and of characters, and a linear classifier, scikit-learn's.

What a person with the same rows would have written in an afternoon. Characters are what languages need that put no
spaces between words, and what typing errors need everywhere. Which n-grams and which classifier are taken is decided on
`eval`, by macro-F1; no other split has a say. Where the target decides by a threshold, each gets its own, chosen on
`eval` as the network's is.

Time and memory are bounded, whatever the rows: candidates are compared on a part of the rows, the winner learns from as
many as the limits below allow, drawn by the seed. 100,000 texts of 60 characters in 150 classes are below all limits.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from modules.machine.progress import tell
from modules.quality.linear_baseline import LinearModel, compare
from modules.quality.predictions import Predictions
from modules.quality.scores import SHOWN, SHOWN_OF_RARE, score
from modules.rows import ngrams
from modules.rows.raw import RawSplit
from modules.targets.base import Target
from modules.targets.one_label import ranking
from modules.targets.one_label.target import PROBABILITIES, OneLabel

import numpy as np
from numpy.typing import NDArray
from scipy import special
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

TRAIN, EVAL = "train", "eval"
# Characters times classes, for a linear SVM is fitted for each class: of the winner's rows, and of those compared on.
_WORK = 1_500_000_000
_COMPARED_WORK = 50_000_000
_LOGISTIC = 30_000_000  # the same, above which logistic regression is left out: it takes ten times as long
_TOLERANCE = 1e-2  # liblinear's own is 1e-1; scikit-learn's 1e-4 gives the same answers later

_REGRESSION, _MACHINE, _BALANCED = "logistic regression", "linear SVM", "linear SVM with balanced labels"
# In the order in which equals are preferred.
_CANDIDATES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("words",), _REGRESSION),
    (("words",), _MACHINE),
    (("characters",), _MACHINE),
    (("words", "characters"), _MACHINE),
    (("words", "characters"), _BALANCED),
)


def baseline(splits: Mapping[str, RawSplit], target: Target, seed: int) -> LinearModel:
    """Trains on `train`, chooses on `eval`, and answers all splits but `train`.

    Args:
        splits: raw splits by name, `train` and `eval` among them.
        target: of the task.
        seed: of the solver, and of the choice of rows where there are more than the limits allow.

    Returns:
        The record, which also has `candidates`, each with its `model` and `macro_f1` on eval, and `of`, rows that there
        were to learn from; and the answers. Of a linear SVM the probabilities are the softmax of its margins: they
        order as the margins do, and are not calibrated.

    Raises:
        ValueError: a split has no rows, or one label alone, the texts hold no n-grams at all, or eval leaves no
            threshold to choose.
    """
    num_classes = len(target.names)
    started = time.monotonic()
    train = splits[TRAIN]
    if len(np.unique(train.labels)) == 1:
        raise ValueError(
            f"all {len(train.texts)} rows of the train split have the label {target.names[int(train.labels[0])]!r}: "
            "there is nothing to learn. Add rows of other labels, or give train a larger share in data.splits."
        )
    limit = min(ngrams.LEARNT, _WORK // num_classes)
    fewer = min(limit, ngrams.COMPARED, _COMPARED_WORK // num_classes)
    few, many = (ngrams.part(train, most, seed) for most in (fewer, limit))
    features, learnt = ngrams.features([*ngrams.FEATURES, ngrams.COLUMNS], few)
    on_eval = ngrams.part(splits[EVAL], ngrams.COMPARED, seed)
    judged = {kind: make(on_eval) for kind, make in features.items()}
    work = sum(min(len(text), ngrams.LONGEST) for text in few.texts) * num_classes
    candidates = [
        (kinds, name)
        for kinds, name in _CANDIDATES
        if features.keys() >= set(kinds) and (name != _REGRESSION or work <= _LOGISTIC)
    ] or [((ngrams.COLUMNS,), name) for name in (_REGRESSION, _MACHINE, _BALANCED)]

    def fit(candidate: tuple[tuple[str, ...], str]) -> tuple[float, Any]:
        kinds, name = candidate
        classifier = _classifier(name, seed).fit(ngrams.beside(learnt, kinds), few.labels)
        probabilities = _probabilities(classifier, ngrams.beside(judged, kinds), num_classes)
        chosen = target.settled(on_eval.labels, probabilities).decided(probabilities)
        return score(on_eval.labels, chosen, {}, num_classes)["macro_f1"], classifier

    compared = compare(
        candidates,
        fit,
        lambda best: [(more, best[1]) for more in ngrams.with_columns(best[0], features)],
        lambda candidate: _told(*candidate),
    )
    (kinds, name), classifier = compared.best, compared.model
    if len(many.texts) > len(few.texts):
        tell(f"linear baseline: {_told(kinds, name)}, {len(many.texts)} rows")
        features, learnt = ngrams.features(kinds, many)
        classifier = _classifier(name, seed).fit(ngrams.beside(learnt, kinds), many.labels)
    used = {kind: features[kind] for kind in kinds}
    answered = {
        split: ngrams.answered(rows, used, lambda matrix: _probabilities(classifier, matrix, num_classes))
        for split, rows in splits.items()
        if split != TRAIN
    }
    target = target.settled(splits[EVAL].labels, answered[EVAL])
    answers = {
        split: Predictions.to_split(
            splits[split], predicted=target.decided(probabilities), more={PROBABILITIES: probabilities}
        )
        for split, probabilities in answered.items()
    }
    record = {
        "model": f"{_told(kinds, name)}, scikit-learn",
        "candidates": [
            {"model": _told(*candidate).removeprefix(ngrams.TFIDF), "macro_f1": value}
            for candidate, value in compared.scores
        ],
        "rows": len(many.texts),
        "of": len(train.texts),
        "decision": target.device_decision,
        "seconds": round(time.monotonic() - started, 2),
        "splits": {split: _scored(target, rows) for split, rows in answers.items()},
    }
    return LinearModel(record, answers)


def _scored(target: Target, rows: Predictions) -> dict[str, Any]:
    """As a network is scored; where one label of two is looked for, with what its probabilities rank."""
    rare = isinstance(target, OneLabel) and target.positive is not None
    shown = SHOWN_OF_RARE if rare else SHOWN
    found = score(rows.label, rows.predicted, rows.slices, len(target.names), shown)
    if isinstance(target, OneLabel) and rare:
        ranked = ranking.scored(target, rows.label, rows.more[PROBABILITIES], rows.slices)
        for name, values in ranked.pop("slices").items():
            found["slices"][name] |= values
        found |= ranked
    return found


def _told(kinds: Sequence[str], classifier: str) -> str:
    return f"{ngrams.told(kinds)}, {classifier}"


def _classifier(name: str, seed: int) -> Any:
    if name == _REGRESSION:
        return LogisticRegression(C=4.0, max_iter=1000, random_state=seed)
    weights = "balanced" if name == _BALANCED else None
    return LinearSVC(class_weight=weights, tol=_TOLERANCE, random_state=seed)


def _scores(classifier: Any, matrix: Any) -> NDArray[np.float64]:
    """Logarithms of probabilities, or margins, `[rows, classes of the classifier]`."""
    if isinstance(classifier, LogisticRegression):
        return np.asarray(classifier.predict_log_proba(matrix), np.float64)
    margins = np.asarray(classifier.decision_function(matrix), np.float64)
    return margins if margins.ndim == 2 else np.stack([-margins, margins], axis=1)


def shares(margins: NDArray[np.float64]) -> NDArray[np.float32]:
    """Margins, or logarithms of probabilities, as shares of 1 that order as they do.

    Args:
        margins: `[rows, labels]`.
    """
    found: NDArray[np.float32] = special.softmax(margins, axis=1).astype(np.float32)
    return found


def _probabilities(classifier: Any, matrix: Any, num_classes: int) -> NDArray[np.float32]:
    """Of every class, `[rows, num_classes]`; 0 for a class without a row in train."""
    found = _scores(classifier, matrix)
    probabilities = np.zeros((found.shape[0], num_classes), np.float32)
    probabilities[:, classifier.classes_] = shares(found)
    return probabilities
