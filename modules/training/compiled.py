"""What Trainer and Tuner share: compilation, class weights, and TensorBoard's logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.training.optimizer import make_optimizer
from modules.training.settings import TrainerSettings

import tensorflow as tf
import tf_keras


class Learnable(Protocol):
    """What a training asks of a target; `modules.targets` has them."""

    def loss(self) -> tf_keras.losses.Loss:
        """Between the right answer and what the network gives."""

    def loss_of(self, model: tf_keras.Model) -> tf_keras.losses.Loss:
        """The same of one network, whose head may have been told of the training rows."""

    def smoothed_loss(self, smoothing: float) -> tf_keras.losses.Loss:
        """The same with a share of each right answer spread over all answers."""

    def metrics(self) -> list[tf_keras.metrics.Metric]:
        """What the training watches."""


def compile_model(
    model: tf_keras.Model,
    settings: TrainerSettings,
    *,
    total_steps: int,
    target: Learnable,
    rates: Sequence[tuple[tf.Variable, float]] = (),
) -> None:
    """Compiles for a target; call it inside the strategy's scope.

    Under `mixed_float16` Keras wraps the optimizer into one that scales the loss.

    Args:
        model: gives what the target's loss takes.
        settings: the `trainer` section, with the tuner's values in place.
        total_steps: steps of the whole training, for the schedule of the learning rate.
        target: whose loss and metrics they are.
        rates: variables that learn at a multiple of the learning rate, with that multiple.
    """
    model.compile(
        optimizer=make_optimizer(settings, total_steps, rates),
        loss=target.smoothed_loss(settings.label_smoothing) if settings.label_smoothing else target.loss_of(model),
        metrics=target.metrics(),
        jit_compile=False,  # slower on CPU, and lengths differ from batch to batch
    )


def class_weights(counts: Any, mode: str) -> dict[int, float] | None:
    """Weights per label id.

    Args:
        counts: examples by label id, int `[num_classes]`.
        mode: `none`, or `balanced` for rows / (classes * count), as in scikit-learn.

    Returns:
        None for `none`. A class without examples weighs 1.
    """
    if mode == "none":
        return None
    total = float(sum(counts))
    return {index: total / (len(counts) * count) if count else 1.0 for index, count in enumerate(map(float, counts))}


def tensorboard_callbacks(log_dir: str, settings: TrainerSettings) -> list[tf_keras.callbacks.Callback]:
    """What writes TensorBoard's logs: curves, the hyperparameters beside their result, and a profile if asked for.

    Args:
        log_dir: folder of the logs.
        settings: the `trainer` section with the tuner's values; its scalars are what the HParams tab shows.
    """
    from tensorboard.plugins.hparams import api as hparams

    shown = {name: value for name, value in settings if isinstance(value, bool | int | float | str)}
    return [
        tf_keras.callbacks.TensorBoard(
            log_dir, update_freq=50, write_graph=False, profile_batch=tuple(settings.profile_steps or (0, 0))
        ),
        hparams.KerasCallback(log_dir, shown),
    ]
