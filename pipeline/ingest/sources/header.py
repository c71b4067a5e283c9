"""The first lines of a table of texts: names of columns as people write them, and what Excel puts above them."""

from __future__ import annotations

import re
from collections.abc import Sequence

_BREAK = re.compile(r"\s*[\r\n]+\s*")
_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)


def names(cells: Sequence[str]) -> list[str]:
    """The columns' names: without outer blanks and line breaks; a cell that is empty gets its place as a name."""
    found = [_BREAK.sub(" ", cell.strip()) for cell in cells]
    return [name or f"column_{place}" for place, name in enumerate(found, start=1)]


def excel_delimiter(lines: Sequence[str]) -> tuple[int, str]:
    """How many lines to pass over, and the delimiter that Excel's first line `sep=;` names; 0 and nothing without."""
    found = _SEPARATOR.fullmatch(lines[0].strip("\r\n")) if lines else None
    return (1, found[1]) if found else (0, "")
