"""How long a draft trains: by steps rather than passes, so that few rows and many labels get enough of them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from modules.training.settings import TrainerSettings

_BATCH = 32
_STEPS, _STEPS_A_LABEL = 250, 8
_FEWEST, _MOST = 2, 60
_EVEN = 0.8  # of as many labels as there are; below it rare labels are so rare that they must be weighed


def epochs(rows: int, labels: int, *, share: float = 1.0) -> int:
    """Passes over the train split.

    Args:
        rows: of the train split that are used.
        labels: how many.
        share: of the steps that a fine-tuning takes; a student that begins as its teacher needs fewer.
    """
    steps = share * (_STEPS + _STEPS_A_LABEL * labels)
    return max(_FEWEST, min(_MOST, math.ceil(steps / max(1, rows / _BATCH))))


def patience_lines(epochs: int) -> list[str]:
    """How many epochs without progress such a training should bear: a quarter of them, as with `trainer.epochs: auto`.

    Args:
        epochs: of the training. Of few rows an epoch is a few steps, and the first ones are warming up.

    Returns:
        A line of the section `trainer`; none where its own default is as much.
    """
    needed = math.ceil(epochs / 4)
    if needed <= TrainerSettings().early_stopping_patience:
        return []
    return [f"  early_stopping_patience: {needed}  # epochs: each is a few steps, and the first ones are warming up"]


def unbalanced(labels: Mapping[str, int]) -> bool:
    """Whether the labels are so uneven that rare ones are easily given up.

    Measured by the effective number of labels, the exponential of the entropy of their shares: 87 : 13 are worth 1.5
    of 2.
    """
    total = sum(labels.values())
    shares = [count / total for count in labels.values() if count]
    return math.exp(-sum(share * math.log(share) for share in shares)) < _EVEN * len(labels)
