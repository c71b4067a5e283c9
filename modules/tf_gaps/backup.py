"""tf_keras 2.21: checkpoints every few steps that do not take an epoch for done before it was evaluated.

`BackupAndRestore` saves the end of an epoch with its last step, and offers no hook to save it later; where it stopped
stands in its checkpoint under names of its own. It leaves out where the random numbers of dropout are: by default they
are in kernels, where nobody can read them, and layers that have generators keep these away from checkpoints.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.tf_gaps.guard import Gap

import tensorflow as tf
import tf_keras

_GAP = Gap("tf-keras", __name__)


def finished_steps(backup_dir: str, steps_per_epoch: int) -> int:
    """Steps that a killed training had finished, by the checkpoint that `BackupAndRestore` left.

    Args:
        backup_dir: its folder.
        steps_per_epoch: steps of an epoch.

    Returns:
        0 where there is no checkpoint.

    Raises:
        GapError: Keras writes other names into its checkpoints.
    """
    checkpoint = tf.train.latest_checkpoint(f"{backup_dir}/chief")
    if checkpoint is None:
        return 0
    reader = tf.train.load_checkpoint(checkpoint)
    names = [f"ckpt_saved_{name}/.ATTRIBUTES/VARIABLE_VALUE" for name in ("epoch", "batch")]
    missing = [name for name in names if not reader.has_tensor(name)]
    if missing:
        raise _GAP.broken(f"writes no {missing[0]} into the checkpoint {checkpoint}")
    epoch, batch = (int(reader.get_tensor(name)) for name in names)
    return max(0, epoch) * steps_per_epoch + batch + 1


@contextlib.contextmanager
def with_generators() -> Iterator[None]:
    """Lets the layers that are built inside draw random numbers from generators, whose state can be saved.

    Raises:
        GapError: Keras has no such switch.
    """
    switch = tf_keras.backend.experimental
    _GAP.require(switch, "enable_tf_random_generator", "disable_tf_random_generator", "is_tf_random_generator_enabled")
    before = switch.is_tf_random_generator_enabled()
    switch.enable_tf_random_generator()
    try:
        yield
    finally:
        if not before:
            switch.disable_tf_random_generator()


def generators(model: tf_keras.Model) -> list[tf.random.Generator]:
    """What the layers of a built model draw their random numbers from, always in the same order.

    Args:
        model: the model.

    Raises:
        GapError: a dropout layer draws from something else; was the model built `with_generators`?
    """
    found = []
    for layer in model._flatten_layers(include_self=False, recursive=True):
        own = getattr(layer, "_random_generator", None)
        generator = getattr(own, "_generator", None)
        if generator is not None:
            found.append(generator)
        elif isinstance(layer, tf_keras.layers.Dropout) and layer.rate > 0:
            raise _GAP.broken(f"keeps no random generator in the dropout layer {layer.name}")
    return found


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

        Raises:
            GapError: Keras counts or saves in another way.
        """
        super().__init__(folder, save_freq=every, delete_checkpoint=False)
        self._steps = steps_per_epoch
        _GAP.require_parameters(tf_keras.callbacks.BackupAndRestore._backup, "self", "epoch", "batch")
        _GAP.require_use(tf_keras.callbacks.BackupAndRestore, "on_train_batch_end", "_batches_count", "_backup")

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Goes on from the checkpoint, with the random numbers that would have come next."""
        # An attribute of the model is saved and restored with it. A plain list of generators would count as weights.
        self.model.random_states = tf.train.Checkpoint(
            **{f"generator_{number}": found for number, found in enumerate(generators(self.model))}
        )
        super().on_train_begin(logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Saves, unless the epoch ends with this step."""
        if batch < self._steps - 1:
            super().on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Saves the whole epoch; callbacks that keep a record of it must come before this one."""
        self._batches_count = 0
        self._backup(epoch=epoch, batch=self._steps - 1)
