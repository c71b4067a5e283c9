"""How a CSV file writes quotes: found out together with the delimiter, since a wrong guess swallows rows in silence.

Three ways are common: quotes around a field, doubled inside it (RFC 4180); the same with a backslash before those
inside; and no quoting at all, where a quote is a character of the text (tab-separated exports). Read in the first way,
a text of the third that begins with a quote goes on to the next quote, however many rows that takes.
"""

from __future__ import annotations

import csv
import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.config.rows.source import SourceConfig

_BACKSLASH = "\\"
_EVEN = 0.95  # of the rows have as many fields as the header where a way fits
_RARE_IN_TEXTS = "\t|"
REMEDY = (
    "If quotes are characters of the texts, set data.source.quoting to `none`; if a backslash stands before those "
    "inside a text, set data.source.escape to one (`--set 'data.source.escape=\\'`)"
)


@dataclasses.dataclass(frozen=True)
class Dialect:
    """How rows are cut into fields.

    Attributes:
        delimiter: between two fields.
        quoting: whether a field may stand in double quotes.
        escape: what makes a quote inside a quoted field a character; empty for doubled quotes alone.
    """

    delimiter: str
    quoting: bool = True
    escape: str = ""

    def reader(self, lines: Iterable[str]) -> Any:
        """A reader of the `csv` module that accepts nothing unclear."""
        form: dict[str, Any] = {"quoting": csv.QUOTE_MINIMAL if self.quoting else csv.QUOTE_NONE}
        return csv.reader(lines, delimiter=self.delimiter, escapechar=self.escape or None, strict=True, **form)

    def swallows(self, fields: Sequence[str], width: int) -> bool:
        """Whether a field holds what looks like rows: as many delimiters as its lines have as rows.

        Args:
            fields: of one row.
            width: of the header.
        """
        return self.quoting and any("\n" in field and self._is_rows(field, width - 1) for field in fields)

    def _is_rows(self, field: str, between: int) -> bool:
        lines = field.split("\n")
        if len(lines) < 3 and self.delimiter not in _RARE_IN_TEXTS:  # a comma stands in many a text of two lines
            return False
        return (
            between > 0
            and field.count(self.delimiter) == between * (len(lines) - 1)
            and all(line.count(self.delimiter) == between for line in lines[1:-1])
        )


def find(lines: Sequence[str], delimiter: str, config: SourceConfig) -> Dialect:
    """The way that fits the beginning of a file.

    Args:
        lines: the beginning.
        delimiter: between two fields.
        config: what is set and need not be found out.

    Returns:
        The usual way (quotes, doubled inside) unless rows contradict it and another fits all of them.
    """
    quotings = {"double": [True], "none": [False], "auto": [True, False]}[config.quoting]
    escapes = ["", _BACKSLASH] if config.escape == "auto" else [config.escape]
    ways = [
        Dialect(delimiter, quoting, escape)
        for quoting, escape in itertools.product(quotings, escapes)
        if quoting or _may_lack_quotes(delimiter, escape, config)
    ]
    usual = ways[0]
    if len(ways) == 1 or _fits(usual, lines, usual):
        return usual
    return next((way for way in ways[1:] if _fits(way, lines, usual)), usual)


def _may_lack_quotes(delimiter: str, escape: str, config: SourceConfig) -> bool:
    """Not commas: texts have them, and need quotes. A backslash is then a character, unless somebody says otherwise."""
    return (config.quoting == "none" or delimiter in _RARE_IN_TEXTS) and (config.escape != "auto" or not escape)


def _fits(way: Dialect, lines: Sequence[str], usual: Dialect) -> bool:
    try:
        rows = [fields for fields in way.reader(lines) if fields]
    except csv.Error:
        return False
    if not rows:
        return True
    width = len(rows[0])
    if any(way.swallows(fields, width) for fields in rows):
        return False
    if way == usual:
        return True
    even = sum(len(fields) == width for fields in rows) / len(rows)
    return even >= _EVEN and rows[0] == next(usual.reader(lines[:1]), None)
