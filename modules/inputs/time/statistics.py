"""How a column of times is summarised and compared, for drift and skew."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from modules.inputs import raw_column
from modules.inputs.base import Input
from modules.inputs.distances import divergence, lacking
from modules.inputs.profiles import Comparison, Distance
from modules.inputs.time import calendar
from modules.inputs.time.input import Time

import numpy as np

HOURS, WEEKDAYS, MONTHS = "hours", "weekdays", "months"


@dataclasses.dataclass(frozen=True)
class TimeProfile:
    """The times of a split.

    Attributes:
        rows: in all.
        missing: rows without a time.
        hours: rows by hour of the day, 24.
        weekdays: rows by day of the week, Monday first, 7.
        months: rows by twelfth of the year, 12.
    """

    rows: int
    missing: int
    hours: Sequence[int]
    weekdays: Sequence[int]
    months: Sequence[int]

    def to_json(self) -> str:
        """As text."""
        return json.dumps(dataclasses.asdict(self))


def summarise(part: Input, file_patterns: Sequence[str], *, label: str | None, sample: int) -> TimeProfile:
    """Of all rows, since a time is small: the role `statistics`, see `modules.inputs.roles`.

    Args:
        part: the input.
        file_patterns: globs of raw examples.
        label: of no use here.
        sample: of no use here.
    """
    import tensorflow as tf

    del label, sample
    assert isinstance(part, Time)
    [column] = part.columns()
    rows = missing = 0
    counts = {name: np.zeros(size, np.int64) for name, size in ((HOURS, 24), (WEEKDAYS, 7), (MONTHS, 12))}
    for batch in raw_column.batches(file_patterns, column):
        found, there = calendar.seconds(tf.constant(batch), local=part.clock == "local")
        known = there.numpy()
        places = {name: values.numpy()[known] for name, values in calendar.places(found).items()}
        rows, missing = rows + len(known), missing + int((~known).sum())
        counts[HOURS] += np.bincount(places["hour_of_day"] // 60, minlength=24)
        counts[WEEKDAYS] += np.bincount(places["day_of_week"], minlength=7)
        counts[MONTHS] += np.bincount(places["day_of_year"] * 12 // 366, minlength=12)
    return TimeProfile(rows, missing, *(counts[name].tolist() for name in (HOURS, WEEKDAYS, MONTHS)))


def compare(now: str, before: str) -> Comparison:
    """Compares two profiles as they were written: the role `distances`, see `modules.inputs.roles`."""
    ours, theirs = (TimeProfile(**json.loads(text)) for text in (now, before))
    found = [
        Distance(name, "jensen_shannon_divergence", divergence(*(_counts(profile, name) for profile in (ours, theirs))))
        for name in (HOURS, WEEKDAYS, MONTHS)
    ]
    found.append(lacking(ours, theirs))
    return Comparison(min(ours.rows, theirs.rows), found)


def _counts(profile: TimeProfile, cycle: str) -> dict[int, int]:
    """Rows by place in a cycle."""
    return dict(enumerate(getattr(profile, cycle)))
