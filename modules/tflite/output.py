"""What a converted network gives and how two of its answers are compared: what a target brings, as `device`.

A kind of target that a device can answer derives a class of its own from `Output`; the graph, the proof of parity and
the bundle ask that.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from modules.network.arrays import Array
from modules.registry import load
from modules.targets.base import Target
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
    # The score by which variants are told apart: the gate bounds its loss, of all rows and of each slice.
    score: ClassVar[str]
    # Scores whose loss is a share of what the blessed model has: those with a unit.
    relative: ClassVar[frozenset[str]] = frozenset()
    # What an `agreement` is, in words.
    agrees: ClassVar[str]

    @abc.abstractmethod
    def of_logits(self, logits: tf.Tensor, ending: Sequence[Array]) -> tf.Tensor:
        """What a file gives: operations that TFLite has built in.

        Args:
            logits: what the layer `modules.targets.base.LOGITS` gives, float32 `[1, outputs]`.
            ending: arrays of the head's layers behind that one, see `modules.network.arrays.NetworkWeights`.
        """

    @abc.abstractmethod
    def expected(self, logits: Floats, ending: Sequence[Array]) -> Floats:
        """The same of a whole split, without TensorFlow.

        Args:
            logits: float32 `[rows, outputs]`.
            ending: as of `of_logits`.
        """

    def learnt(self, ending: Sequence[Array]) -> dict[str, Any]:
        """What a manifest's `target` says that the network has learnt, as JSON values.

        Args:
            ending: as of `of_logits`.
        """
        return {}

    def section(self, target: Target) -> dict[str, Any] | None:
        """What a manifest's `target` says, but for its output and labels; None of one label.

        Args:
            target: of the task.
        """
        return {"kind": target.kind}

    @abc.abstractmethod
    def undecided(self, outputs: Floats) -> np.ndarray:
        """Answers before anything was chosen on eval, `[rows]` or `[rows, names]`.

        Args:
            outputs: of a file, `[rows, outputs]`.
        """

    @abc.abstractmethod
    def predicted(self, answers: Sequence[Any], names: Sequence[str]) -> np.ndarray:
        """A device's answers as `modules.quality.scoring.Scoring` takes them, `[rows]` or `[rows, names]`.

        Args:
            answers: what `edgeline_edge.classifier.Classifier.predict` gave.
            names: of the answers in the order of their ids; none where answers have no names.
        """

    def agreement(self, one: np.ndarray, other: np.ndarray) -> float:
        """How far two models agree, 1 where they answer alike: the share of rows with one answer.

        Args:
            one: answers, as `predicted` or `undecided` gives them.
            other: answers to the same rows, of what the one is compared with.
        """
        return float(np.mean(one == other))

    def drop(self, metric: str, own: float, reference: float, *, lower_is_better: bool) -> float:
        """How much worse a score is; below 0 it is better.

        Args:
            metric: its name.
            own: of a variant.
            reference: of the blessed model.
            lower_is_better: whether less of it is better.
        """
        worse = own - reference if lower_is_better else reference - own
        return worse / max(abs(reference), 1e-12) if metric in self.relative else worse

    def measured(self, answers: Sequence[Any], truth: np.ndarray, target: Target) -> dict[str, Any]:
        """What else is measured of a bundle's answers, as JSON values.

        Args:
            answers: as of `predicted`.
            truth: the right answers, as `target.truth` gives them.
            target: of the task.
        """
        return {}


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
