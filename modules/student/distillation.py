"""What a teacher adds to a student's loss: soft targets, hidden states, attention.

Soft targets: Hinton et al., 2015 (https://arxiv.org/abs/1503.02531). Hidden states and attention of matched layers:
Jiao et al., 2020, TinyBERT (https://arxiv.org/abs/1909.10351); here the attention is compared as a distribution,
averaged over the heads, so that a student with fewer heads can learn from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modules.network import anatomy
from modules.student.settings import DistillationSettings
from modules.targets.one_label import LOGITS
from modules.text.features import PADDING_MASK, TOKEN_IDS

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)
import tf_keras


def soft_target_loss(student_logits: tf.Tensor, teacher_logits: tf.Tensor, temperature: float) -> tf.Tensor:
    """Divergence of the student's softened distribution from the teacher's.

    Args:
        student_logits: float32 `[batch, classes]`.
        teacher_logits: float32 `[batch, classes]`.
        temperature: divides both. The result is multiplied by its square, so that gradients keep their size.

    Returns:
        float32 `[batch]`, 0 where the distributions are equal.
    """
    teacher = tf.nn.softmax(teacher_logits / temperature)
    log_ratio = tf.nn.log_softmax(teacher_logits / temperature) - tf.nn.log_softmax(student_logits / temperature)
    return temperature**2 * tf.reduce_sum(teacher * log_ratio, axis=-1)


def hidden_loss(student: tf.Tensor, teacher: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
    """Mean squared distance of hidden states.

    Args:
        student: `[batch, seq, hidden]`.
        teacher: `[batch, seq, hidden]`.
        padding_mask: int32 `[batch, seq]`; padding does not count.

    Returns:
        float32 `[batch]`.
    """
    squares = tf.math.squared_difference(tf.cast(student, tf.float32), tf.cast(teacher, tf.float32))
    return _masked_mean(tf.reduce_mean(squares, axis=-1), padding_mask)


def attention_loss(student: tf.Tensor, teacher: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
    """Divergence of attention averaged over heads: `[batch, heads, seq, seq]` twice -> float32 `[batch]`.

    The number of heads may differ. Rows of padding do not count.
    """
    wanted, got = tf.reduce_mean(teacher, axis=1), tf.reduce_mean(student, axis=1)
    divergence = tf.reduce_sum(wanted * (tf.math.log(wanted + 1e-9) - tf.math.log(got + 1e-9)), axis=-1)
    return _masked_mean(divergence, padding_mask)


class Tapped:
    """A classifier whose hidden states and attention can be looked at.

    Args:
        model: what `modules.network.model.build_model` returns; its weights are shared.
    """

    def __init__(self, model: tf_keras.Model) -> None:
        self._anatomy = anatomy.of(model)
        self._layers = self._anatomy.layers
        self._states = self._anatomy.states()
        self._head = [model.get_layer(name) for name in ("pooling", "dropout", LOGITS)]

    def __call__(self, features: Mapping[str, tf.Tensor], *, training: bool) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Logits float32 `[batch, classes]`; hidden states `[batch, seq, hidden]`: embeddings, then each layer."""
        mask = features[PADDING_MASK]
        states = self._states(self._anatomy.inputs(features[TOKEN_IDS], mask), training=training)
        pooling, dropout, logits = self._head
        return logits(dropout(pooling(states[-1], mask), training=training)), states

    def attention(self, index: int, states: Sequence[tf.Tensor], padding_mask: tf.Tensor) -> tf.Tensor:
        """Attention of a layer, from the hidden states that `__call__` returned: float32 `[batch, heads, seq, seq]`."""
        return self._layers[index].attention(states[index], padding_mask)


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
) -> tuple[tf.Tensor, tf.Tensor]:
    """The student's loss on a batch.

    Args:
        settings: what counts how much.
        student: the network in training.
        features: the student's `{"token_ids", "padding_mask"}`, int32 `[batch, seq]`.
        labels: int32 `[batch]`; -1 for a row without a label.
        soft_targets: the teacher's logits, float32 `[batch, classes]`.
        teacher: needed by `hidden` and `attention`.
        teacher_features: the same texts in the teacher's vocabulary; the same mask.
        layer_map: for each layer of the student, the index of the teacher's layer that it follows.

    Returns:
        float32 `[batch]` loss and the student's logits float32 `[batch, classes]`.

    Raises:
        ValueError: the settings need a teacher in the step and none is given.
    """
    logits, states = student(features, training=True)
    labelled = labels >= 0
    # A row without a label has nothing but the teacher's opinion.
    alpha = tf.where(labelled, settings.alpha, 1.0)
    hard = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(labels, 0), logits)
    loss = (1.0 - alpha) * hard + alpha * soft_target_loss(logits, soft_targets, settings.temperature)
    if settings.needs_teacher_in_step:
        if teacher is None or teacher_features is None:
            raise ValueError("hidden and attention losses need the teacher and its features in the step.")
        mask = features[PADDING_MASK]
        _, wanted = teacher(teacher_features, training=False)
        for index, source in enumerate(layer_map):
            share = 1.0 / len(layer_map)
            if settings.hidden:
                target = tf.stop_gradient(wanted[source + 1])
                loss += settings.hidden * share * hidden_loss(states[index + 1], target, mask)
            if settings.attention:
                target = tf.stop_gradient(teacher.attention(source, wanted, mask))
                own = student.attention(index, states, mask)
                loss += settings.attention * share * attention_loss(own, target, mask)
    return loss, logits


def _masked_mean(values: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
    weights = tf.cast(padding_mask, tf.float32)
    return tf.reduce_sum(values * weights, axis=1) / tf.maximum(tf.reduce_sum(weights, axis=1), 1.0)
