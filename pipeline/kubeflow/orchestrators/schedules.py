"""Schedules in the form of cron, checked before an engine gets them."""

from __future__ import annotations

import re
from collections.abc import Iterator

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# Name, lowest, highest, and names in place of numbers, counted from the lowest.
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("second", 0, 59, ()),
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _DAYS),
)
_NAMED = re.compile(r"@(yearly|annually|monthly|weekly|daily|midnight|hourly|every (\d+(h|m|s))+)")
_ZONE = re.compile(r"(CRON_)?TZ=[A-Za-z0-9_+/-]+ ")


def problems(cron: str, fields: int) -> Iterator[str]:
    """Says what is wrong with a schedule.

    Args:
        cron: the expression.
        fields: 5, from the minute on, with a time zone in front if need be (`TZ=Europe/Berlin`); or 6, from the second
            on, or one of the named forms (`@daily`, `@every 6h`).

    Yields:
        One sentence for each field.
    """
    if fields == len(_FIELDS) and _NAMED.fullmatch(cron):
        return
    zone = _ZONE.match(cron) if fields < len(_FIELDS) else None
    given = cron[zone.end() if zone else 0 :].split()
    wanted = _FIELDS[-fields:]
    if len(given) != fields:
        listed = ", ".join(name for name, *_ in wanted)
        yield f"{fields} fields are needed ({listed}), there are {len(given)}"
        return
    for text, (name, low, high, names) in zip(given, wanted, strict=True):
        if not all(_is_part(part, low, high, names) for part in text.split(",")):
            yield f"{text} is no {name} ({low} … {high})"


def _is_part(text: str, low: int, high: int, names: tuple[str, ...]) -> bool:
    span, slash, step = text.partition("/")
    if slash and not (re.fullmatch(r"\d{1,3}", step, re.ASCII) and 0 < int(step) <= high):
        return False
    if span in ("*", "?"):
        return True
    ends = [_number(end, low, names) for end in span.split("-")]
    return len(ends) <= 2 and all(low <= end <= high for end in ends) and ends == sorted(ends)


def _number(text: str, low: int, names: tuple[str, ...]) -> int:
    if text.upper() in names:
        return low + names.index(text.upper())
    return int(text) if re.fullmatch(r"\d{1,2}", text, re.ASCII) else -1
