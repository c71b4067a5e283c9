"""How an input's values are summarised and compared, for drift and skew: what the roles give each other.

`statistics` summarises a sample of what a split has of the input, `distances` compares two such summaries, and the
bounds of the distances are a section of the configuration, `Bounds`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Protocol

from modules.settings import Section

from pydantic import Field

Bound = Annotated[float, Field(gt=0.0, le=1.0)] | None


class Bounds(Section):
    """Largest distances of an input by what is compared, a field each; None measures and does not judge."""


class Profile(Protocol):
    """What the role `statistics` gives."""

    def to_json(self) -> str:
        """As text, which the role `distances` reads."""


@dataclasses.dataclass(frozen=True)
class Distance:
    """How far two profiles are apart in one respect.

    Attributes:
        feature: what was compared; its bound is the field of this name.
        measure: how.
        value: the distance; 0 for equal profiles.
    """

    feature: str
    measure: str
    value: float


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What the role `distances` gives.

    Attributes:
        rows: of the smaller of both samples; with too few nothing is judged.
        distances: by feature.
    """

    rows: int
    distances: Sequence[Distance]


def profile_file(name: str) -> str:
    """Name of the file that StatisticsGen leaves for an input.

    Args:
        name: of the input.
    """
    return f"{name}_profile.json"
