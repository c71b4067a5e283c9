"""What the linear model leaves that a network has to beat: a target's part `linear` makes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from modules.machine.progress import tell
from modules.quality.predictions import Predictions

Candidate = TypeVar("Candidate")
Model = TypeVar("Model")


@dataclasses.dataclass(frozen=True)
class LinearModel:
    """A fitted linear model.

    Attributes:
        record: JSON values, the content of `baseline.json`: `model`, what it is, in words; `rows` that it learnt from;
            `seconds`; `splits`, by name what `modules.quality.scoring.Scoring.scored` gives; and what else a kind says.
        predictions: its answers to every split but `train`, by name.
    """

    record: dict[str, Any]
    predictions: dict[str, Predictions]


@dataclasses.dataclass(frozen=True)
class Compared(Generic[Candidate, Model]):
    """Candidates of a linear model, compared on eval.

    Attributes:
        scores: each candidate with its score, in the order in which they were tried.
        best: the one that did best, of equals the first.
        model: what was fitted for it.
    """

    scores: Sequence[tuple[Candidate, float]]
    best: Candidate
    model: Model


def compare(
    candidates: Sequence[Candidate],
    fit: Callable[[Candidate], tuple[float, Model]],
    more: Callable[[Candidate], Sequence[Candidate]],
    told: Callable[[Candidate], str],
    *,
    lower_is_better: bool = False,
) -> Compared[Candidate, Model]:
    """Tries candidates, and then what the best of them suggests.

    Args:
        candidates: in the order in which equals are preferred; at least one.
        fit: of a candidate, its score on eval and what was fitted.
        more: of the best candidate, what is tried besides; nothing is tried after that.
        told: a candidate in words, for the progress.
        lower_is_better: whether the score is an error.
    """
    found: list[tuple[Candidate, float, Model]] = []

    def best() -> tuple[Candidate, float, Model]:
        return (min if lower_is_better else max)(found, key=lambda item: item[1])  # the first of equals

    def try_all(asked: Sequence[Candidate]) -> None:
        steps = len(found) + len(asked)
        for candidate in asked:
            tell(f"linear baseline: {told(candidate)}", step=len(found) + 1, steps=steps)
            found.append((candidate, *fit(candidate)))

    try_all(candidates)
    try_all(more(best()[0]))
    chosen, _, model = best()
    return Compared([(candidate, score) for candidate, score, _ in found], chosen, model)
