"""Which column is the text, which the label, and which are worth evaluating by; each with the reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from pipeline.profiling.columns import Column

MOST_LABELS = 50
MOST_SLICES = 20
RARE_ROWS, RARE_SHARE = 10, 0.01  # a value below both is more likely a slip than a class
_TEXT_NAMES = ("text", "review", "comment", "message", "sentence", "content", "body", "title", "tweet", "document",
               "question", "description", "summary", "phrase", "utterance")  # fmt: skip
_LABEL_NAMES = ("label", "class", "target", "category", "sentiment", "intent", "topic", "emotion", "tag", "y", "rating",
                "score", "stars", "polarity", "spam")  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Choice:
    """A column and why it was chosen, or why none was.

    Attributes:
        column: its name; empty if there is none.
        reason: in words.
    """

    column: str
    reason: str


def find_text(columns: Sequence[Column]) -> Choice:
    """The column with the text: many words, hardly a value twice, perhaps a name that says so."""

    def score(column: Column) -> float:
        different = column.distinct / max(column.present, 1)
        return column.words * (0.2 + different) * (2.0 if _named(column, _TEXT_NAMES) else 1.0)

    able = [column for column in columns if column.kind == "text" and column.distinct > 1]
    best = max(able, key=score, default=None)
    if best is None or (best.words < 2 and not _named(best, _TEXT_NAMES)):
        return Choice("", "no column holds texts of two words or more on average")
    reasons = [f"{best.words:.1f} words on average", f"{best.distinct / best.present:.0%} of the values differ"]
    return Choice(best.name, ", ".join([*reasons, *_name_reason(best, _TEXT_NAMES)]))


def find_label(columns: Sequence[Column], text: str) -> Choice:
    """The column with the label: few values, each of many rows, hardly one missing, perhaps a name that says so."""
    able = [column for column in columns if column.name != text and 2 <= len(labels_of(column)) <= MOST_LABELS]
    # A value that is long, or one per few rows, is a category of something else.
    able = [column for column in able if column.words < 6 and column.present >= 2 * column.distinct]
    if not able:
        return Choice("", f"no column has 2 to {MOST_LABELS} values that repeat")

    def score(column: Column) -> tuple[float, ...]:
        whole = column.present / (column.present + column.missing)
        return (2 * _named(column, _LABEL_NAMES) + whole - len(column.values) / MOST_LABELS, -columns.index(column))

    best = max(able, key=score)
    reasons = [f"{len(best.values)} values", *_name_reason(best, _LABEL_NAMES)]
    others = [column.name for column in able if column is not best]
    if others and not _named(best, _LABEL_NAMES):
        reasons.append(f"but {', '.join(others)} could be it, too")
    return Choice(best.name, ", ".join(reasons))


def find_slices(columns: Sequence[Column], text: str, label: str) -> list[Choice]:
    """Columns with few values that nearly every row has: results are worth knowing for each value."""
    return [
        Choice(column.name, f"{len(column.values)} values, none missing")
        for column in columns
        if column.name not in (text, label)
        and 2 <= len(column.values) <= MOST_SLICES
        and not column.missing
        and min(column.values.values()) >= min(RARE_ROWS, column.present // 10)
        and column.words < 4
    ]


def labels_of(column: Column) -> list[str]:
    """The values that are labels, in alphabetical order: those that are not so rare that they look like slips."""
    return sorted(value for value, count in column.values.items() if not _rare(count, column.present))


def rare_labels(column: Column) -> dict[str, int]:
    """The other values with their rows."""
    return {value: count for value, count in column.values.items() if _rare(count, column.present)}


def _rare(count: int, rows: int) -> bool:
    return count < RARE_ROWS and count < RARE_SHARE * rows


def _named(column: Column, names: Sequence[str]) -> bool:
    words = column.name.lower().replace("-", "_").replace(" ", "_").split("_")
    return column.name.lower() in names or bool(set(words) & set(names))


def _name_reason(column: Column, names: Sequence[str]) -> list[str]:
    return ["and its name says so"] if _named(column, names) else []
