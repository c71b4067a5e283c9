"""The linear model that a network of numbers has to beat: n-grams of words and of characters, and ridge regression.

Where rows have columns of numbers and categories beside the text, it reads these, too. Which features are taken, and
how much the weights are held back, is decided on `eval` by the mean squared error; no other split has a say. Time and
memory are bounded as those of labels are, see `modules.rows.ngrams`.
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
from modules.targets.number.metrics import scores
from modules.targets.number.target import Number

from sklearn.linear_model import Ridge

TRAIN, EVAL = "train", "eval"
# In the order in which equals are preferred: n-grams, and the penalty of their weights.
_CANDIDATES: tuple[tuple[tuple[str, ...], float], ...] = (
    (("words",), 1.0),
    (("characters",), 1.0),
    (("words", "characters"), 1.0),
    (("words", "characters"), 0.3),
    (("words", "characters"), 5.0),
)


def baseline(splits: Mapping[str, RawSplit], target: Target, seed: int) -> LinearModel:
    """Trains on `train`, chooses on `eval`, and answers all splits but `train`.

    Args:
        splits: raw splits by name, `train` and `eval` among them.
        target: of the task, of kind `number`.
        seed: of the choice of rows where there are more than the limits allow.

    Returns:
        The record, which also has `candidates`, each with its `model` and `rmse` on eval, and `of`, rows that there
        were to learn from; and the answers, within the bounds of the target.

    Raises:
        ValueError: a split has no rows, or the texts hold no n-grams at all.
    """
    if not isinstance(target, Number):
        raise ValueError(f"a target of kind {target.kind} is no number")
    started, train = time.monotonic(), splits[TRAIN]
    few, many = (ngrams.part(train, most, seed) for most in (ngrams.COMPARED, ngrams.LEARNT))
    features, learnt = ngrams.features([*ngrams.FEATURES, ngrams.COLUMNS], few)
    on_eval = ngrams.part(splits[EVAL], ngrams.COMPARED, seed)
    judged = {kind: make(on_eval) for kind, make in features.items()}
    candidates = [(kinds, penalty) for kinds, penalty in _CANDIDATES if features.keys() >= set(kinds)] or [
        ((ngrams.COLUMNS,), penalty) for penalty in dict.fromkeys(penalty for _, penalty in _CANDIDATES)
    ]

    def fit(candidate: tuple[tuple[str, ...], float]) -> tuple[float, Ridge]:
        kinds, penalty = candidate
        model = Ridge(alpha=penalty).fit(ngrams.beside(learnt, kinds), few.labels)
        answered = target.clipped(model.predict(ngrams.beside(judged, kinds)))
        return scores(on_eval.labels, answered)["rmse"], model

    compared = compare(
        candidates,
        fit,
        lambda best: [(more, best[1]) for more in ngrams.with_columns(best[0], features)],
        lambda candidate: _told(*candidate),
        lower_is_better=True,
    )
    (kinds, penalty), model = compared.best, compared.model
    if len(many.texts) > len(few.texts):
        tell(f"linear baseline: {_told(kinds, penalty)}, {len(many.texts)} rows")
        features, learnt = ngrams.features(kinds, many)
        model = Ridge(alpha=penalty).fit(ngrams.beside(learnt, kinds), many.labels)
    chosen = {kind: features[kind] for kind in kinds}
    answers = {name: _answers(rows, model, chosen, target) for name, rows in splits.items() if name != TRAIN}
    record = {
        "model": f"{_told(kinds, penalty)}, scikit-learn",
        "candidates": [
            {"model": _told(*candidate).removeprefix(ngrams.TFIDF), "rmse": value}
            for candidate, value in compared.scores
        ],
        "rows": len(many.texts),
        "of": len(train.texts),
        "seconds": round(time.monotonic() - started, 2),
        "splits": {name: scored(scores, rows.label, rows.predicted, rows.slices) for name, rows in answers.items()},
    }
    return LinearModel(record, answers)


def _told(kinds: Sequence[str], penalty: float) -> str:
    return f"{ngrams.told(kinds)}, ridge regression (penalty {penalty:g})"


def _answers(split: RawSplit, model: Ridge, features: Mapping[str, Any], target: Number) -> Predictions:
    predicted = ngrams.answered(split, features, lambda matrix: target.clipped(model.predict(matrix)))
    return Predictions.to_split(split, predicted=predicted, more={})
