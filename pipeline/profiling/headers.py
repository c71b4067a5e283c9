"""Whether the first line of a file is a header at all."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.profiling.columns import Column, words_of

_PART = 0.4  # of the words of a text, which a name that is one has at least
_WORDS = 6  # of a name, from which on it reads like a text
_SHARE = 0.02  # of the rows that have the name as their value; a header that stands in the file twice has less


def seems_data(columns: Sequence[Column]) -> str:
    """Why the first line must be a row, in words; empty if it need not be.

    One sign alone is none: a column of the values `spam` and `ham` may well be called `spam`. The name of the column
    with the longest texts must read like one of them, too.
    """
    longest = max(columns, key=lambda column: column.words, default=None)
    if longest is None or words_of(longest.name) < max(2.0, _PART * longest.words):
        return ""
    for column in columns:
        if column.values.get(column.name, 0) > max(1, _SHARE * column.present):
            return f"{column.name!r} stands in it, and in {column.values[column.name]} rows of the same column"
    numbers = [column for column in columns if column.kind == "number" and _is_number(column.name)]
    return f"{numbers[0].name!r} in it is a number, as all rows of that column are" if numbers else ""


def notes(columns: Sequence[Column], headless: str) -> list[str]:
    """What a person should know of the header, in sentences.

    Args:
        columns: of the file.
        headless: what `seems_data` said.
    """
    if headless:
        return [f"the first line looks like data and not like a header: {headless}; {remedy(columns)}"]
    odd = next((column.name for column in columns if _reads_like_text(column.name)), "")
    if not odd:
        return []
    return [f"the header has the name {odd!r}; if that is a row, {remedy(columns)}"]


def remedy(columns: Sequence[Column]) -> str:
    """The option that names the columns, with as good names as can be guessed."""
    longest = max(columns, key=lambda column: column.words)
    few = [column for column in columns if 2 <= len(column.values) <= max(2, column.present // 2)]
    label = few[0] if few else None
    names = [
        "text" if column is longest else "label" if column is label else f"column_{place}"
        for place, column in enumerate(columns, start=1)
    ]
    return f"name the columns with `--columns {','.join(names)}`"


def _reads_like_text(name: str) -> bool:
    return len(name.split()) >= _WORDS


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True
