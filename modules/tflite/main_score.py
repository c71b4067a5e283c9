"""The score by which variants of a model are told apart, and how a loss of it is shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class MainScore:
    """A score of a target.

    Attributes:
        name: among the target's scores.
        title: what a person calls it.
        lower_is_better: whether less of it is better.
        relative: whether its drop is a share of what the other model has.
        agrees: what an agreement is, in words before the number.
    """

    name: str = "accuracy"
    title: str = "accuracy"
    lower_is_better: bool = False
    relative: bool = False
    agrees: str = "the same label for"

    @property
    def drop(self) -> str:
        """What a loss of it is called where variants are measured."""
        return f"{self.name}_drop"

    def change(self, drop: float, digits: int = 3) -> str:
        """A loss as the change of the score, with its sign: `-0.004`, or of an error `+2.1%`.

        Args:
            drop: how much worse it is.
            digits: behind the point, of what is no share.
        """
        signed = drop if self.lower_is_better else 0.0 - drop
        return f"{signed:+.1%}" if self.relative else f"{signed:+.{digits}f}"


def of(record: Mapping[str, Any]) -> MainScore:
    """The main score of what EdgeEvaluator recorded.

    Args:
        record: its `pareto.json`; one that does not say is about accuracy.
    """
    return MainScore(**record.get("score", {}))
