"""What survives a kill beside the checkpoints: the best weights with their record."""

from __future__ import annotations

import json

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)

import tensorflow as tf
import tf_keras


class BestWeights(tf_keras.callbacks.Callback):
    """Early stopping on one metric, with the best weights on disk so that a killed training still knows them."""

    def __init__(self, folder: str, *, monitor: str, patience: int = 0, minimize: bool = False) -> None:
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
