"""The interface that bundles and SavedModels are served by."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Literal

Row = Mapping[str, Any]
"""Values by column."""
Answer = Mapping[str, Any]
"""What a model says to a row, as JSON: of one label `label`, `score`, `scores`; of several `labels`, `scores`; else the
model's outputs by name, of a number `number`, `low`, `high`. `error` alone where the row cannot be answered."""
Datatype = Literal["BYTES", "INT64", "FP32"]


@dataclasses.dataclass(frozen=True)
class Column:
    """A column that a model reads.

    Attributes:
        name: as the task calls it.
        datatype: as the Open Inference Protocol calls it; a text is `BYTES`.
        optional: whether a row may lack it; then there is no such key in the row.
    """

    name: str
    datatype: Datatype = "BYTES"
    optional: bool = False


class CancelledError(RuntimeError):
    """The work was told to stop before it was done."""


class Backend(abc.ABC):
    """A loaded version of a model.

    Attributes:
        platform: what runs it, for the metadata.
        task: what the version says it decides; empty where it says nothing.
        labels: in the order of `probabilities`; empty where answers are no labels.
        several: whether it answers with any number of the labels.
        columns: what it reads.
        probes: rows with the answers to them that it carries in itself, of a row a part may be told.
    """

    platform: str
    task: str
    labels: tuple[str, ...]
    several: bool = False
    columns: tuple[Column, ...]
    probes: tuple[tuple[Row, Answer], ...] = ()

    @abc.abstractmethod
    def submit(self, rows: Sequence[Row], stop: Callable[[], bool]) -> Future[list[Answer]]:
        """Begins to answer rows, in threads of the backend's own.

        Args:
            rows: each with all `columns` but optional ones, of their types.
            stop: asked now and then; True ends the work with `CancelledError`.

        Returns:
            The answers to come, one a row and in their order.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Ends the threads, once what was submitted is done."""


def several(labels: Sequence[str], probabilities: Sequence[float], decision: Sequence[float]) -> dict[str, Any]:
    """The answer of a model that decides for any number of labels.

    Args:
        labels: names, in the order of the scores.
        probabilities: the scores.
        decision: 1 for each label that the model decided for, else 0.
    """
    chosen = [label for label, there in zip(labels, decision, strict=True) if there]
    return {"labels": chosen, "scores": dict(zip(labels, probabilities, strict=True))}


def labelled(labels: Sequence[str], probabilities: Sequence[float], label: str | None = None) -> dict[str, Any]:
    """The answer of a model that decides for one label.

    Args:
        labels: names, in the order of the scores.
        probabilities: the scores.
        label: what the model decided for; by default the label with the highest score, of equals the first.
    """
    scores = dict(zip(labels, probabilities, strict=True))
    chosen = max(scores, key=scores.__getitem__) if label is None else label
    return {"label": chosen, "score": scores[chosen], "scores": scores}
