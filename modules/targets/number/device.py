"""A number on a device: the file gives it in the unit of the column; bounds and interval stand in the manifest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from modules.network.arrays import Array
from modules.quality.scores import r_squared
from modules.targets.base import Target
from modules.targets.number.target import NUMBER, Number
from modules.tflite.output import Floats, Output

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf


class NumberOutput(Output):
    """The number."""

    name: ClassVar[str] = NUMBER
    score: ClassVar[str] = "rmse"
    relative: ClassVar[frozenset[str]] = frozenset({"rmse", "mae"})
    agrees: ClassVar[str] = "the share of its answers' variance that is kept is"

    def of_logits(self, logits: tf.Tensor, ending: Sequence[Array]) -> tf.Tensor:
        """float32 `[1, 1]`."""
        center, scale = ending
        return center + scale * logits

    def expected(self, logits: Floats, ending: Sequence[Array]) -> Floats:
        """float32 `[rows, 1]`."""
        center, scale = ending
        return center + scale * logits

    def learnt(self, ending: Sequence[Array]) -> dict[str, Any]:
        """`deviation` of the training rows, by which a device judges whether a difference is large."""
        _, scale = ending
        return {"deviation": float(scale)}

    def section(self, target: Target) -> dict[str, Any]:
        """Bounds, and the share of rows that an interval is made for."""
        if not isinstance(target, Number):
            return {"kind": target.kind}
        said = {"min": target.min, "max": target.max, "coverage": target.coverage}
        return {"kind": target.kind, **{name: value for name, value in said.items() if value is not None}}

    def undecided(self, outputs: Floats) -> np.ndarray:
        """The numbers, float64 `[rows]`."""
        return outputs[:, 0].astype(np.float64)

    def predicted(self, answers: Sequence[Any], names: Sequence[str]) -> np.ndarray:
        """The numbers, float64 `[rows]`."""
        return np.array([answer.number for answer in answers], np.float64)

    def agreement(self, one: np.ndarray, other: np.ndarray) -> float:
        """The R² of the one's answers as answers to the other's: 1 minus the share of variance that differs."""
        squared = np.mean((one - other) ** 2)
        return float(r_squared(squared, np.var(other)))

    def measured(self, answers: Sequence[Any], truth: np.ndarray, target: Target) -> dict[str, Any]:
        """`interval`: the `coverage` that was asked for, the share `measured`, and its mean `width`."""
        if not isinstance(target, Number) or not answers or answers[0].low is None:
            return {}
        low, high = (np.array([getattr(answer, end) for answer in answers]) for end in ("low", "high"))
        held = float(np.mean((low <= truth) & (truth <= high)))
        return {"interval": {"coverage": target.coverage, "measured": held, "width": float(np.mean(high - low))}}
