"""What a converted network gives and how two of its answers are compared: what a target brings, as `device`.

A kind of target that a device can answer derives a class of its own from `Output`; the graph, the proof of parity and
the bundle ask that.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from modules.registry import load
from modules.targets.kinds import TARGETS

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import tensorflow as tf

Floats = NDArray[np.float32]


class Output(abc.ABC):
    """The last operations of a file, and what stands in its only output."""

    # Name of the output in every signature of a file.
    name: ClassVar[str]

    @abc.abstractmethod
    def of_logits(self, logits: tf.Tensor) -> tf.Tensor:
        """What a file gives: operations that TFLite has built in.

        Args:
            logits: what the layer `modules.targets.base.LOGITS` gives, float32 `[1, outputs]`.
        """

    @abc.abstractmethod
    def expected(self, logits: Floats) -> Floats:
        """The same of a whole split, without TensorFlow.

        Args:
            logits: float32 `[rows, outputs]`.
        """

    @abc.abstractmethod
    def agreement(self, one: Floats, other: Floats) -> float:
        """Share of rows that two files decide alike.

        Args:
            one: outputs `[rows, outputs]`.
            other: of the same rows.
        """

    @abc.abstractmethod
    def predicted(self, answers: Sequence[Any], names: Sequence[str]) -> np.ndarray:
        """A device's answers as `modules.quality.scoring.Scoring` takes them, `[rows]`.

        Args:
            answers: what `edgeline_edge.classifier.Classifier.predict` gave.
            names: of the answers in the order of their ids; none where answers have no names.
        """


def of(target: str) -> Output:
    """What a file gives for a target.

    Args:
        target: its kind, as `modules.network.architecture.Architecture` has it.

    Raises:
        ValueError: no device can answer it.
    """
    path = TARGETS[target].parts.get("device")
    if path is None:
        raise ValueError(f"no device can answer a target of kind {target}: `device` of its parts is missing")
    made: Output = load(path)()
    return made
