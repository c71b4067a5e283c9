"""Fourth stage: the network as it is shipped, and how it decides between its answers."""

from __future__ import annotations

from modules.fitting.values import DecidedModel, FittedModel
from modules.machine import progress
from modules.network.model import build_model
from modules.rows.transformed import by_text, first_of_text
from modules.stages import extend

import numpy as np

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)
import tf_keras


def decide(fitted: FittedModel) -> DecidedModel:
    """Rebuilds the network under float32 and chooses on eval what the target leaves open.

    What is shipped depends neither on the policy nor on the strategy that trained it, and neither may what it decides.

    Args:
        fitted: what the stage before gave.

    Returns:
        The same with the network in float32 and the target with nothing left open.

    Raises:
        ValueError: the rows of eval leave no choice, as a label without a row.
    """
    plain = build_model(fitted.architecture, dropout=0.0, policy="float32")
    plain.set_weights(fitted.model.get_weights())
    target = fitted.target
    if target.is_open:
        truth, outputs = _answers(plain, fitted.evaluation)
        texts = fitted.evaluation_texts
        target = target.settled(first_of_text(truth, texts), by_text(outputs, texts))
        told = target.device_decision or {}
        if told:  # too few rows leave things open
            progress.tell(f"chosen on eval: {', '.join(f'{name} {value}' for name, value in told.items())}", **told)
    return extend(fitted, DecidedModel, plain=plain, decided=target)


def _answers(model: tf_keras.Model, rows: tf.data.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """The right answers of all rows, and what the network gives."""
    call = tf.function(lambda features: model(features, training=False), reduce_retracing=True)
    truth, outputs = [], []
    for features, answers in rows:
        truth.append(answers.numpy())
        outputs.append(call(features).numpy())
    return np.concatenate(truth), np.concatenate(outputs)
