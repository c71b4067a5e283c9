"""KerasTuner 1.3.5: how many trials a Hyperband search runs.

TFX's Tuner asks the oracle for `max_trials`, which Hyperband leaves open, although its brackets fix the number; and
where several machines search, all but the chief's oracle are clients that keep their own copy of it in `_oracle`.
KerasTuner tells neither in public.
"""

from __future__ import annotations

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.tf_gaps.guard import Gap

import keras_tuner

_GAP = Gap("keras-tuner", __name__)


def hyperband_trials(tuner: keras_tuner.Hyperband) -> int:
    """Trials that one Hyperband iteration runs over all its brackets.

    Args:
        tuner: the search, on whichever machine.

    Raises:
        GapError: KerasTuner no longer sizes its brackets so.
    """
    oracle = getattr(tuner.oracle, "_oracle", tuner.oracle)
    names = ("_get_size", "_get_num_brackets", "_get_num_rounds")
    _GAP.require(oracle, *names)
    # The search itself must go by them: a leftover would tell another number.
    _GAP.require_use(type(oracle), "populate_space", "_get_size")
    return sum(
        oracle._get_size(bracket, round_number)
        for bracket in range(oracle._get_num_brackets())
        for round_number in range(oracle._get_num_rounds(bracket))
    )
