"""What Trainer and Tuner share: compilation, class weights, and TensorBoard's logs."""

from __future__ import annotations

from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.training.metrics import SparseMacroF1
from modules.training.optimizer import make_optimizer
from modules.training.settings import TrainerSettings

import tf_keras


def compile_model(model: tf_keras.Model, settings: TrainerSettings, *, total_steps: int, num_classes: int) -> None:
    """Compiles for label ids; call it inside the strategy's scope.

    Under `mixed_float16` Keras wraps the optimizer into one that scales the loss.

    Args:
        model: gives probabilities, float `[batch, num_classes]`.
        settings: the `trainer` section, with the tuner's values in place.
        total_steps: steps of the whole training, for the schedule of the learning rate.
        num_classes: labels.
    """
    model.compile(
        optimizer=make_optimizer(settings, total_steps),
        loss=tf_keras.losses.SparseCategoricalCrossentropy(),
        metrics=[tf_keras.metrics.SparseCategoricalAccuracy(name="accuracy"), SparseMacroF1(num_classes)],
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
