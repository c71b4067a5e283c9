"""How a column of categories is summarised and compared, for drift and skew."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping, Sequence

from modules.inputs import raw_column
from modules.inputs.base import Input
from modules.inputs.distances import divergence, lacking
from modules.inputs.profiles import Comparison, Distance

VALUES, NEW = "values", "new_values"
_MOST = 10_000  # values that are written down, the most frequent ones


@dataclasses.dataclass(frozen=True)
class CategoryProfile:
    """The values of a split.

    Attributes:
        rows: in all.
        missing: rows without a value.
        values: rows by value, of the most frequent ones.
    """

    rows: int
    missing: int
    values: Mapping[str, int]

    def to_json(self) -> str:
        """As text."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, sort_keys=True)


def summarise(part: Input, file_patterns: Sequence[str], *, label: str | None, sample: int) -> CategoryProfile:
    """Of all rows, since a value is small: the role `statistics`, see `modules.inputs.roles`.

    Args:
        part: the input.
        file_patterns: globs of raw examples.
        label: of no use here.
        sample: of no use here.
    """
    del label, sample
    [column] = part.columns()
    counts: Counter[str] = Counter()
    for batch in raw_column.batches(file_patterns, column):
        counts.update(value.decode("utf-8", errors="replace") for value in batch.tolist())
    missing = counts.pop("", 0)
    # By the value among equals, so that the rows' order is nothing.
    frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MOST]
    return CategoryProfile(missing + sum(counts.values()), missing, dict(frequent))


def compare(now: str, before: str) -> Comparison:
    """Compares two profiles as they were written: the role `distances`, see `modules.inputs.roles`."""
    ours, theirs = (CategoryProfile(**json.loads(text)) for text in (now, before))
    total = sum(ours.values.values())
    new = sum(count for value, count in ours.values.items() if value not in theirs.values)
    found = [
        Distance(VALUES, "jensen_shannon_divergence", divergence(ours.values, theirs.values)),
        Distance(NEW, "new_value_share", new / total if total else 0.0),
        lacking(ours, theirs),
    ]
    return Comparison(min(ours.rows, theirs.rows), found)
