"""Which column is the text, which the label, and which are worth evaluating by; each with the reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from pipeline.profiling.columns import Column

MOST_LABELS = 1_000
MOST_SLICES = 20
_FEWEST_ROWS = 3  # of a label: one for each split
_RARE_ROWS, _RARE_SHARE, _RARE_PART = 10, 0.01, 0.1  # below all of them a value is more likely a slip than a class
_GAP = 3  # counts that go down by less than this factor are the long tail of many labels, and no slips
_MANY = 50  # values, from which on a column of numbers is hardly a label
_TEXT_NAMES = ("text", "review", "comment", "message", "sentence", "content", "body", "title", "tweet", "document",
               "question", "description", "summary", "phrase", "utterance", "内容", "文本", "评论", "句子", "正文",
               "本文", "テキスト", "文章")  # fmt: skip
_LABEL_NAMES = ("label", "class", "target", "category", "sentiment", "intent", "topic", "emotion", "tag", "y", "rating",
                "score", "stars", "polarity", "spam", "标签", "类别", "分类", "评价", "情感", "ラベル", "カテゴリ",
                "分類")  # fmt: skip


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
    # A value that is long, or one per few rows, is a category of something else; many numbers are a measurement.
    able = [column for column in able if column.words < 6 and column.present >= 2 * column.distinct]
    able = [
        column
        for column in able
        if column.kind != "number"
        or len(column.values) <= (_MANY if column.whole else MOST_SLICES)
        or (column.whole and _named(column, _LABEL_NAMES))
    ]
    if not able:
        return Choice("", _why_no_label(columns, text))

    def score(column: Column) -> tuple[float, ...]:
        whole = column.present / (column.present + column.missing)
        return (2 * _named(column, _LABEL_NAMES) + whole - min(len(column.values) / _MANY, 1), -columns.index(column))

    best = max(able, key=score)
    reasons = [f"{len(best.values)} values", *_name_reason(best, _LABEL_NAMES)]
    others = [column.name for column in able if column is not best]
    if others and not _named(best, _LABEL_NAMES):
        reasons.append(f"but {', '.join(others)} could be it, too")
    return Choice(best.name, ", ".join(reasons))


def is_measurement(column: Column) -> bool:
    """Whether the values of a column are a number to predict rather than labels: more of them than labels have."""
    if column.kind != "number":
        return False
    if _named(column, _LABEL_NAMES) and column.whole and 2 <= len(labels_of(column)) <= MOST_LABELS:
        return column.distinct > MOST_LABELS
    return column.distinct > (_MANY if column.whole else MOST_SLICES)


def find_slices(columns: Sequence[Column], text: str, label: str) -> list[Choice]:
    """Columns with few values that nearly every row has: results are worth knowing for each value."""
    return [
        Choice(column.name, f"{len(column.values)} values, none missing")
        for column in columns
        if column.name not in (text, label)
        and 2 <= len(column.values) <= MOST_SLICES
        and not column.missing
        and min(column.values.values()) >= min(_RARE_ROWS, column.present // 10)
        and column.words < 4
    ]


def labels_of(column: Column) -> list[str]:
    """The values that are labels, in alphabetical order: those that are not so rare that they look like slips.

    A value with fewer than three rows cannot stand in all three splits and is none. One that is rare beside the others
    is none either, unless counts go down to it step by step, as those of many labels do, or fewer than two would be
    left: the rare one of two is often the one that matters.
    """
    enough = {value: count for value, count in column.values.items() if count >= _FEWEST_ROWS}
    common = {value: count for value, count in enough.items() if not _rare(count, column)}
    if len(common) < 2:
        return sorted(enough)
    least = min(common.values())
    for value, count in sorted(enough.items(), key=lambda item: -item[1]):
        if value in common:
            continue
        if count * _GAP < least:
            break
        common[value], least = count, count
    return sorted(common)


def rare_labels(column: Column) -> dict[str, int]:
    """The other values with their rows."""
    labels = set(labels_of(column))
    return {value: count for value, count in column.values.items() if value not in labels}


def why_no_labels(column: Column) -> str:
    """Why a column cannot be the label, and what would make it one."""
    if column.kind == "empty":
        return "no row has a value in it"
    if not column.values and column.distinct <= MOST_LABELS:
        return f"its {column.distinct} different values hardly repeat"
    if not column.values:
        return (
            f"it has {column.distinct} different values, more than the {MOST_LABELS} labels that a task can have; "
            "put them into groups in a column of its own"
        )
    if len(column.values) == 1:
        [(value, count)] = column.values.items()
        return f"all {count} rows have the one value {value!r}; add rows of at least one other label"
    labels = len(labels_of(column))
    if labels > MOST_LABELS:
        return f"it has {labels} values, more than the {MOST_LABELS} labels that a task can have; put them into groups"
    return (
        f"of its {len(column.values)} values {labels or 'none'} has {_FEWEST_ROWS} rows or more, one for each of "
        "train, eval and test; add rows of at least two labels"
    )


def _why_no_label(columns: Sequence[Column], text: str) -> str:
    """Why none of several columns can be the label; of the one that looks most like it, if one does."""
    others = [column for column in columns if column.name != text and column.kind != "empty"]
    named = [column for column in others if _named(column, _LABEL_NAMES)] or (others if len(others) == 1 else [])
    if named and not 2 <= len(labels_of(named[0])) <= MOST_LABELS:
        return f"{named[0].name!r} cannot be it: {why_no_labels(named[0])}"
    return f"no column has 2 to {MOST_LABELS} values that repeat"


def _rare(count: int, column: Column) -> bool:
    equal_share = column.present / len(column.values)
    return count < _RARE_ROWS and count < _RARE_SHARE * column.present and count < _RARE_PART * equal_share


def _named(column: Column, names: Sequence[str]) -> bool:
    words = column.name.lower().replace("-", "_").replace(" ", "_").split("_")
    return column.name.lower() in names or bool(set(words) & set(names))


def _name_reason(column: Column, names: Sequence[str]) -> list[str]:
    return ["and its name says so"] if _named(column, names) else []
