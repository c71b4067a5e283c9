"""A number, within its bounds, and where there is one the interval around it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from edgeline_edge.errors import BundleError
from edgeline_edge.targets.base import Answer, Floats, Target


@dataclasses.dataclass(frozen=True)
class Estimate(Answer):
    """A number.

    Attributes:
        number: the answer, in the unit of the rows.
        low: where its interval begins; None where the bundle has none.
        high: where it ends; likewise.
    """

    number: float
    low: float | None = None
    high: float | None = None

    def told(self) -> dict[str, Any]:
        """`number`; with an interval also `low` and `high`."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value is not None}

    def line(self) -> str:
        """The number, and its interval."""
        ends = "" if self.low is None else f"\t[{self.low:.6g}, {self.high:.6g}]"
        return f"{self.number:.6g}{ends}"

    def cells(self) -> list[Any]:
        """The number and both ends, empty without an interval."""
        return ["" if value is None else value for value in (self.number, self.low, self.high)]


class Number(Target):
    """A finite number."""

    kind: ClassVar[str] = "number"
    output: ClassVar[str] = "number"
    fields: ClassVar[frozenset[str]] = frozenset({"kind", "output", "min", "max", "coverage", "deviation"})
    decided_by: ClassVar[frozenset[str]] = frozenset({"half_width"})

    def __init__(self, section: Mapping[str, Any], labels: tuple[str, ...], decision: Mapping[str, Any] | None) -> None:
        """See `Target`; `min` and `max` bound answers, `deviation` is that of the training rows."""
        super().__init__(section, labels, decision)
        if labels:
            raise BundleError("a target of kind number has no labels")
        # Every step is one operation of float32, as on the server: the same bits.
        self._lowest = np.float32(section.get("min", -np.inf))
        self._highest = np.float32(section.get("max", np.inf))
        self._half_width = None if decision is None else np.float32(decision["half_width"])
        self._coverage = section.get("coverage")
        self._deviation = float(section.get("deviation", 1.0))
        if not self._lowest < self._highest or not self._deviation > 0:
            raise BundleError(
                f"the manifest's target has the bounds {self._lowest} and {self._highest}, deviation {self._deviation}"
            )

    @property
    def outputs(self) -> int:
        """One."""
        return 1

    @property
    def columns(self) -> list[str]:
        """`number`, `low` and `high`."""
        return ["number", "low", "high"]

    @property
    def rule(self) -> str:
        """Bounds and interval."""
        bounds = [
            f"at least {self._lowest:g}" if np.isfinite(self._lowest) else "",
            f"at most {self._highest:g}" if np.isfinite(self._highest) else "",
        ]
        number = ", ".join(["the number", *filter(None, bounds)])
        if self._half_width is None:
            return number
        share = f", made to hold {self._coverage:.0%} of the rows" if self._coverage else ""
        return f"{number}; its interval reaches {self._half_width:g} to either side, within the same bounds{share}"

    def answer(self, outputs: Floats) -> Estimate:
        """The number within its bounds, and its interval."""
        number = self._within(outputs[0])
        if self._half_width is None:
            return Estimate(float(number))
        low, high = self._within(number - self._half_width), self._within(number + self._half_width)
        return Estimate(float(number), float(low), float(high))

    @staticmethod
    def problem(outputs: Floats) -> str:
        """That it is not finite."""
        return "" if np.isfinite(outputs).all() else f"the model's output is no number: {outputs[0].tolist()}"

    def apart(self, one: Floats, other: Floats) -> float:
        """In standard deviations of the rows that it learned from."""
        return super().apart(one, other) / self._deviation

    def _within(self, value: np.float32) -> np.float32:
        return np.minimum(np.maximum(value, self._lowest), self._highest)
