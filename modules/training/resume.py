"""What survives a kill beside the checkpoints: the best weights, and what every epoch came to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from modules import content  # and settles Keras 2 before TensorFlow is imported

import tensorflow as tf
import tf_keras


def contents(*places: str | Sequence[str] | None) -> list[str | None]:
    """What inputs are known by when a killed work is looked for: what they hold, since another may lie there by now.

    Args:
        places: folders, globs of files or lists of these, here or in a bucket; None stays None.
    """
    return [None if place is None else _content(place) for place in places]


def _content(place: str | Sequence[str]) -> str:
    patterns = [place] if isinstance(place, str) else list(place)
    found = {}
    for number, path in enumerate(sorted(file for pattern in patterns for file in tf.io.gfile.glob(pattern))):
        if tf.io.gfile.isdir(path):
            files = content.tree(path, walk=tf.io.gfile.walk, opener=tf.io.gfile.GFile)
            found[str(number)] = content.combined(files)
        else:
            found[str(number)] = content.of_file(path, opener=tf.io.gfile.GFile)
    return content.combined(found)


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
        self.start: dict[str, Any] | None = None
        self._epochs: list[dict[str, float]] = []

    def read(self) -> None:
        """Picks up the record of an interrupted training."""
        if tf.io.gfile.exists(self._record):
            with tf.io.gfile.GFile(self._record) as stream:
                record = json.load(stream)
            self.best, self.best_epoch = record["value"], record["epoch"]
            self._epochs, self.start = record.get("epochs", []), record.get("start")

    def begin(self, found: Mapping[str, Any]) -> None:
        """Takes what the network is worth before its first epoch: one that is not better is not kept.

        Args:
            found: values by name, the metric among them; kept as `start`.
        """
        self.start = dict(found)
        self.best, self.best_epoch = float(found[self._monitor]), -1
        self.model.save_weights(f"{self._prefix}-start")
        self._write()

    def begin_better(self, found: Mapping[str, Any]) -> bool:
        """Takes another start if it is better than the one that `begin` took, and puts that one back if it is not.

        Args:
            found: as `begin`.

        Returns:
            Whether it was.
        """
        if self.best is not None and self._sign * float(found[self._monitor]) <= self._sign * self.best:
            self.restore()
            return False
        self.begin(found)
        return True

    def is_over(self, done: int, steps: int) -> bool:
        """Whether an interrupted training had come to its end by early stopping.

        Args:
            done: steps that it had finished.
            steps: of an epoch.
        """
        last = done // steps - 1
        return done % steps == 0 and 0 <= last == len(self._epochs) - 1 and self._waited_long_enough(last)

    @property
    def history(self) -> dict[str, list[float]]:
        """Keras' history of all epochs, those of interrupted processes too, by metric."""
        return {
            name: [epoch[name] for epoch in self._epochs if name in epoch]
            for name in dict.fromkeys(name for epoch in self._epochs for name in epoch)
        }

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keeps the weights when the metric improved; stops when it has not for too long."""
        values = {name: float(value) for name, value in (logs or {}).items()}
        value = values[self._monitor]
        # One that was interrupted after its record and before its checkpoint comes a second time.
        self._epochs = [*self._epochs[:epoch], values]
        if self.best is None or self._sign * value > self._sign * self.best:
            self.best, self.best_epoch = value, epoch
            self.model.save_weights(f"{self._prefix}-{epoch}")
        elif self._waited_long_enough(epoch):
            self.model.stop_training = True
        self._write()

    def _write(self) -> None:
        # The record is written last: it never names weights that are not there.
        with tf.io.gfile.GFile(f"{self._record}.partial", "w") as stream:
            record = {"value": self.best, "epoch": self.best_epoch, "epochs": self._epochs, "start": self.start}
            json.dump(record, stream)
        tf.io.gfile.rename(f"{self._record}.partial", self._record, overwrite=True)

    def restore(self) -> None:
        """Puts the best weights into the model."""
        if self.best_epoch >= 0:
            self.model.load_weights(f"{self._prefix}-{self.best_epoch}").expect_partial()
        elif self.start is not None:
            self.model.load_weights(f"{self._prefix}-start").expect_partial()

    def _waited_long_enough(self, epoch: int) -> bool:
        return epoch - self.best_epoch >= max(1, self._patience)
