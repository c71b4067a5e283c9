"""A training of seconds, for the tests of its stages: rows whose label a token tells, and a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.fitting.values import Given, LoadedRows
from modules.inputs import kinds as inputs_lib
from modules.inputs.text.words import token_windows
from modules.machine import devices
from modules.rows import batches
from modules.rows.transformed import Examples
from modules.stages import extend
from modules.targets import kinds as targets_lib
from modules.targets.one_label.target import OneLabel
from modules.training.settings import TrainerSettings

import numpy as np
import tf_keras

SETTINGS = TrainerSettings(
    epochs=3, batch_size=4, learning_rate=0.01, dropout=0.3, class_weights="balanced", early_stopping_patience=5,
    precision="float32", warm_start=False, seed=3, checkpoint_steps=2, tensorboard=False,
)  # fmt: skip
ROWS, LENGTH = 26, 16
TARGET = OneLabel(labels=["bad", "good"])


def parts(config: dict[str, Any]) -> tuple[Any, Any]:
    """The inputs and the target of a node's settings."""
    return inputs_lib.read(config["inputs"]), targets_lib.read(config["target"])


def examples(seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Rows whose label a token tells."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, ROWS)
    lengths = random.integers(3, LENGTH + 1, ROWS)
    mask = (np.arange(LENGTH) < lengths[:, np.newaxis]).astype(np.int32)
    ids = random.integers(10, 60, (ROWS, LENGTH)) * mask
    ids[:, 1] = 60 + labels
    return {"token_ids": ids.astype(np.int32), "padding_mask": mask}, labels.astype(np.int32)


def split() -> Examples:
    """The same rows as Trainer reads them."""
    features, labels = examples()
    return token_windows(**features, labels=labels)


def given(config: dict[str, Any], folder: Path, *, policy: str = "float32", **changes: Any) -> Given:
    """What a training of a node's settings is given, on the devices of this process.

    Args:
        config: settings with inputs and target, as Transform has them.
        folder: for all that is written.
        policy: to train under.
        **changes: other values of `SETTINGS`.
    """
    inputs, target = parts(config)
    return Given(
        settings=SETTINGS.with_values(**changes),
        inputs=inputs,
        target=target,
        strategy=devices.distribution_strategy(),
        policy=policy,
        train_files=[str(folder / "train.gz")],
        eval_files=[str(folder / "eval.gz")],
        transform_graph=str(folder / "graph"),
        base_model=None,
        backup_dir=str(folder / "backup"),
        serving_dir=str(folder / "Format-Serving"),
        log_dir=str(folder),
        announced_dir=str(folder / "Format-Serving"),
    )


def loaded(value: Given, *, batch_size: int | None = None) -> LoadedRows:
    """The rows of `split`, in the place of files.

    Args:
        value: what the training was given.
        batch_size: of the evaluation; all its rows if None.
    """
    rows, settings = split(), value.settings
    stream = batches.TrainingStream(rows, batch_size=settings.batch_size * value.replicas, seed=settings.seed)
    evaluation = batches.evaluation_batches(rows.take(np.arange(16)), batch_size=batch_size or 16)
    return extend(value, LoadedRows, stream=stream, evaluation=evaluation)


class StopError(Exception):
    """Stands for a kill."""


class Killer(tf_keras.callbacks.Callback):
    """Counts steps, and stops the training like a kill: after a step, or inside the evaluation after an epoch."""

    def __init__(self, after_step: int | None = None, in_evaluation: int | None = None) -> None:
        super().__init__()
        self.steps, self.evaluations = 0, 0
        self._after_step, self._in_evaluation = after_step, in_evaluation

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.steps += 1
        if self.steps == self._after_step:
            raise StopError

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.evaluations += 1
        if self.evaluations == self._in_evaluation:
            raise StopError


def assert_same_weights(one: tf_keras.Model, other: tf_keras.Model, tolerance: float = 1e-5) -> None:
    for left, right in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, atol=tolerance)


STEPS = 7  # per epoch: 26 rows in batches of 4
