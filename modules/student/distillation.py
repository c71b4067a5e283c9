"""What a teacher adds to a student's loss: its outputs, hidden states, attention.

What the outputs teach is the target's affair. Hidden states and attention of matched layers: Jiao et al., 2020,
TinyBERT (https://arxiv.org/abs/1909.10351); here the attention is compared as a distribution, averaged over the heads,
so that a student with fewer heads can learn from it.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from modules.network import anatomy
from modules.network.joined import Joined
from modules.network.logits import split_logits
from modules.registry import load
from modules.rows.transformed import Examples
from modules.student.settings import DistillationSettings
from modules.targets.kinds import ONE_LABEL, TARGETS

import numpy as np

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)
import tf_keras


class Distillation(abc.ABC):
    """What a student learns from, of one kind of target: `distillation` of its parts is a class of this one.

    What is compared are the outputs of the head's layer `modules.targets.base.LOGITS`, before any activation.
    """

    # What `score` is called; and what stands in every place of the answer of a row that has none, since nobody but the
    # teacher answered it.
    measure: ClassVar[str]
    unanswered: ClassVar[float]

    def of_model(self, model: tf_keras.Model) -> Self:
        """The same for one network, where what is compared depends on what its head was told of the training rows.

        Args:
            model: of the target's kind: a teacher, or a student, which has the same in its head.
        """
        return self

    @abc.abstractmethod
    def loss(
        self, outputs: tf.Tensor, answers: tf.Tensor, taught: tf.Tensor, settings: DistillationSettings
    ) -> tf.Tensor:
        """The student's loss on a batch, without what hidden states and attention add.

        Args:
            outputs: the student's, float32 `[batch, outputs]`.
            answers: the right ones as the target's `features` gives them, or `unanswered`, `[batch]`.
            taught: the teacher's outputs, float32 `[batch, outputs]`.
            settings: what counts how much.

        Returns:
            float32 `[batch]`.
        """

    @abc.abstractmethod
    def plain_loss(self, outputs: tf.Tensor, answers: tf.Tensor) -> tf.Tensor:
        """The loss of outputs that nobody teaches: by its change, units of a network are ranked.

        Args:
            outputs: float32 `[batch, outputs]`.
            answers: the right ones as the target's `features` gives them, `[batch]`; every row has one.

        Returns:
            float32 `[batch]`.
        """

    @abc.abstractmethod
    def score(self, outputs: np.ndarray, answers: np.ndarray) -> float:
        """How good outputs are, for the report on a student.

        Args:
            outputs: float32 `[rows, outputs]`; at least one row.
            answers: the right ones, `[rows]`.
        """


def of(target: str) -> Distillation:
    """What a student of a target learns from.

    Args:
        target: its kind, as `modules.network.architecture.Architecture` has it.

    Raises:
        ValueError: the kind does not say.
    """
    path = TARGETS[target].parts.get("distillation")
    if path is None:
        raise ValueError(f"a target of kind {target} does not say how it is taught: `distillation` of its parts")
    return load(path)()


def score(model: tf_keras.Model, examples: Examples, target: str) -> float:
    """How good a network is on some rows, as `Distillation.score` has it; NaN without rows.

    Args:
        model: what `modules.network.model.build_model` returns.
        examples: answered rows with the ids of the model's own vocabulary.
        target: as of `of`.
    """
    if not len(examples):
        return float("nan")
    return of(target).of_model(model).score(split_logits(model, examples), examples.labels)


def mean_loss(model: tf_keras.Model, examples: Examples, target: str) -> float:
    """Mean of `Distillation.plain_loss` over some rows.

    Args:
        model: as of `score`.
        examples: likewise.
        target: likewise.
    """
    loss = of(target).of_model(model).plain_loss
    return float(tf.reduce_mean(loss(tf.constant(split_logits(model, examples)), tf.constant(examples.labels))))


def hidden_loss(student: tf.Tensor, teacher: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Mean squared distance of hidden states.

    Args:
        student: `[batch, seq, hidden]`.
        teacher: `[batch, seq, hidden]`.
        mask: int32 `[batch, seq]`; padding does not count.

    Returns:
        float32 `[batch]`.
    """
    squares = tf.math.squared_difference(tf.cast(student, tf.float32), tf.cast(teacher, tf.float32))
    return _masked_mean(tf.reduce_mean(squares, axis=-1), mask)


def attention_loss(student: tf.Tensor, teacher: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Divergence of attention averaged over heads: `[batch, heads, seq, seq]` twice -> float32 `[batch]`.

    The number of heads may differ. Rows of padding do not count.
    """
    wanted, got = tf.reduce_mean(teacher, axis=1), tf.reduce_mean(student, axis=1)
    divergence = tf.reduce_sum(wanted * (tf.math.log(wanted + 1e-9) - tf.math.log(got + 1e-9)), axis=-1)
    return _masked_mean(divergence, mask)


class Tapped:
    """A classifier whose hidden states and attention can be looked at.

    Args:
        model: what `modules.network.model.build_model` returns; its weights are shared.
    """

    def __init__(self, model: tf_keras.Model) -> None:
        self._anatomy = anatomy.of(model)
        self._layers = self._anatomy.layers
        self._states = self._anatomy.states() if self._layers else None
        self._joined = Joined(model)

    def __call__(self, features: Mapping[str, tf.Tensor], *, training: bool) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Logits float32 `[batch, classes]`; hidden states `[batch, seq, hidden]`: embeddings, then each layer."""
        states: list[tf.Tensor] = []
        hidden = mask = None
        if self._states is not None:
            entered, mask = self._anatomy.entered(features)
            states = self._states(entered, training=training)
            hidden = states[-1]
        values = self._joined.values(features, hidden, mask, training=training)
        return self._joined.logits(values, training=training), states

    @property
    def has_layers(self) -> bool:
        """Whether there are hidden states and attention to compare."""
        return bool(self._layers)

    def mask(self, features: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Where rows go on, int32 `[batch, seq]`."""
        return self._anatomy.entered(features)[1]

    def attention(self, index: int, states: Sequence[tf.Tensor], mask: tf.Tensor) -> tf.Tensor:
        """Attention of a layer, from the hidden states that `__call__` returned: float32 `[batch, heads, seq, seq]`."""
        return self._layers[index].attention(states[index], mask)


def distillation_loss(
    settings: DistillationSettings,
    student: Tapped,
    features: Mapping[str, tf.Tensor],
    labels: tf.Tensor,
    soft_targets: tf.Tensor,
    *,
    teacher: Tapped | None = None,
    teacher_features: Mapping[str, tf.Tensor] | None = None,
    layer_map: Sequence[int] = (),
    taught: Distillation | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """The student's loss on a batch.

    Args:
        settings: what counts how much.
        student: the network in training.
        features: what the student reads, by name, `[batch, ...]`.
        labels: the right answers, `[batch]`; of one label int32, -1 for a row without one.
        soft_targets: the teacher's logits, float32 `[batch, classes]`.
        teacher: needed by `hidden` and `attention`.
        teacher_features: the same rows as the teacher reads them; the same mask.
        layer_map: for each layer of the student, the index of the teacher's layer that it follows.
        taught: what the outputs teach; one label's without.

    Returns:
        float32 `[batch]` loss and the student's logits float32 `[batch, classes]`.

    Raises:
        ValueError: the settings need a teacher in the step and none is given.
    """
    logits, states = student(features, training=True)
    loss = (taught or of(ONE_LABEL)).loss(logits, labels, soft_targets, settings)
    if settings.needs_teacher_in_step and student.has_layers:
        if teacher is None or teacher_features is None:
            raise ValueError("hidden and attention losses need the teacher and its features in the step.")
        mask = student.mask(features)
        _, wanted = teacher(teacher_features, training=False)
        for index, source in enumerate(layer_map):
            share = 1.0 / len(layer_map)
            if settings.hidden:
                followed = tf.stop_gradient(wanted[source + 1])
                loss += settings.hidden * share * hidden_loss(states[index + 1], followed, mask)
            if settings.attention:
                followed = tf.stop_gradient(teacher.attention(source, wanted, mask))
                own = student.attention(index, states, mask)
                loss += settings.attention * share * attention_loss(own, followed, mask)
    return loss, logits


def _masked_mean(values: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    weights = tf.cast(mask, tf.float32)
    return tf.reduce_sum(values * weights, axis=1) / tf.maximum(tf.reduce_sum(weights, axis=1), 1.0)
