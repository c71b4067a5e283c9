"""Parts of messages that stay short, whatever the file holds: one value, some of many names."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

_CHARACTERS, _NAMES, _COMPARED = 80, 20, 2000


def shown(value: object, most: int = _CHARACTERS) -> str:
    """A value as Python writes it, cut after some characters.

    Args:
        value: any.
        most: characters.
    """
    text = repr(value[: most + 1] if isinstance(value, str | bytes) else value)
    return text if len(text) <= most + 2 else f"{text[:most]}…"


def shown_line(text: str, most: int = 200) -> str:
    """A text as one line, cut after some characters.

    Args:
        text: any.
        most: characters.
    """
    line = " ".join(text[: 10 * most].split())
    return line if len(line) <= most else f"{line[:most]}…"


def some(names: Iterable[object], most: int = _NAMES, *, characters: int = _CHARACTERS) -> str:
    """The first of many names, and how many more there are.

    Args:
        names: in the order in which they are told.
        most: names.
        characters: of one name; a path is of use only whole.
    """
    listed = [str(name) for name in names]
    told = ", ".join(name if len(name) <= characters else f"{name[:characters]}…" for name in listed[:most])
    return told if len(listed) <= most else f"{told} and {len(listed) - most:,} more"


def nearest(name: str, known: Collection[str]) -> str:
    """The name that was probably meant; empty if none is near, or there are so many that looking would take long.

    Args:
        name: what was given.
        known: what there is.
    """
    same = next((one for one in known if one.strip().casefold() == name.strip().casefold()), "")
    if same or len(known) > _COMPARED or len(name) > _CHARACTERS:
        return same
    return next(iter(difflib.get_close_matches(name, [one for one in known if len(one) <= _CHARACTERS], n=1)), "")
