"""How a column of numbers is summarised and compared, for drift and skew."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from modules.inputs import raw_column
from modules.inputs.base import Input
from modules.inputs.distances import apart, lacking
from modules.inputs.profiles import Comparison, Distance

import numpy as np

VALUES = "values"
_QUANTILES = 201


@dataclasses.dataclass(frozen=True)
class NumberProfile:
    """The numbers of a split.

    Attributes:
        rows: in all.
        missing: rows without a number.
        quantiles: from the smallest number to the largest, evenly spaced by rows; none where there is no number.
    """

    rows: int
    missing: int
    quantiles: Sequence[float]

    def to_json(self) -> str:
        """As text."""
        return json.dumps(dataclasses.asdict(self))


def summarise(part: Input, file_patterns: Sequence[str], *, label: str | None, sample: int) -> NumberProfile:
    """Of all rows, since a number is small: the role `statistics`, see `modules.inputs.roles`.

    Args:
        part: the input.
        file_patterns: globs of raw examples.
        label: of no use here.
        sample: of no use here.
    """
    del label, sample
    [column] = part.columns()
    values = np.concatenate([np.zeros(0), *raw_column.batches(file_patterns, column)])
    numbers = values[~np.isnan(values)]
    quantiles = np.quantile(numbers, np.linspace(0, 1, _QUANTILES)).tolist() if len(numbers) else []
    return NumberProfile(len(values), len(values) - len(numbers), quantiles)


def compare(now: str, before: str) -> Comparison:
    """Compares two profiles as they were written: the role `distances`, see `modules.inputs.roles`."""
    ours, theirs = (NumberProfile(**json.loads(text)) for text in (now, before))
    found = [
        Distance(VALUES, "kolmogorov_smirnov", apart(ours.quantiles, theirs.quantiles)),
        lacking(ours, theirs),
    ]
    return Comparison(min(ours.rows, theirs.rows), found)
