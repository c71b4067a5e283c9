"""Repeated measurements in three numbers, ratios of two sides, and the exponent of growth."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import Any


@dataclasses.dataclass(frozen=True)
class Spread:
    """Several measurements of one thing.

    Attributes:
        minimum: the least.
        median: the middle one, what is compared.
        maximum: the largest.
        count: how many there were.
    """

    minimum: float
    median: float
    maximum: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Condenses measurements.

        Raises:
            ValueError: there are none, or one is not a finite number.
        """
        if not values:
            raise ValueError("no measurement was taken")
        if not all(math.isfinite(value) for value in values):
            raise ValueError(f"a measurement is not a number: {list(values)}")
        return cls(float(min(values)), float(statistics.median(values)), float(max(values)), len(values))

    def shown(self) -> str:
        """`median (min-max)` with two decimals, as ratios are shown."""
        return f"{self.median:.2f} ({self.minimum:.2f}-{self.maximum:.2f})"

    def to_dict(self) -> dict[str, Any]:
        """`{"min", "median", "max", "count"}`, rounded to six digits that count."""
        numbers = {"min": self.minimum, "median": self.median, "max": self.maximum}
        return {**{name: rounded(value) for name, value in numbers.items()}, "count": self.count}


def paired_ratio(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Ratio of two sides that took turns, round by round: what disturbs a round disturbs both.

    Args:
        ours: one measurement a round.
        theirs: of the same rounds.

    Returns:
        Of `ours / theirs` over the rounds.

    Raises:
        ValueError: the rounds differ in number, there are none, or a measurement is 0.
    """
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} rounds on one side, {len(theirs)} on the other")
    if not all(theirs):
        raise ValueError("a measurement of 0 has no ratio")
    return Spread.of([one / other for one, other in zip(ours, theirs, strict=True)])


@dataclasses.dataclass(frozen=True)
class PowerLaw:
    """`value = factor * size ** exponent`, fitted.

    Attributes:
        exponent: 1 is linear, 0 a fixed cost, 2 quadratic.
        factor: value at size 1.
        r_squared: share of the variance of the logarithms that the line explains.
    """

    exponent: float
    factor: float
    r_squared: float


def fit_power_law(sizes: Sequence[float], values: Sequence[float]) -> PowerLaw:
    """Least squares through the logarithms.

    A fixed cost bends the line: the exponent of small sizes is then far below that of large ones.

    Args:
        sizes: at least two different ones, all positive.
        values: what was measured at each; all positive.

    Raises:
        ValueError: too few points, or one that has no logarithm.
    """
    if len(sizes) != len(values) or len(set(sizes)) < 2:
        raise ValueError("a growth needs measurements at two different sizes or more")
    if min(*sizes, *values) <= 0:
        raise ValueError("sizes and measurements must be positive to be fitted by their logarithms")
    xs, ys = [math.log(size) for size in sizes], [math.log(value) for value in values]
    slope, intercept = statistics.linear_regression(xs, ys)
    total = sum((y - statistics.fmean(ys)) ** 2 for y in ys)
    left = sum((y - (slope * x + intercept)) ** 2 for x, y in zip(xs, ys, strict=True))
    return PowerLaw(slope, math.exp(intercept), 1.0 - left / total if total else 1.0)


def mean_and_spread(values: Sequence[float]) -> str:
    """The mean, and the standard deviation where there are several: `0.8880 ± 0.0081`.

    Args:
        values: of trainings that differ in their seeds.
    """
    mean = f"{statistics.fmean(values):.4f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.4f}"


def rounded(value: float) -> float:
    """To six digits that count, so that result files do not pretend to more."""
    return float(f"{value:.6g}")
