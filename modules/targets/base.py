"""What every target of a network promises. A kind is a class of this one in a file of its own, and nothing else.

Nothing here imports TensorFlow: a configuration with a target is checked before anything heavy is loaded.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from modules.registry import load
from modules.settings import Section
from modules.targets.cell import Cell
from modules.tensors import Column, Tensor

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf
    import tf_keras

# What a head calls its last dense layer, before any activation: students and reasons are made from it.
LOGITS = "logits"


class Target(Section, abc.ABC):
    """A target: its own section of the configuration, and what each stage asks of it."""

    # Names of `metrics`, what a training and a search can go by; the first one decides which epoch is the best.
    watched: ClassVar[tuple[str, ...]]
    # Metrics that `evaluator.thresholds` may bound. Of these and of `watched`, those of which less is better.
    bounded: ClassVar[tuple[str, ...]] = ()
    lower_is_better: ClassVar[frozenset[str]] = frozenset()
    # Whether what may be bounded lies in 0 … 1.
    shares: ClassVar[bool] = False
    # Scores whose loss on a device `edge_evaluator.gate` may bound; and which it does without a word, where that is not
    # the accuracy: by score, and of the first one on any slice.
    edge_scores: ClassVar[tuple[str, ...]] = ("accuracy",)
    edge_drops: ClassVar[Mapping[str, float]] = {}
    edge_slice_drop: ClassVar[float] = 0.025
    # By role, `package.module:name` of what a node of its own runs for this kind: an edit of it runs that node again,
    # and not the training. A role that is missing is not played.
    # `training` and `tfma`: modules or what is in them that `metrics` and `metric_specs` name, for the cache alone.
    # `scoring`: a class of `modules.quality.scoring.Scoring`, of the target; every kind has it.
    # `decision`: (target, truth, probabilities) to the target with what `settled` chooses.
    # `linear`: (raw splits by name, target, seed) to the `modules.quality.linear_baseline.LinearModel` to beat.
    # `probe`: (vectors, right answers, width, balanced, seed) to weights of the layer `LOGITS`, and what was chosen.
    # `distillation`: a class of `modules.student.distillation.Distillation`, of the target; a student needs it.
    # `device`: a class of `modules.tflite.output.Output`, what a file for a device ends in; a bundle needs it, and the
    # edge package a class of `edgeline_edge.targets` of that name.
    # `plots`: (section `quality` of the report's facts, names) to plots of what `Scoring.details` gave.
    # `errors`: the worst answers with their reasons, as `modules.report.facts.errors.worst_errors`.
    parts: ClassVar[Mapping[str, str]] = {}

    kind: str
    """Which kind of target this is."""
    column: str
    """The column that holds the right answer."""

    @property
    def names(self) -> list[str]:
        """Names of the answers in the order of their ids; empty where answers are no names."""
        return []

    @property
    def measured(self) -> tuple[str, ...]:
        """Those of `bounded` that are measured with these settings."""
        return self.bounded

    @property
    def judged_by(self) -> tuple[str, ...]:
        """Columns beside its own that its metrics read; the rows must have them as features."""
        return ()

    @property
    def gaps(self) -> list[str]:
        """Metrics whose gap between slices `evaluator.fairness` may bound."""
        return []

    @property
    def cell(self) -> Cell:
        """What its column may hold, besides the names of the answers."""
        return Cell(type=self.columns()[0].type)

    @property
    def told(self) -> str:
        """What is answered, in words for a person; empty where names say it."""
        return ""

    @property
    def looked_for(self) -> dict[str, Any] | None:
        """The name that a summary tells most of: `label`, and `metrics`, those of its table.

        None where no name is looked for more than another.
        """
        return None

    @property
    def objective(self) -> str:
        """The metric by which the best epoch is chosen."""
        return self.watched[0]

    @classmethod
    def less_is_better(cls, metric: str) -> bool:
        """Whether a metric, or `loss`, is better where it is smaller.

        Args:
            metric: as Keras or TFMA names it; a training's own may begin with `val_`.
        """
        return metric.removeprefix("val_") in {"loss", *cls.lower_is_better}

    def narrowed(self, names: Sequence[str]) -> Self | None:
        """The same target with some of its names alone, whose answers are those columns of `prediction_key`.

        Args:
            names: at least two of `names`, in any order.

        Returns:
            None where a target of this kind cannot leave one out.
        """
        return None

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
    def truth(self, values: Sequence[Any]) -> np.ndarray:
        """The right answers as they are judged, int64 or float64 `[rows]`.

        Args:
            values: of the column, one a row, of its type.

        Raises:
            ValueError: one of them is no answer.
        """

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

    def begin(self, model: tf_keras.Model, values: np.ndarray) -> None:
        """Tells a network that is not trained yet what its head must know of the training rows.

        Args:
            model: with this target's head.
            values: `features` of all training rows, `[rows, *shape]`.
        """

    def loss_of(self, model: tf_keras.Model) -> tf_keras.losses.Loss:
        """The loss that one network learns by, where it depends on what `begin` told that network.

        Args:
            model: with this target's head.
        """
        return self.loss()

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
        """What a training watches, by the names of `watched`. Call it inside the strategy's scope."""

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

    @property
    def is_open(self) -> bool:
        """Whether something is left for `settled` to choose."""
        return False

    def settled(self, truth: np.ndarray, probabilities: np.ndarray) -> Self:
        """With what is left open until a model is there, chosen on the eval split.

        Args:
            truth: as `truth` gives it, `[rows]`.
            probabilities: what the head gives, or another model in its place, `[rows, names]`.

        Returns:
            The section itself where nothing is open.
        """
        return self

    def decided(self, probabilities: np.ndarray) -> np.ndarray:
        """Ids of the names that are answered, int64 `[rows]`.

        Args:
            probabilities: float32 `[rows, names]`.

        Raises:
            ValueError: the kind does not answer with the name of a probability.
        """
        raise ValueError(f"a target of kind {self.kind} does not say which name it answers with")

    @property
    def device_decision(self) -> dict[str, Any] | None:
        """What a bundle's manifest says of how it decides, `decision`; None: the most probable name is the answer."""
        return None

    def undecided(self) -> Self:
        """Without what decides between answers, on which features and files for devices do not depend."""
        return self

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

    def part(self, role: str) -> Any:
        """What this kind brings for a role; None where it plays none."""
        path = self.parts.get(role)
        return load(path) if path else None

    @property
    def prediction_key(self) -> str:
        """Which of `answers` TFMA compares with the right answer."""
        return "probabilities"
