"""How a value of a slice column is called wherever a person reads it: in one line, and never as nothing."""

from __future__ import annotations

import unicodedata

EMPTY, BLANK = "(empty)", "(blank)"


def shown_value(value: str) -> str:
    """A value as it is, but for what cannot be seen.

    Args:
        value: of a slice column.

    Returns:
        `(empty)` for an empty one, `(blank)` for one of spaces alone; line breaks and control characters as spaces.
    """
    line = "".join(" " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character for character in value)
    return line if line.strip() else BLANK if value else EMPTY


def shown_name(name: str) -> str:
    """A slice by its name in the results.

    Args:
        name: `column:value`.
    """
    column, colon, value = name.partition(":")
    return f"{column}:{shown_value(value)}" if colon else name
