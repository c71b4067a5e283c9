"""`modules.rows.columns` and the linear models: columns of numbers and categories beside a text."""

from __future__ import annotations

import math
from typing import Any

import modules  # noqa: F401
from modules.rows import ngrams
from modules.rows.columns import Columns
from modules.rows.raw import RawSplit
from modules.targets.base import Target
from modules.targets.many_labels.target import ManyLabels
from modules.targets.number.target import Number
from modules.targets.one_label.target import OneLabel

import numpy as np
import pytest

HOW: Any = {"price": "scaled", "shop": "one_hot"}
SHIFT = {"web": 3.0, "town": -3.0}


def split(rows: int, kind: str, seed: int, *, beside: bool = True) -> RawSplit:
    """Rows whose answer is decided by price and shop, and texts that say nothing."""
    chance = np.random.default_rng(seed)
    price, shop = chance.normal(10, 3, rows), chance.choice(["web", "town", "fair"], rows)
    told = price - 10 + np.array([SHIFT.get(name, 0.0) for name in shop])
    labels = {
        "number": told,
        "one_label": (told > 0).astype(np.int64),
        "many_labels": np.stack([told > 0, told > 2], axis=1).astype(np.int8),
    }[kind]
    others = {"price": price.tolist(), "shop": shop.tolist()} if beside else {}
    texts = [f"word{number} film" for number in chance.integers(20, size=rows)]
    return RawSplit(texts, labels, {}, others=others, linear=HOW if beside else {})


def test_numbers_are_scaled_and_flagged_and_categories_have_a_place_each() -> None:
    columns = {"price": [1.0, 3.0, None, math.nan], "shop": ["web", "web", "rare", None]}
    made = Columns(columns, HOW)
    found = made.transform({"price": [5.0, None], "shop": ["web", "nowhere"]}).toarray()
    assert found[:, :2].tolist() == [[3.0, 0.0], [0.0, 1.0]]
    assert found[0, 2:].sum() == found[1, 2:].sum() == 1.0
    assert found[0, 2:].tolist() != found[1, 2:].tolist()
    rare = made.transform({"price": [0.0, 0.0], "shop": ["rare", "nowhere"]}).toarray()[:, 2:]
    assert rare[0].tolist() == rare[1].tolist(), "what one row has is as good as new"
    constant = Columns({"price": [2.0, 2.0]}, {"price": "scaled"}).transform({"price": [2.0, 3.0]}).toarray()
    assert constant.tolist() == [[0.0, 0.0], [1.0, 0.0]]
    nothing = Columns({"price": [None, None]}, {"price": "scaled"}).transform({"price": [4.0]}).toarray()
    assert np.isfinite(nothing).all()


@pytest.mark.parametrize(
    ("target", "metric", "at_least"),
    [
        (Number(column="y"), "r2", 0.9),
        (OneLabel(labels=["a", "b"]), "accuracy", 0.9),
        (ManyLabels(column="t", labels=["a", "b"], none_allowed=True), "micro_f1", 0.85),
    ],
)
def test_a_linear_model_takes_columns_where_they_are_better_on_eval(
    target: Target, metric: str, at_least: float
) -> None:
    found = {}
    for beside in (True, False):
        splits = {
            name: split(rows, target.kind, seed, beside=beside)
            for seed, (name, rows) in enumerate([("train", 300), ("eval", 100), ("test", 100)])
        }
        record = target.part("linear")(splits, target, 1).record
        found[beside] = record["splits"]["test"][metric]
        assert ("the columns beside the text" in record["model"]) == beside
        assert any("columns" in candidate["model"] for candidate in record["candidates"]) == beside
    assert found[True] >= at_least > found[False]


def test_what_a_model_reads_is_told_in_words() -> None:
    assert ngrams.told(("words", "characters")) == (
        "TF-IDF of words (1-2-grams) and characters within words (1-5-grams)"
    )
    assert ngrams.told(("words", ngrams.COLUMNS)) == "TF-IDF of words (1-2-grams) and the columns beside the text"
    assert ngrams.told((ngrams.COLUMNS,)) == "the columns beside the text"
