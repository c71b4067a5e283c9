"""The scikit-learn model that the transformer has to beat: TF-IDF and logistic regression on the same rows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from modules.quality.scores import score
from modules.rows.raw import RawSplit

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

_TRAIN = "train"


def linear_baseline(splits: Mapping[str, RawSplit], *, num_classes: int, seed: int) -> dict[str, Any]:
    """Trains on `train` and scores the other splits.

    Args:
        splits: raw splits by name.
        num_classes: labels.
        seed: of the solver.

    Returns:
        `{"model", "rows", "seconds", "splits": {name: scores}}`, scores as `modules.quality.scores.score` gives them.
    """
    started = time.monotonic()
    classifier = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, strip_accents="unicode"),
        LogisticRegression(C=4.0, max_iter=1000, random_state=seed),
    )
    classifier.fit(splits[_TRAIN].texts, splits[_TRAIN].labels)
    scores = {
        name: score(split.labels, classifier.predict(split.texts), split.slices, num_classes)
        for name, split in splits.items()
        if name != _TRAIN
    }
    return {
        "model": "TF-IDF (words, 1-2-grams) + logistic regression, scikit-learn",
        "rows": len(splits[_TRAIN].texts),
        "seconds": round(time.monotonic() - started, 2),
        "splits": scores,
    }
