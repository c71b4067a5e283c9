"""Student, recipes and gate of a draft: what a bundle of this task weighs, and bounds that it can therefore keep."""

from __future__ import annotations

import dataclasses
import math

# Of a bundle, beside the numbers that are counted: normalization, labels, manifest, operators.
_FIXED_BYTES = 350_000
_TOKEN_BYTES = 8  # of a token in the vocabulary's file
_SCALE_BYTES = 2  # of a block's scale
_MARGIN = 0.9  # of the ratio that is reckoned, since the vocabulary of all rows is larger than the sample's
_MOST_RATIO = 12.0  # the gate's own default: what a release asks for
_FLIPS = 0.05  # rows on which student and teacher differ
_CHANCE = 1.64  # standard deviations: chance alone breaks a bound in one case of twenty
_POSITIONS = 512


@dataclasses.dataclass(frozen=True)
class Shape:
    """An encoder's.

    Attributes:
        tokens: rows of its embedding.
        layers: transformer layers.
        hidden: width.
        intermediate: width of the feed-forward layers.
    """

    tokens: int
    layers: int
    hidden: int
    intermediate: int

    @property
    def attention(self) -> int:
        """Weights of all layers' attention."""
        return self.layers * 4 * self.hidden**2

    @property
    def feedforward(self) -> int:
        """Weights of all layers' feed-forward parts."""
        return self.layers * 2 * self.hidden * self.intermediate


def float32_bytes(teacher: Shape, labels: int) -> int:
    """Of the blessed model's weights."""
    return 4 * (teacher.hidden * (teacher.tokens + _POSITIONS + labels) + teacher.attention + teacher.feedforward)


def bundle_bytes(student: Shape, labels: int, *, table_bits: float, block: int = 32) -> int:
    """Of a bundle with 8-bit kernels, within a few per cent.

    Args:
        student: its shape.
        labels: how many.
        table_bits: of a value of the token embedding; 4 for the recipe `dynamic_wi8_afp32_e4`.
        block: values of the embedding that share a scale.
    """
    table = student.tokens * student.hidden
    return round(
        table * table_bits / 8
        + table / block * _SCALE_BYTES
        + student.attention
        + student.feedforward
        + student.tokens * _TOKEN_BYTES
        + student.hidden * labels
        + _FIXED_BYTES
    )


def size_bound(teacher: Shape, student: Shape, labels: int) -> tuple[float, float]:
    """A bound of the size that the largest sensible recipe keeps: 8-bit kernels and a 4-bit embedding.

    Returns:
        The ratio that is expected of `dynamic_wi8_afp32_e4`, and the bound, in halves, 1 to 12.
    """
    expected = float32_bytes(teacher, labels) / bundle_bytes(student, labels, table_bits=4)
    return round(expected, 1), min(_MOST_RATIO, max(1.0, math.floor(2 * _MARGIN * expected) / 2))


def drop_bound(allowed: float, rows: int) -> float:
    """A bound of the loss of accuracy: what is allowed, and what chance alone does on so many rows.

    Args:
        allowed: loss that is accepted.
        rows: that both models are compared on.
    """
    return _up(allowed + _CHANCE * math.sqrt(_FLIPS / max(rows, 1)), 0.3)


def agreement_bound(least: float, rows: int) -> float:
    """The same for the share of equal answers, which chance lowers."""
    return round(1 - _up(1 - least + _CHANCE * math.sqrt(least * (1 - least) / max(rows, 1)), 0.3), 3)


def _up(value: float, most: float) -> float:
    return min(most, math.ceil(200 * value) / 200)
