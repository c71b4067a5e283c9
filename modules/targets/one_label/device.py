"""One label on a device: a softmax in the file, and the most probable label is the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from modules.targets.one_label.target import PROBABILITIES
from modules.tflite.output import Floats, Output

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf


class LabelOutput(Output):
    """Probabilities of the labels."""

    name: ClassVar[str] = PROBABILITIES

    def of_logits(self, logits: tf.Tensor) -> tf.Tensor:
        """float32 `[1, labels]`."""
        import tensorflow as tf

        return tf.nn.softmax(logits)

    def expected(self, logits: Floats) -> Floats:
        """float32 `[rows, labels]`."""
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: Floats = exponents / exponents.sum(axis=1, keepdims=True)
        return shares

    def agreement(self, one: Floats, other: Floats) -> float:
        """By the most probable label."""
        return float(np.mean(one.argmax(axis=1) == other.argmax(axis=1)))

    def predicted(self, answers: Sequence[Any], names: Sequence[str]) -> np.ndarray:
        """Label ids, int64 `[rows]`."""
        ids = {name: number for number, name in enumerate(names)}
        return np.array([ids[answer.label] for answer in answers], np.int64)
