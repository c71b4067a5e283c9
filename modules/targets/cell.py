"""What a cell of the target's column may hold: all that reading and cleaning rows knows of an answer.

A section of its own, so that rows are read anew only where this changes, and not with any other field of a target.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from modules.settings import Section
from modules.tensors import Column, ColumnType

JSON = "json"  # in the place of a separator
BETWEEN = "\n"  # labels of a row in an example; no label holds one


class Cell(Section):
    """Bounds of a number, and how a cell holds several labels; `labels` of the task say which these are."""

    type: ColumnType = "text"
    """Of the column."""
    lowest: float | None = None
    """Smallest number that is right; empty: there is none."""
    highest: float | None = None
    """Largest number that is right; empty: there is none."""
    separator: str = ""
    """What stands between the labels of a cell that may hold several; `json`: it is a JSON list. Empty: it has one."""
    may_be_empty: bool = False
    """Whether a cell that may hold several may hold none."""

    def problem(self, value: str, labels: Sequence[str] = ()) -> str:
        """What keeps a value from being a right answer, in words; empty where nothing does.

        Args:
            value: as a source of rows has it.
            labels: of the task; none where answers have no names.
        """
        return self._problem_of_several(value, labels) if self.separator else self._problem_of_one(value)

    def canonical(self, value: str, labels: Sequence[str] = ()) -> str:
        """One way to write a right answer, so that equal answers are no contradiction.

        `4`, `4.0` and `4.00` are one number; several labels stand in the order of their ids, `BETWEEN` them.

        Args:
            value: that has no `problem`.
            labels: of the task.
        """
        if self.separator:
            there = set(self._parts(value))
            return BETWEEN.join(label for label in labels if label in there)
        return value if self.type == "text" else repr(Column("", self.type).value(value))

    def names_in(self, answer: str) -> list[str]:
        """The labels of a right answer as an example has it.

        Args:
            answer: what `canonical` gave.
        """
        return ([part for part in answer.split(BETWEEN) if part]) if self.separator else [answer]

    def parts(self, value: str) -> list[str] | None:
        """The labels that a source has in a cell that may hold several; None where it is no JSON list and was to be."""
        try:
            return self._parts(value)
        except ValueError:
            return None

    def _problem_of_one(self, value: str) -> str:
        column = Column("", self.type)
        if not value.strip() or not column.readable(value):
            comma = " (a point stands before decimals, not a comma)" if has_decimal_comma(value, column) else ""
            return f"which is no {column.type}{comma}"
        if column.type == "text":
            return ""
        number = column.value(value)
        if self.lowest is not None and number < self.lowest:
            return f"below the smallest that target.min allows, {self.lowest:g}"
        if self.highest is not None and number > self.highest:
            return f"above the largest that target.max allows, {self.highest:g}"
        return ""

    def _problem_of_several(self, value: str, labels: Sequence[str]) -> str:
        try:
            parts = self._parts(value)
        except ValueError as error:
            return f"which is no JSON list of labels ({error}); see target.separator"
        unknown = [part for part in parts if part not in labels]
        if unknown:
            return f"of which {unknown[0]!r} is no label"
        if not parts and not self.may_be_empty:
            return "which holds no label (target.none_allowed: true would take it as a row without any)"
        return ""

    def _parts(self, value: str) -> list[str]:
        """The labels that a source has in a cell.

        Raises:
            ValueError: it is no JSON list of texts, and was to be one.
        """
        if not value.strip():
            return []
        if self.separator != JSON:
            return [part.strip() for part in value.split(self.separator) if part.strip()]
        try:
            found = json.loads(value)
        except json.JSONDecodeError as error:
            raise ValueError(error.msg) from None
        if not isinstance(found, list) or not all(isinstance(part, str) for part in found):
            raise ValueError("a list of texts is needed")
        return found


def has_decimal_comma(value: str, column: Column) -> bool:
    """Whether a value would be readable with a point in the place of its comma.

    Args:
        value: as a source of rows has it.
        column: of numbers.
    """
    return "," in value and column.readable(value.replace(",", ".", 1))
