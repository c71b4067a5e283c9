"""Scores by a temperature, where a manifest asks for one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def calibrated(scores: npt.NDArray[np.float32], temperature: float) -> npt.NDArray[np.float32]:
    """Divides the logits by the temperature; up to a constant, logits are the logarithms of the probabilities.

    Args:
        scores: probabilities, float32 `[rows, labels]`.
        temperature: above 1 makes them more alike.
    """
    logits = np.log(np.maximum(scores, np.finfo(np.float32).tiny)) / np.float32(temperature)
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: npt.NDArray[np.float32] = exponents / exponents.sum(axis=1, keepdims=True)
    return result
