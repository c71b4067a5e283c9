"""What is odd about the names and the counts of labels, in sentences with the remedy."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping

from pipeline.config import messages

_SHOWN = 5
_FEW = 30  # rows of a label, below which its results are mostly chance
# What names such pairs of values usually stand for; only ever a suggestion.
_MEANINGS = {
    ("0", "1"): ("negative", "positive"),
    ("-1", "1"): ("negative", "positive"),
    ("false", "true"): ("no", "yes"),
    ("0", "4"): ("negative", "positive"),
    ("-1", "0", "1"): ("negative", "neutral", "positive"),
    ("0", "1", "2"): ("negative", "neutral", "positive"),
}


def notes(labels: Mapping[str, int], rare: Mapping[str, int], column: str) -> list[str]:
    """What a person should know of these labels before training.

    Args:
        labels: rows by label.
        rare: rows by value that is no label.
        column: the label's column.
    """
    return [*alike(labels), *_numbers(labels, column), *_left_out(rare), *_few(labels)]


def alike(labels: Iterable[str]) -> list[str]:
    """Names that differ by case, outer or repeated blanks, or the form of a character or a number alone."""
    groups: dict[str, list[str]] = {}
    for label in labels:
        same = " ".join(unicodedata.normalize("NFKC", label).casefold().split())
        groups.setdefault(_plain(same), []).append(label)
    found = [
        f"the labels {', '.join(map(_quoted, group))} differ by case, blanks or the form of a character or a number "
        "alone and are learned as different answers; make them one in the file"
        for group in groups.values()
        if len(group) > 1
    ]
    twins = {label for group in groups.values() if len(group) > 1 for label in group}
    blank = [label for label in labels if label != label.strip() and label not in twins]
    if blank:
        found.append(
            f"{some(blank)}: these labels begin or end with a blank, which is part of the name; take it out of the "
            "file if it is not meant"
        )
    return found


def some(names: list[str]) -> str:
    """The first of several names, in quotes, and how many more there are."""
    return messages.some(map(_quoted, names), _SHOWN)


def _numbers(labels: Mapping[str, int], column: str) -> list[str]:
    names = sorted(labels, key=_value)
    if not all(_is_value(name) for name in names):
        return []
    meant = _MEANINGS.get(tuple(_plain(name) for name in names))
    pairs = ", ".join(f"{name} = {word}" for name, word in zip(names, meant, strict=True)) if meant else ""
    return [
        f"the labels {some(names)} are numbers or truth values, and a server will answer with them; write names into "
        f"{column!r} instead" + (f" (perhaps {pairs})" if pairs else " if they stand for something")
    ]


def _left_out(rare: Mapping[str, int]) -> list[str]:
    if not rare:
        return []
    shown = messages.some((f"{_quoted(value)} {count}" for value, count in rare.items()), _SHOWN)
    rows = sum(rare.values())
    what = (
        "1 value is too rare for a label, its"
        if len(rare) == 1
        else f"{len(rare)} values are too rare for a label, their"
    )
    how_many = "1 row" if rows == 1 else f"{rows} rows"
    return [f"{what} {how_many} will be quarantined: {shown}; add rows, or put them into another label"]


def _few(labels: Mapping[str, int]) -> list[str]:
    few = {label: count for label, count in labels.items() if count < _FEW}
    if not few:
        return []
    least = min(few, key=lambda label: (few[label], label))
    share = few[least] / sum(labels.values())
    return [
        f"{len(few)} of {len(labels)} labels have fewer than {_FEW} rows, the fewest {_quoted(least)} with "
        f"{few[least]} ({share:.1%}); only some of these are evaluated on, so what is measured is mostly chance"
    ]


def _value(name: str) -> tuple[float, str]:
    try:
        return float(name), name
    except ValueError:
        return (1.0 if name.strip().lower() in ("true", "yes") else 0.0), name


def _is_value(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return name.strip().lower() in ("true", "false")
    return True


def _plain(name: str) -> str:
    """`1.0` as `1`, `True` as `true`; what is no number stays as it is."""
    try:
        number = float(name)
    except ValueError:
        return name.strip().lower()
    return str(int(number)) if number.is_integer() else str(number)


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)
