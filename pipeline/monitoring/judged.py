"""How far an input's values are from others, and whether that is too far: for spans, for what is served, for windows.

What is measured is each kind's own (roles `statistics` and `distances`); the bounds are those of `validator`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from modules.inputs import kinds
from modules.inputs.profiles import profile_file

from pipeline.config.validator import ValidatorConfig


@dataclasses.dataclass(frozen=True)
class Judged:
    """One distance of an input.

    Attributes:
        feature: what the input measures, behind its name where there are several inputs.
        measure: how the distance is defined.
        distance: its value.
        bound: the largest value that is accepted; None where nothing is judged.
        breached: whether the distance is above its bound.
    """

    feature: str
    measure: str
    distance: float
    bound: float | None
    breached: bool


def judge(
    inputs: kinds.Inputs, profiles: Callable[[str], tuple[str | None, str | None]], validator: ValidatorConfig
) -> Iterator[Judged]:
    """What the inputs measure; one that plays no role in it, or has no profile on either side, is left out.

    Args:
        inputs: of the task.
        profiles: by name of the file that StatisticsGen leaves for an input, the profile to judge and the other one.
        validator: the section of the configuration.
    """
    bounds = validator.bounds(inputs)
    for name, (_, compare_profiles) in kinds.playing(inputs, "distances").items():
        ours, theirs = profiles(profile_file(name))
        if ours is None or theirs is None:
            continue
        found = compare_profiles(ours, theirs)
        for item in found.distances:
            bound = getattr(bounds[name], item.feature, None) if found.rows >= validator.min_rows else None
            feature = item.feature if len(inputs) == 1 else f"{name}.{item.feature}"
            yield Judged(feature, item.measure, item.value, bound, bound is not None and item.value > bound)
