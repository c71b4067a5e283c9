"""What every kind of target promises: from what the model gives to an answer.

A target is made of what the manifest says, its `target` and its `decision`; of version 1, whose bundles have labels
alone, of the latter.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from edgeline_edge.errors import BundleError

Floats = npt.NDArray[np.float32]
_ROUNDING = 1e-3  # that a probability may lie outside of 0 … 1


class Answer(abc.ABC):
    """What is said of a row."""

    @abc.abstractmethod
    def told(self) -> dict[str, Any]:
        """The answer as JSON, of a server and of `predict --output jsonl`."""

    @abc.abstractmethod
    def line(self) -> str:
        """The answer for a person, its parts between tabs."""

    @abc.abstractmethod
    def cells(self) -> list[Any]:
        """The answer as a row of a table with the target's `columns`."""

    @property
    def counted(self) -> tuple[str, ...]:
        """The labels that a server's metrics count it under; an empty one where there is none."""
        return ("",)


class Target(abc.ABC):
    """A kind of target.

    Attributes:
        labels: names of the answers, in the order of the model's output; none where answers are no names.
    """

    # Name of the model's output, and the fields that the manifest's `target` and `decision` may have of this kind.
    kind: ClassVar[str]
    output: ClassVar[str]
    fields: ClassVar[frozenset[str]] = frozenset({"kind", "output", "labels"})
    decided_by: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, section: Mapping[str, Any], labels: tuple[str, ...], decision: Mapping[str, Any] | None) -> None:
        """Reads what the manifest says.

        Args:
            section: the manifest's `target`; empty in version 1.
            labels: of the manifest.
            decision: of the manifest.

        Raises:
            BundleError: something is missing, or is of another kind of target.
        """
        self.labels = labels
        unknown = [name for name in section if name not in self.fields]
        if unknown:
            raise BundleError(f"the manifest's target.{unknown[0]} is not of a target of kind {self.kind}")
        if section and section["output"] != self.output:
            raise BundleError(
                f"the manifest's target.output is {section['output']!r}; of kind {self.kind} it is {self.output!r}"
            )
        if decision is not None and set(decision) != self.decided_by:
            wanted = f"has {', '.join(sorted(self.decided_by))}" if self.decided_by else "there is none"
            raise BundleError(
                f"the decision has {', '.join(sorted(decision)) or 'nothing'}; of a target of kind {self.kind} {wanted}"
            )

    @property
    def outputs(self) -> int:
        """How many numbers the model gives for a row."""
        return len(self.labels)

    @property
    @abc.abstractmethod
    def columns(self) -> list[str]:
        """Names of an answer's `cells`."""

    @property
    @abc.abstractmethod
    def rule(self) -> str:
        """How an answer follows from what the model gives, in words."""

    @abc.abstractmethod
    def answer(self, outputs: Floats) -> Answer:
        """The answer to a row.

        Args:
            outputs: what the model gave, float32 `[outputs]`.
        """

    @staticmethod
    def problem(outputs: Floats) -> str:
        """What keeps numbers from being a model's output; empty where nothing does.

        Args:
            outputs: float32 `[1, outputs]`.
        """
        if not (np.isfinite(outputs).all() and outputs.min() >= -_ROUNDING and outputs.max() <= 1 + _ROUNDING):
            return f"the model's output are no probabilities: {outputs[0, :8].tolist()}"
        return ""

    def apart(self, one: Floats, other: Floats) -> float:
        """How far two outputs for the same row lie apart, 0.1 or more if a runtime computes another model.

        Args:
            one: float32 `[outputs]`.
            other: float32 `[outputs]`.
        """
        return float(np.abs(np.asarray(one, np.float64) - np.asarray(other, np.float64)).max())
