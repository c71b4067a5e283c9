"""Several labels, or none: each from a score of its own on."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from edgeline_edge.errors import BundleError
from edgeline_edge.targets.base import Answer, Floats, Target

_HALF = 0.5  # of a bundle that has no thresholds yet


@dataclasses.dataclass(frozen=True)
class LabelSet(Answer):
    """Any number of the labels.

    Attributes:
        labels: those that are answered, in the model's order.
        scores: the score of every label, 0 … 1, in that order.
        thresholds: from which score on each label is answered.
    """

    labels: tuple[str, ...]
    scores: dict[str, float]
    thresholds: dict[str, float]

    def told(self) -> dict[str, Any]:
        """`labels` and `scores`; the thresholds are the same for all rows, and stand in the manifest."""
        return {"labels": list(self.labels), "scores": self.scores}

    def line(self) -> str:
        """The labels with their scores; a dash where there is none."""
        return ", ".join(f"{label} {self.scores[label]:.4f}" for label in self.labels) or "-"

    def cells(self) -> list[Any]:
        """The labels as a JSON list, since a name may hold any separator; and the score of each label."""
        return [json.dumps(self.labels, ensure_ascii=False), *self.scores.values()]

    @property
    def counted(self) -> tuple[str, ...]:
        """The labels; an empty one where none is answered."""
        return self.labels or ("",)


class ManyLabels(Target):
    """Any number of the labels."""

    kind: ClassVar[str] = "many_labels"
    output: ClassVar[str] = "probabilities"
    decided_by: ClassVar[frozenset[str]] = frozenset({"thresholds"})

    def __init__(self, section: Mapping[str, Any], labels: tuple[str, ...], decision: Mapping[str, Any] | None) -> None:
        """See `Target`; the decision has a threshold for each label."""
        super().__init__(section, labels, decision)
        if len(labels) < 2:
            raise BundleError("the manifest's target.labels names no two labels")
        of_label = dict.fromkeys(labels, _HALF) if decision is None else dict(decision["thresholds"])
        if set(of_label) != set(labels):
            other = sorted(set(of_label) ^ set(labels))
            raise BundleError(f"the decision has no threshold for each label and none else: {', '.join(other[:5])}")
        self._thresholds = {label: float(np.float32(of_label[label])) for label in labels}
        self._reached = np.array(list(self._thresholds.values()), np.float32)

    @property
    def columns(self) -> list[str]:
        """`labels`, and `score_<label>` of each."""
        return ["labels", *(f"score_{label}" for label in self.labels)]

    @property
    def rule(self) -> str:
        """The thresholds."""
        told = ", ".join(f"`{label}` {threshold!r}" for label, threshold in self._thresholds.items())
        return f"each label whose score is its threshold or more: {told}"

    def answer(self, outputs: Floats) -> LabelSet:
        """The labels whose score reaches their threshold, compared as float32, as a server does."""
        reached = outputs >= self._reached
        return LabelSet(
            tuple(label for label, there in zip(self.labels, reached, strict=True) if there),
            dict(zip(self.labels, outputs.tolist(), strict=True)),
            dict(self._thresholds),
        )
