"""`modules.tf_gaps.backup`: what a killed training had finished, and what becomes of it under another Keras."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from modules.tf_gaps import backup
from modules.tf_gaps.guard import GapError

import pytest
import tensorflow as tf
import tf_keras


class StopError(Exception):
    """Stands for a kill."""


def train(folder: Path, *, steps: int, epochs: int, save: int, stop_after: int | None) -> None:
    class Killer(tf_keras.callbacks.Callback):
        done = 0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.done += 1
            if self.done == stop_after:
                raise StopError

    model = tf_keras.Sequential([tf_keras.layers.Dense(1, input_shape=(1,))])
    model.compile("sgd", "mse")
    saved = backup.Backup(str(folder), every=save, steps_per_epoch=steps)
    with contextlib.suppress(StopError):
        model.fit(
            tf.data.Dataset.from_tensors((tf.ones([1, 1]), tf.ones([1]))).repeat(),
            steps_per_epoch=steps, epochs=epochs, verbose=0, callbacks=[saved, Killer()],
        )  # fmt: skip


def test_a_training_that_never_began_has_finished_nothing(tmp_path: Path) -> None:
    assert backup.finished_steps(str(tmp_path / "absent"), 5) == 0


@pytest.mark.parametrize(
    ("stop_after", "finished"),
    [(1, 0), (2, 2), (3, 2), (4, 4), (6, 5), (7, 7), (11, 10), (12, 12), (None, 15)],
)
def test_finished_steps_are_those_of_the_last_checkpoint(tmp_path: Path, stop_after: int | None, finished: int) -> None:
    train(tmp_path, steps=5, epochs=3, save=2, stop_after=stop_after)
    assert backup.finished_steps(str(tmp_path), 5) == finished


def test_an_epoch_without_its_evaluation_does_not_count_as_finished(tmp_path: Path) -> None:
    """Otherwise its weights would never be compared with the best ones."""
    train(tmp_path, steps=4, epochs=2, save=2, stop_after=4)
    assert backup.finished_steps(str(tmp_path), 4) == 2


def test_a_keras_that_saves_in_another_way_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf_keras.callbacks.BackupAndRestore, "_backup", lambda self, step: None)
    with pytest.raises(GapError, match=r"tf-keras .* has .*\(self, step\) instead of \(self, epoch, batch\)"):
        backup.Backup(str(tmp_path), every=2, steps_per_epoch=4)


def test_a_checkpoint_with_other_names_is_an_error_and_not_a_new_start(tmp_path: Path) -> None:
    tf.train.Checkpoint(epochs_done=tf.Variable(3)).save(str(tmp_path / "chief" / "checkpoint"))
    with pytest.raises(GapError, match="writes no ckpt_saved_epoch"):
        backup.finished_steps(str(tmp_path), 4)
