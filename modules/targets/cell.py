"""What a cell of the target's column may hold: all that reading and cleaning rows knows of an answer.

A section of its own, so that rows are read anew only where this changes, and not with any other field of a target.
"""

from __future__ import annotations

from modules.settings import Section
from modules.tensors import Column


class Cell(Section):
    """Bounds of a number; of a text, `labels` of the task say what is right."""

    lowest: float | None = None
    """Smallest number that is right; empty: there is none."""
    highest: float | None = None
    """Largest number that is right; empty: there is none."""

    def problem(self, value: str, column: Column) -> str:
        """What keeps a value from being a right answer that has no name, in words; empty where nothing does.

        Args:
            value: as a source of rows has it.
            column: of the target.
        """
        if not value.strip() or not column.readable(value):
            comma = "," in value and column.readable(value.replace(",", ".", 1))
            return f"which is no {column.type}" + (" (a point stands before decimals, not a comma)" if comma else "")
        if column.type == "text":
            return ""
        number = column.value(value)
        if self.lowest is not None and number < self.lowest:
            return f"below the smallest that target.min allows, {self.lowest:g}"
        if self.highest is not None and number > self.highest:
            return f"above the largest that target.max allows, {self.highest:g}"
        return ""

    def canonical(self, value: str, column: Column) -> str:
        """One way to write a right answer: `4`, `4.0` and `4.00` are one number, and rows with them no contradiction.

        Args:
            value: that has no `problem`.
            column: of the target.
        """
        return value if column.type == "text" else repr(column.value(value))
