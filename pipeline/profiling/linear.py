"""What a quick linear model makes of the rows, cross-validated: what the floors of a draft are derived from."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modules.targets.one_label.target import AUTO, Decision, OneLabel

from pipeline.profiling.texts import Sample

_ROWS = 2_500  # that are looked at
_FOLDS = 3
_CHARACTERS = 600  # of a text
_FEATURES = 60_000
_LEARNED = 0.15  # share of the way from chance to no error, below which nothing was learned
_MANY_LABELS = 150
_MANY_TEXTS = 500
_RESAMPLES = 400
_Z = 1.96
_LOW = 0.025  # quantile: chance alone takes the same model below it in one case of forty
METRICS = (*reversed(OneLabel.watched), "recall")


def notes(result: Mapping[str, Any] | None, labels: Mapping[str, int]) -> list[str]:
    """What a person should know of the result, in sentences.

    Args:
        result: what `cross_validated` gave.
        labels: rows by label.
    """
    largest = max(labels.values(), default=0) / max(sum(labels.values()), 1)
    if result is None:
        return []
    accuracy, recall = (result["scores"][name]["value"] for name in ("accuracy", "recall"))
    # Of uneven labels the accuracy says little, of many rows chance does.
    by_chance = 1 / len(labels)
    if _wilson(accuracy, result["rows"]) > largest or recall > by_chance + _LEARNED * (1 - by_chance):
        return []
    return [
        "a linear model learns next to nothing from these texts: accuracy "
        f"{accuracy:.3f}, where the most frequent label alone gives {largest:.3f}; are "
        "these the right columns (`--text`, `--label`)?"
    ]


class Rows:
    """A sample of texts and labels in which every row had the same chance, taken one after another."""

    def __init__(self, labels: Sequence[str]) -> None:
        """Args: `labels`, the names that count; rows of other ones are passed over."""
        self._ids = {label: number for number, label in enumerate(labels)}
        self._sample: Sample[tuple[str, int]] = Sample(_ROWS, seed=1)

    @property
    def kept(self) -> list[tuple[str, int]]:
        """Beginnings of texts, and label ids."""
        return self._sample.kept

    def add(self, text: str, label: str) -> None:
        """Takes a row."""
        if label in self._ids and text and not text.isspace():
            self._sample.add((text[:_CHARACTERS], self._ids[label]))


def cross_validated(
    rows: Sequence[tuple[str, int]], names: Sequence[str], *, eval_rows: int, looked_for: str | None = None
) -> dict[str, Any] | None:
    """Trains on two thirds and predicts the rest, three times, so that every row is predicted once.

    Args:
        rows: texts and label ids.
        names: of the labels, in the order of their ids.
        eval_rows: rows of the split that a floor will be compared on; the fewer, the more chance decides.
        looked_for: the rare one of two labels. It is then answered from the threshold on that makes macro-F1 largest,
            as the task will decide, and `balanced_accuracy` and `pr_auc` are measured, too.

    Returns:
        `{"rows", "model", "scores": {metric: {"value", "low"}}}`; `low` is what the same model would reach on
        `eval_rows` rows but in one case of forty. None where there are too few different rows to say anything.
    """
    from modules.quality.scores import confusion
    from modules.targets.one_label.linear import shares

    import numpy as np

    num_labels = len(names)

    unique = list(dict(rows).items())  # a text that stands twice would be known when it is asked for
    if min(len(unique), len(rows) // 10) < _FOLDS or len({label for _, label in unique}) < 2:
        return None  # few rows, or texts that differ behind their beginnings
    random.Random(2).shuffle(unique)
    texts = [text for text, _ in unique]
    labels = np.array([label for _, label in unique])
    margins = _margins(texts, labels, num_labels)
    if margins is None:
        return None
    target = OneLabel(
        labels=list(names), positive=looked_for, decision=Decision(threshold=AUTO if looked_for else None)
    )
    probabilities = shares(margins)
    predicted = target.settled(labels, probabilities).decided(probabilities)
    table = confusion(labels, predicted, num_labels)
    of = max(eval_rows, 1)
    drawn = np.random.default_rng(3).multinomial(of, table.ravel() / table.sum(), size=_resamples(num_labels))
    lows, values = _scores(drawn.reshape(-1, num_labels, num_labels)), _scores(table[np.newaxis])
    scores = {}
    for name in (*METRICS, "balanced_accuracy") if looked_for else METRICS:
        value, low = float(values[name][0]), float(np.quantile(lows[name], _LOW))
        # Rows drawn from those without an error have none either; Wilson's interval knows better.
        scores[name] = {"value": round(value, 4), "low": round(min(low, _wilson(value, of)), 4)}
    if looked_for:
        scores["pr_auc"] = _area(target, labels == names.index(looked_for), probabilities, of)
    return {"rows": len(unique), "model": "TF-IDF of words and characters + linear SVM", "scores": scores}


def _area(target: OneLabel, rare: Any, probabilities: Any, eval_rows: int) -> dict[str, float]:
    """How well the margins rank the rows of the label that is looked for."""
    from modules.targets.one_label.ranking import Ranking

    import numpy as np

    ranking = Ranking(rare, probabilities[:, target.positive_id])
    drawn = ranking.samples(target.min_precision, 3, of=eval_rows)["pr_auc"]
    area = ranking.values(target.min_precision)["pr_auc"]
    # A draw without a row of the label says nothing of it.
    low = float(np.quantile(drawn[np.isfinite(drawn)], _LOW))
    rows = max(1, round(eval_rows * float(rare.mean())))
    return {"value": round(area, 4), "low": round(min(low, _wilson(area, rows)), 4)}


def _wilson(share: float, rows: int) -> float:
    """Lower end of Wilson's interval of a share, at 95 %."""
    centre = share + _Z**2 / (2 * rows)
    return (centre - _Z * math.sqrt(share * (1 - share) / rows + (_Z / (2 * rows)) ** 2)) / (1 + _Z**2 / rows)


def features(texts: Sequence[str], *, characters: bool = True) -> Any:
    """TF-IDF of words and characters, float32 `[rows, n-grams]`, sparse; None where the texts hold nothing.

    Args:
        texts: the rows.
        characters: whether n-grams of characters are among them.
    """
    import numpy as np
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer

    # Words carry most of what languages with spaces say, characters all of what the others do. Weighed over all rows,
    # once: that knows no label.
    options: dict[str, Any] = {"sublinear_tf": True, "max_features": _FEATURES, "dtype": np.float32}
    options["min_df"] = 2 if len(texts) >= _MANY_TEXTS else 1
    kinds = (
        TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", **options),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), **options),
    )
    found = []
    for kind in kinds if characters else kinds[:1]:
        try:
            found.append(kind.fit_transform(texts))
        except ValueError:  # no word stands in two texts, or there is none at all, as in a script without spaces
            continue
    return hstack(found, format="csr") if found else None


def folds(rows: int) -> Iterator[tuple[Any, Any]]:
    """Numbers of the rows that are learned from, and of those that are asked about: each row is asked about once.

    Args:
        rows: how many there are.
    """
    import numpy as np

    of_row = np.arange(rows) % _FOLDS
    for fold in range(_FOLDS):
        yield np.flatnonzero(of_row != fold), np.flatnonzero(of_row == fold)


def _margins(texts: Sequence[str], labels: Any, num_labels: int) -> Any:
    """How far each row lies on each label's side, float64 `[rows, labels]`; None where the texts hold nothing."""
    import numpy as np
    from sklearn.svm import LinearSVC

    # One model a label: of many labels characters would take minutes.
    weighed = features(texts, characters=labels.max() < _MANY_LABELS)
    if weighed is None:
        return None
    margins = np.full((len(texts), num_labels), -1e3)  # of a label without a row in the other folds
    for train, held_out in folds(len(texts)):
        seen = np.unique(labels[train])
        if len(seen) == 1:
            margins[held_out, seen[0]] = 0.0
        else:
            model = LinearSVC(C=0.5, tol=1e-3, random_state=4).fit(weighed[train], labels[train])
            found = model.decision_function(weighed[held_out])
            margins[np.ix_(held_out, model.classes_)] = found if found.ndim == 2 else np.stack([-found, found], axis=1)
    return margins


def _scores(tables: Any) -> Mapping[str, Any]:
    from modules.quality.scores import of_confusion

    found = of_confusion(tables)
    # What there is of each label is averaged over them.
    names = (*METRICS, "balanced_accuracy")
    return {name: found[name] if found[name].ndim < tables.ndim - 1 else found[name].mean(axis=-1) for name in names}


def _resamples(num_labels: int) -> int:
    """Fewer of large tables: a thousand labels have a million cells."""
    return max(20, min(_RESAMPLES, 20_000_000 // num_labels**2))
