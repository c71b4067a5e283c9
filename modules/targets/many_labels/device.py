"""Several labels on a device: a sigmoid of each in the file, and thresholds in the manifest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from modules.network.arrays import Array
from modules.targets.many_labels.target import PROBABILITIES
from modules.tflite.output import Floats, Output

import numpy as np
from scipy import special

if TYPE_CHECKING:
    import tensorflow as tf

_HALF = 0.5  # before thresholds are chosen


class LabelSetOutput(Output):
    """A probability of each label."""

    name: ClassVar[str] = PROBABILITIES
    score: ClassVar[str] = "micro_f1"
    agrees: ClassVar[str] = "labels that both give, F1 of the ones against the others, are"

    def of_logits(self, logits: tf.Tensor, ending: Sequence[Array]) -> tf.Tensor:
        """float32 `[1, labels]`."""
        import tensorflow as tf

        return tf.sigmoid(logits)

    def expected(self, logits: Floats, ending: Sequence[Array]) -> Floats:
        """float32 `[rows, labels]`."""
        found: Floats = special.expit(logits)
        return found

    def undecided(self, outputs: Floats) -> np.ndarray:
        """1 for each label with a probability of one half or more, int8 `[rows, labels]`."""
        return (outputs >= np.float32(_HALF)).astype(np.int8)

    def predicted(self, answers: Sequence[Any], names: Sequence[str]) -> np.ndarray:
        """1 for each label that is answered, int8 `[rows, labels]`."""
        found = [[name in there for name in names] for there in (set(answer.labels) for answer in answers)]
        return np.array(found, np.int8).reshape(len(answers), len(names))

    def agreement(self, one: np.ndarray, other: np.ndarray) -> float:
        """F1 of the labels that the one gives against those of the other: what neither gives counts for nothing."""
        both, either = int((one & other).sum()), int(one.sum()) + int(other.sum())
        return 2 * both / either if either else 1.0
