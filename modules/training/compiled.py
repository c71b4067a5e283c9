"""What Trainer and Tuner share: schedule, optimizer, compilation, and the callbacks that survive a kill."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.training.fused_adamw import FusedAdamW
from modules.training.metrics import SparseMacroF1

import tensorflow as tf
import tf_keras

OBJECTIVE = "val_macro_f1"
_FINAL_RATE = 0.05  # of the peak; a schedule that ends at zero wastes its last steps


@tf_keras.utils.register_keras_serializable("edgeline")
class WarmupDecay(tf_keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up to the peak, then linear decay to 5 % of it.

    The schedule that BERT was fine-tuned with: Devlin et al. 2019, https://arxiv.org/abs/1810.04805, appendix A.
    """

    def __init__(self, peak: float, total_steps: int, warmup_fraction: float) -> None:
        """Sets the shape.

        Args:
            peak: highest learning rate.
            total_steps: steps of the whole training.
            warmup_fraction: share of them that climbs.
        """
        super().__init__()
        self.peak, self.total_steps, self.warmup_fraction = peak, total_steps, warmup_fraction

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """The learning rate of one step, float32 scalar."""
        step = tf.cast(step, tf.float32)
        warmup = max(1.0, self.total_steps * self.warmup_fraction)
        rest = max(1.0, self.total_steps - warmup)
        climb = (step + 1.0) / warmup
        fall = 1.0 - (1.0 - _FINAL_RATE) * tf.clip_by_value((step - warmup) / rest, 0.0, 1.0)
        return self.peak * tf.minimum(climb, fall)

    def get_config(self) -> dict[str, Any]:
        """Keras' serialisation."""
        return {"peak": self.peak, "total_steps": self.total_steps, "warmup_fraction": self.warmup_fraction}


def make_optimizer(settings: Mapping[str, Any], total_steps: int) -> tf_keras.optimizers.Optimizer:
    """AdamW with warm-up, decay and a clipped gradient (Loshchilov & Hutter 2019, https://arxiv.org/abs/1711.05101).

    Args:
        settings: the `trainer` section, with the tuner's values in place.
        total_steps: steps of the whole training.
    """
    optimizer = FusedAdamW(
        WarmupDecay(settings["learning_rate"], total_steps, settings["warmup_fraction"]),
        weight_decay=settings["weight_decay"],
        global_clipnorm=settings["gradient_clip_norm"],
        epsilon=1e-6,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def compile_model(model: tf_keras.Model, settings: Mapping[str, Any], *, total_steps: int, num_classes: int) -> None:
    """Compiles for label ids; call it inside the strategy's scope.

    Under `mixed_float16` Keras wraps the optimizer into one that scales the loss.
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


def tensorboard_callbacks(log_dir: str, settings: Mapping[str, Any]) -> list[tf_keras.callbacks.Callback]:
    """What writes TensorBoard's logs: curves, the hyperparameters beside their result, and a profile if asked for.

    Args:
        log_dir: folder of the logs.
        settings: the `trainer` section with the tuner's values; its scalars are what the HParams tab shows.
    """
    from tensorboard.plugins.hparams import api as hparams

    first_and_last = settings.get("profile_steps")
    shown = {name: value for name, value in settings.items() if isinstance(value, bool | int | float | str)}
    return [
        tf_keras.callbacks.TensorBoard(
            log_dir, update_freq=50, write_graph=False, profile_batch=tuple(first_and_last or (0, 0))
        ),
        hparams.KerasCallback(log_dir, shown),
    ]


def finished_steps(backup_dir: str, steps_per_epoch: int) -> int:
    """Steps that a killed training had finished, by the checkpoint that `BackupAndRestore` left.

    Args:
        backup_dir: its folder.
        steps_per_epoch: steps of an epoch.

    Returns:
        0 where there is no checkpoint.
    """
    checkpoint = tf.train.latest_checkpoint(f"{backup_dir}/chief")
    if checkpoint is None:
        return 0
    reader = tf.train.load_checkpoint(checkpoint)
    suffix = "/.ATTRIBUTES/VARIABLE_VALUE"
    epoch, batch = (int(reader.get_tensor(f"ckpt_saved_{name}{suffix}")) for name in ("epoch", "batch"))
    return max(0, epoch) * steps_per_epoch + batch + 1


class Backup(tf_keras.callbacks.BackupAndRestore):
    """Checkpoints every few steps and at each epoch's end, after that epoch's evaluation.

    Keras' own would count an epoch as done as soon as its last step is: killed during the evaluation that follows, the
    training would go on with the next epoch, and nobody would ever know how good the one before was.
    """

    def __init__(self, folder: str, *, every: int, steps_per_epoch: int) -> None:
        """Sets when to save.

        Args:
            folder: of the checkpoints, which stay there after the training.
            every: steps between two checkpoints inside an epoch.
            steps_per_epoch: steps of an epoch.
        """
        super().__init__(folder, save_freq=every, delete_checkpoint=False)
        self._steps = steps_per_epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Saves, unless the epoch ends with this step."""
        if batch < self._steps - 1:
            super().on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Saves the whole epoch; callbacks that keep a record of it must come before this one."""
        self._batches_count = 0
        self._backup(epoch=epoch, batch=self._steps - 1)


class BestWeights(tf_keras.callbacks.Callback):
    """Early stopping on one metric, with the best weights on disk so that a killed training still knows them."""

    def __init__(self, folder: str, *, monitor: str = OBJECTIVE, patience: int = 0, minimize: bool = False) -> None:
        """Sets what to watch.

        Args:
            folder: where weights and record are kept; any path that `tf.io.gfile` knows.
            monitor: the metric.
            patience: epochs without improvement before training stops.
            minimize: True where less is better.
        """
        super().__init__()
        self._prefix, self._record = f"{folder}/best", f"{folder}/best.json"
        self._monitor, self._patience, self._sign = monitor, patience, -1.0 if minimize else 1.0
        self.best: float | None = None
        self.best_epoch = -1

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Picks up the record of an interrupted training."""
        if tf.io.gfile.exists(self._record):
            with tf.io.gfile.GFile(self._record) as stream:
                record = json.load(stream)
            self.best, self.best_epoch = record["value"], record["epoch"]

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keeps the weights when the metric improved; stops when it has not for too long."""
        value = float((logs or {})[self._monitor])
        if self.best is None or self._sign * value > self._sign * self.best:
            self.best, self.best_epoch = value, epoch
            self.model.save_weights(f"{self._prefix}-{epoch}")
            # The record is written last: it never names weights that are not there.
            with tf.io.gfile.GFile(f"{self._record}.partial", "w") as stream:
                json.dump({"value": value, "epoch": epoch}, stream)
            tf.io.gfile.rename(f"{self._record}.partial", self._record, overwrite=True)
        elif epoch - self.best_epoch >= max(1, self._patience):
            self.model.stop_training = True

    def restore(self) -> None:
        """Puts the best weights into the model."""
        if self.best_epoch >= 0:
            self.model.load_weights(f"{self._prefix}-{self.best_epoch}").expect_partial()
