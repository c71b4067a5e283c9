"""One label on a device: a softmax in the file, and the most probable label is the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from modules.network.arrays import Array
from modules.targets.base import Target
from modules.targets.one_label.target import PROBABILITIES
from modules.tflite.output import Floats, Output

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf


class LabelOutput(Output):
    """Probabilities of the labels."""

    name: ClassVar[str] = PROBABILITIES
    score: ClassVar[str] = "accuracy"
    agrees: ClassVar[str] = "the same label for"

    def of_logits(self, logits: tf.Tensor, ending: Sequence[Array]) -> tf.Tensor:
        """float32 `[1, labels]`."""
        import tensorflow as tf

        return tf.nn.softmax(logits)

    def expected(self, logits: Floats, ending: Sequence[Array]) -> Floats:
        """float32 `[rows, labels]`."""
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: Floats = exponents / exponents.sum(axis=1, keepdims=True)
        return shares

    def section(self, target: Target) -> None:
        """Nothing: it is what a bundle has that does not say."""

    def undecided(self, outputs: Floats) -> np.ndarray:
        """The most probable label's ids, int64 `[rows]`."""
        return outputs.argmax(axis=1).astype(np.int64)

    def predicted(self, answers: Sequence[Any], names: Sequence[str]) -> np.ndarray:
        """Label ids, int64 `[rows]`."""
        ids = {name: number for number, name in enumerate(names)}
        return np.array([ids[answer.label] for answer in answers], np.int64)
