"""What the linear model leaves that a network has to beat: a target's part `linear` makes it."""

from __future__ import annotations

import dataclasses
from typing import Any

from modules.quality.predictions import Predictions


@dataclasses.dataclass(frozen=True)
class LinearModel:
    """A fitted linear model.

    Attributes:
        record: JSON values, the content of `baseline.json`: `model`, what it is, in words; `rows` that it learnt from;
            `seconds`; `splits`, by name what `modules.quality.scoring.Scoring.scored` gives; and what else a kind says.
        predictions: its answers to every split but `train`, by name.
    """

    record: dict[str, Any]
    predictions: dict[str, Predictions]
