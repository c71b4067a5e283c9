"""What a quick linear model makes of numbers, cross-validated: what the bound of a draft is derived from."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

from modules.targets.cell import has_decimal_comma
from modules.tensors import Column

from pipeline.profiling import linear
from pipeline.profiling.texts import Sample

_ROWS = 2_500  # that are looked at
_FOLDS = 3
_CHARACTERS = 600  # of a text
_RESAMPLES = 400
_HIGH = 0.975  # quantile: chance alone takes the same model above it in one case of forty
_LEARNED = 0.05  # R², below which nothing was learned


class Numbers:
    """A sample of texts and numbers in which every row had the same chance, and what all numbers are like."""

    def __init__(self) -> None:
        self._column = Column("", "number")
        self._sample: Sample[tuple[str, float]] = Sample(_ROWS, seed=1)
        self._rows, self._least, self._most = 0, math.inf, -math.inf
        self._mean = self._squares = 0.0

    @property
    def kept(self) -> list[tuple[str, float]]:
        """Beginnings of texts, and numbers."""
        return self._sample.kept

    def add(self, text: str, value: str) -> None:
        """Takes a row; one without a text or without a finite number is passed over."""
        if not text or text.isspace() or not value.strip() or not self._column.readable(value):
            return
        number = float(value)
        self._sample.add((text[:_CHARACTERS], number))
        self._rows += 1
        self._least, self._most = min(self._least, number), max(self._most, number)
        distance = number - self._mean  # Welford's way, which loses no digits
        self._mean += distance / self._rows
        self._squares += distance * (number - self._mean)

    def found(self) -> dict[str, float]:
        """`rows`, `min`, `max`, `mean` and `deviation`; rows alone where there are none."""
        if not self._rows:
            return {"rows": 0}
        deviation = math.sqrt(self._squares / self._rows)
        return {
            "rows": self._rows, "min": self._least, "max": self._most, "mean": self._mean, "deviation": deviation,
        }  # fmt: skip


def decimal_comma(name: str, cells: Sequence[str]) -> str:
    """That the numbers of a column have a comma where a point is read, in a sentence; empty where they have none.

    Args:
        name: of the column.
        cells: some of it.
    """
    column, there = Column("", "number"), [cell for cell in cells if cell.strip()]
    found = [cell for cell in there if has_decimal_comma(cell, column)]
    if not found or not all(column.readable(cell) or has_decimal_comma(cell, column) for cell in there):
        return ""
    return (
        f"{name!r} seems to hold numbers with a decimal comma, as {found[0]!r}; with a point in its place they are "
        "drafted as numbers"
    )


def notes(result: dict[str, Any] | None) -> list[str]:
    """What a person should know of the result, in sentences.

    Args:
        result: what `cross_validated` gave.
    """
    if result is None or result["scores"]["r2"]["value"] > _LEARNED:
        return []
    return [
        f"a linear model learns next to nothing from these texts: R² {result['scores']['r2']['value']:.3f}, where the "
        "mean alone gives 0; are these the right columns (`--text`, `--label`)?"
    ]


def cross_validated(rows: Sequence[tuple[str, float]], *, eval_rows: int) -> dict[str, Any] | None:
    """Trains on two thirds and predicts the rest, three times, so that every row is predicted once.

    Args:
        rows: texts and numbers.
        eval_rows: rows of the split that a bound will be compared on; the fewer, the more chance decides.

    Returns:
        `{"rows", "model", "scores": {"rmse": {"value", "high"}, "r2": {"value"}}}`; `high` is what the same model would
        stay below on `eval_rows` rows but in one case of forty. None where there are too few rows to say anything.
    """
    import numpy as np

    unique = list(dict(rows).items())  # a text that stands twice would be known when it is asked for
    if len(unique) < 10 * _FOLDS:
        return None
    random.Random(2).shuffle(unique)
    numbers = np.array([number for _, number in unique])
    squared = (_predicted([text for text, _ in unique], numbers) - numbers) ** 2
    drawn = np.random.default_rng(3).choice(squared, (_RESAMPLES, max(eval_rows, 1)))
    high = float(np.sqrt(np.quantile(drawn.mean(axis=1), _HIGH)))
    rmse, spread = float(np.sqrt(squared.mean())), float(numbers.var())
    r2 = 1.0 - rmse**2 / spread if spread else 0.0
    return {
        "rows": len(unique),
        "model": "TF-IDF of words and characters + ridge regression",
        "scores": {
            "rmse": {"value": float(f"{rmse:.4g}"), "high": float(f"{high:.4g}")},
            "r2": {"value": round(r2, 4)},
        },
    }


def _predicted(texts: Sequence[str], numbers: Any) -> Any:
    import numpy as np
    from sklearn.linear_model import Ridge

    predicted, features = np.zeros(len(texts)), linear.features(texts)
    for train, held_out in linear.folds(len(texts)):
        predicted[held_out] = (
            numbers[train].mean()
            if features is None
            else Ridge(alpha=1.0).fit(features[train], numbers[train]).predict(features[held_out])
        )
    return predicted
