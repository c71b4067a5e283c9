"""Patterns of spans, `…/span-{SPAN}/version-{VERSION}/*`, as text: what they may hold, and where they divide.

The placeholders are TFX's: `{SPAN}` or a date, `{YYYY}`, `{MM}` and `{DD}`, whose span is the days since 1970, and
`{VERSION}` of a span that was written again. `{SPAN:4}` has leading zeros.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

Glob = Callable[[str], Iterable[str]]  # lists the paths that match a glob
PLACEHOLDER = re.compile(r"\{(SPAN|VERSION|YYYY|MM|DD)(?::(\d+))?\}")
DATE_WIDTHS = {"YYYY": 4, "MM": 2, "DD": 2}


def has_spans(path: str) -> bool:
    """Whether a path has placeholders."""
    return PLACEHOLDER.search(path) is not None


def split(path: str) -> tuple[str, str]:
    """Divides a path into the folder that TFX calls the input base, and the pattern below it.

    Args:
        path: a file, a glob, or a pattern of spans; may be a URI.

    Returns:
        The folder, `/` for the root, and the rest from the first component with a placeholder on.
    """
    found = PLACEHOLDER.search(path)
    end = path.rfind("/", 0, found.start() if found else len(path))
    return path[:end] if end > 0 else "/", path[end + 1 :]


def problem(path: str) -> str:
    """What makes a pattern unusable, in one sentence; an empty string if nothing does."""
    names = [name for name, _ in PLACEHOLDER.findall(path)]
    twice = sorted({name for name in names if names.count(name) > 1})
    dates = set(names) & set(DATE_WIDTHS)
    if twice:
        return f"{{{twice[0]}}} stands twice"
    if dates and dates != set(DATE_WIDTHS):
        return "a date needs all of {YYYY}, {MM} and {DD}"
    if bool(dates) == ("SPAN" in names) and names:
        return "use {SPAN} or a date, {YYYY}, {MM} and {DD}, one of them"
    return ""
