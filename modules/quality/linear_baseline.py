"""The scikit-learn model that the transformer has to beat: TF-IDF and a linear model on the same rows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from modules.quality import scoring
from modules.rows.raw import RawSplit
from modules.targets.base import Target

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

_TRAIN = "train"


def linear_baseline(splits: Mapping[str, RawSplit], *, target: Target, seed: int) -> dict[str, Any]:
    """Trains on `train` and scores the other splits.

    Args:
        splits: raw splits by name.
        target: of the task; `linear` of its parts is the model.
        seed: of the solver.

    Returns:
        `{"model", "rows", "seconds", "splits": {name: scores}}`, with the scores that
        `modules.quality.scoring.Scoring.scored` gives.
    """
    started = time.monotonic()
    judge = scoring.of(target)
    name, model = target.part("linear")(seed)
    fitted = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, strip_accents="unicode"),
        model,
    )
    fitted.fit(splits[_TRAIN].texts, splits[_TRAIN].labels)
    scores = {
        key: judge.scored(split.labels, fitted.predict(split.texts), split.slices)
        for key, split in splits.items()
        if key != _TRAIN
    }
    return {
        "model": f"TF-IDF (words, 1-2-grams) + {name}, scikit-learn",
        "rows": len(splits[_TRAIN].texts),
        "seconds": round(time.monotonic() - started, 2),
        "splits": scores,
    }
