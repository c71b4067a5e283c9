"""What kind of answer a column holds, and what is looked at of its rows therefore."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pipeline.profiling import linear, roles, training
from pipeline.profiling.answers import numbers, several
from pipeline.profiling.columns import Column

ONE_LABEL, MANY_LABELS, NUMBER = "one_label", "many_labels", "number"  # kinds of targets


class Collector(Protocol):
    """Takes the rows one after another."""

    def add(self, text: str, label: str) -> None:
        """Takes a row."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """How the values of the label's column are taken.

    Attributes:
        kind: of the target.
        reason: in words.
        separator: between several labels of a cell; empty where there is one answer in it.
    """

    kind: str
    reason: str = ""
    separator: str = ""


@dataclasses.dataclass(frozen=True)
class Judged:
    """What the rows say of the answers.

    Attributes:
        rows: with a right answer.
        numbers: what numbers are like; None of labels.
        labels: rows by label.
        rare: rows by name that is too rare for a label.
        linear: what a quick linear model makes of them; None where there are too few.
        notes: what a person should know, in sentences.
    """

    rows: int
    numbers: Mapping[str, float] | None
    labels: Mapping[str, int]
    rare: Mapping[str, int]
    linear: dict[str, Any] | None
    notes: list[str]


def kind_of(column: Column | None, some: Sequence[str], asked: str | None) -> Answer:
    """How a column is taken.

    Args:
        column: of the label; None where there is none.
        some: of its cells.
        asked: the kind that was asked for; None for the guess.
    """
    if asked in (None, NUMBER) and column is not None and roles.is_measurement(column):
        return Answer(NUMBER, f"{column.distinct:,} different numbers; `--target one_label` takes them for labels")
    separator = several.separator_of(some, roles.MOST_LABELS) if asked in (None, MANY_LABELS) else ""
    if separator:
        form = "lists of names" if separator == several.JSON else f"names with {separator!r} between them"
        return Answer(MANY_LABELS, f"cells hold {form}; `--target one_label` takes a cell for one", separator)
    if asked == MANY_LABELS:
        return Answer(MANY_LABELS, "as asked for, though no cell seems to hold several", "|")
    return Answer(asked or ONE_LABEL, "as asked for" if asked else "")


def collector(answer: Answer, labels: Mapping[str, int]) -> Collector:
    """What takes the rows.

    Args:
        answer: how the column is taken.
        labels: rows by label, where a cell holds one of them.
    """
    if answer.kind == NUMBER:
        return numbers.Numbers()
    return several.Rows(answer.separator) if answer.kind == MANY_LABELS else linear.Rows(list(labels))


def judged(taken: Collector, labels: Mapping[str, int], rare: Mapping[str, int], eval_share: float) -> Judged:
    """What the rows say, once all of them were taken.

    Args:
        taken: what took them.
        labels: rows by label, where a cell holds one of them.
        rare: rows by value that is none, likewise.
        eval_share: share of the rows that bounds will be compared on.
    """
    if isinstance(taken, numbers.Numbers):
        found = taken.found()
        rows = int(found["rows"])
        result = numbers.cross_validated(taken.kept, eval_rows=round(rows * eval_share))
        return Judged(rows, found, {}, {}, result, numbers.notes(result))
    if isinstance(taken, several.Rows):
        named, others = taken.labels()
        rows, result = taken.labelled, None
        if len(named) > 1:
            result = several.cross_validated(taken.kept, list(named), eval_rows=round(rows * eval_share))
        return Judged(rows, None, named, others, result, several.notes(taken))
    rows, result = sum(labels.values()), None
    if isinstance(taken, linear.Rows) and len(labels) > 1:
        result = linear.cross_validated(
            taken.kept, list(labels), eval_rows=round(rows * eval_share), looked_for=training.looked_for(labels)
        )
    return Judged(rows, None, labels, rare, result, linear.notes(result, labels))
