"""One label: the most probable one, or of two the one that a threshold gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from edgeline_edge.errors import BundleError
from edgeline_edge.targets.base import Answer, Floats, Target


@dataclasses.dataclass(frozen=True)
class Prediction(Answer):
    """A label.

    Attributes:
        label: the label with the highest score; of equals, the one that the model lists first. Where the manifest has a
            `decision`, the label that its threshold gives.
        score: its score, 0 … 1.
        scores: the score of every label, in the model's order.
    """

    label: str
    score: float
    scores: dict[str, float]

    def told(self) -> dict[str, Any]:
        """`label`, `score` and `scores`."""
        return {"label": self.label, "score": self.score, "scores": self.scores}

    def line(self) -> str:
        """Label and score."""
        return f"{self.label}\t{self.score:.4f}"

    def cells(self) -> list[Any]:
        """Label, score, and the score of each label."""
        return [self.label, self.score, *self.scores.values()]

    @property
    def counted(self) -> tuple[str, ...]:
        """The label."""
        return (self.label,)


class OneLabel(Target):
    """Exactly one of the labels."""

    kind: ClassVar[str] = "one_label"
    output: ClassVar[str] = "probabilities"
    decided_by: ClassVar[frozenset[str]] = frozenset({"label", "threshold"})

    def __init__(self, section: Mapping[str, Any], labels: tuple[str, ...], decision: Mapping[str, Any] | None) -> None:
        """See `Target`; the decision is about one of two labels."""
        super().__init__(section, labels, decision)
        self._decision = decision
        if len(labels) < 2:
            raise BundleError("the manifest's target.labels names no two labels")
        if decision is not None and (len(labels) != 2 or decision["label"] not in labels):
            raise BundleError(
                f"the decision is about {decision['label']!r} of two labels, but the labels are {', '.join(labels)}"
            )

    @property
    def columns(self) -> list[str]:
        """`label`, `score`, and `score_<label>` of each."""
        return ["label", "score", *(f"score_{label}" for label in self.labels)]

    @property
    def rule(self) -> str:
        """The highest score, or the threshold."""
        if self._decision is None:
            return "the label with the highest score"
        return f"`{self._decision['label']}` where its score is {self._decision['threshold']!r} or more"

    def answer(self, outputs: Floats) -> Prediction:
        """The label with its score, and the scores of all."""
        values = outputs.tolist()
        best = answered(outputs, self.labels, self._decision)
        return Prediction(self.labels[best], values[best], dict(zip(self.labels, values, strict=True)))


def answered(scores: Floats, labels: Sequence[str], decision: Mapping[str, Any] | None) -> int:
    """Index of the label that is answered.

    Args:
        scores: of each label, float32 `[labels]`.
        labels: their names.
        decision: the manifest's. None: the highest score wins, of equals the first. Else a threshold decides between
            two labels, compared as float32, as a server does.
    """
    if decision is None:
        return max(range(len(scores)), key=scores.__getitem__)
    asked = labels.index(decision["label"])
    return asked if scores[asked] >= np.float32(decision["threshold"]) else 1 - asked
