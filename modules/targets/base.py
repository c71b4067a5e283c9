"""What every target of a network promises. A kind is a class of this one in a file of its own, and nothing else.

Nothing here imports TensorFlow: a configuration with a target is checked before anything heavy is loaded.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from modules.settings import Section
from modules.tensors import Column, Tensor

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf
    import tf_keras


class Target(Section, abc.ABC):
    """A target: its own section of the configuration, and what each stage asks of it."""

    # The metric of `metrics` that the best epoch has most of.
    objective: ClassVar[str]
    # Metrics that `evaluator.thresholds` may bound, and those of them that are errors.
    bounded: ClassVar[tuple[str, ...]] = ()
    lower_is_better: ClassVar[frozenset[str]] = frozenset()
    # Whether a bundle can decide and answer as `answers` does.
    device_answers: ClassVar[bool] = False

    kind: str
    """Which kind of target this is."""
    column: str
    """The column that holds the right answer."""

    @property
    def names(self) -> list[str]:
        """Names of the answers in the order of their ids; empty where answers are no names."""
        return []

    def columns(self) -> tuple[Column, ...]:
        """The columns that ExampleGen must read for it."""
        return (Column(self.column),)

    @abc.abstractmethod
    def tensor(self) -> Tensor:
        """What `features` gives: the right answer as the loss takes it."""

    @classmethod
    @abc.abstractmethod
    def outputs(cls, names: Sequence[str]) -> int:
        """Width of the network's last layer, for these names of answers."""

    @abc.abstractmethod
    def features(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Its part of the preprocessing, in Transform alone: a server is asked what the answer is.

        Args:
            raw: by column, `[batch]` of the column's type.

        Returns:
            By name, the tensor that `tensor` describes, `[batch, *shape]`.
        """

    @classmethod
    @abc.abstractmethod
    def head(cls, vector: tf_keras.KerasTensor, outputs: int) -> tf_keras.KerasTensor:
        """The last layers, float32 under any precision policy.

        Args:
            vector: what the fusion gave, float32 `[batch, dim]`.
            outputs: as `outputs` says.
        """

    @abc.abstractmethod
    def loss(self) -> tf_keras.losses.Loss:
        """Between `features` and what the head gives."""

    def smoothed_loss(self, smoothing: float) -> tf_keras.losses.Loss:
        """The same with smoothed answers.

        Args:
            smoothing: share of the right answer's weight that all answers get alike, `trainer.label_smoothing`.

        Raises:
            ValueError: the target has no labels to smooth.
        """
        raise ValueError(
            f"trainer.label_smoothing is {smoothing}; a target of kind {self.kind} has no labels to smooth; set it to 0"
        )

    @abc.abstractmethod
    def metrics(self) -> list[tf_keras.metrics.Metric]:
        """What a training watches; `objective` is among their names. Call it inside the strategy's scope."""

    def class_weights(self, values: np.ndarray, mode: str) -> dict[int, float] | None:
        """Keras' weights by class; None where the target has no classes or `mode` is `none`.

        Args:
            values: `features` of all training rows, `[rows, *shape]`.
            mode: `trainer.class_weights`.

        Raises:
            ValueError: the target has no classes to weigh.
        """
        if mode != "none":
            raise ValueError(f"trainer.class_weights is {mode}; a target of kind {self.kind} has no classes to weigh")
        return None

    @abc.abstractmethod
    def answers(self) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
        """What a server answers, by name, from what the head gives; the constants that it needs are made once."""

    def metric_specs(self) -> list[tuple[dict[str, dict[str, Any]], dict[str, Any]]]:
        """What TFMA measures.

        Returns:
            Groups: the metrics by name (TFMA's `MetricConfig` as JSON), and the rest of the group's `MetricsSpec`.
            Metrics that `bounded` names get the bounds of the configuration.
        """
        return []

    @property
    def prediction_key(self) -> str:
        """Which of `answers` TFMA compares with the right answer."""
        return "probabilities"
