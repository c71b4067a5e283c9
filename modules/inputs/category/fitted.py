"""What Transform finds of a category, found in plain values: the role `fitted`, see `modules.inputs.roles`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from modules.inputs.category.input import Category


def fit(part: Category, values: Sequence[str]) -> Category:
    """The values that are frequent enough, the more frequent before the less."""
    counts = sorted(Counter(value for value in values if value).items(), key=lambda item: (-item[1], item[0]))
    return part.with_learnt({"values": [value for value, count in counts if count >= part.min_count][: part.most]})
