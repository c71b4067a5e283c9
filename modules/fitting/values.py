"""What the stages of a training hand on: one frozen value, to which each stage adds its own part."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.inputs.kinds import Inputs
from modules.network.architecture import Architecture
from modules.rows.batches import TrainingStream
from modules.targets.base import Target
from modules.training.settings import TrainerSettings

import numpy as np
import tensorflow as tf
import tf_keras
from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True, kw_only=True)
class Given:
    """What is trained, on what, and where it goes.

    Attributes:
        settings: the section `trainer` with the tuner's values.
        inputs: of the task.
        target: of the task.
        strategy: where to train.
        policy: Keras precision policy to train under.
        train_files: globs of Transform's files.
        eval_files: globs of the files that the best epoch is chosen on.
        transform_graph: folder of Transform's graph, which the server's signatures apply to raw rows.
        base_model: serving folder of the model that a warm start goes on from; None for none.
        backup_dir: checkpoints of this very training; `record` removes it.
        serving_dir: where this worker writes the SavedModel.
        log_dir: where this worker writes TensorBoard's logs.
        announced_dir: where all workers of a cluster look for the SavedModel; of a chief it is `serving_dir`.
    """

    settings: TrainerSettings
    inputs: Inputs
    target: Target
    strategy: tf.distribute.Strategy
    policy: str
    train_files: Sequence[str]
    eval_files: Sequence[str]
    transform_graph: str
    base_model: str | None
    backup_dir: str
    serving_dir: str
    log_dir: str
    announced_dir: str

    @property
    def replicas(self) -> int:
        """Devices that share a batch."""
        return self.strategy.num_replicas_in_sync


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoadedRows(Given):
    """With the rows.

    Attributes:
        stream: training batches, for all replicas together.
        evaluation: batches to choose the best epoch on.
        evaluation_texts: of their rows, see `modules.rows.transformed.Examples`.
    """

    stream: TrainingStream
    evaluation: tf.data.Dataset
    evaluation_texts: NDArray[np.int64] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class BuiltModel(LoadedRows):
    """With the network that learns.

    Attributes:
        model: compiled under its strategy.
        architecture: its shape.
    """

    model: tf_keras.Model
    architecture: Architecture


@dataclasses.dataclass(frozen=True, kw_only=True)
class FittedModel(BuiltModel):
    """With a network that has learned: `model` holds the weights of the best epoch.

    Attributes:
        history: Keras' history of the epochs that this process trained, by metric.
        probe: what the network was worth on eval with a fitted head, before its first epoch; None without one.
    """

    history: Mapping[str, Sequence[float]]
    probe: Mapping[str, Any] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class DecidedModel(FittedModel):
    """With what is shipped.

    Attributes:
        plain: the same network in float32, dropout 0.
        decided: the target, with nothing left open of how it decides between its answers.
    """

    plain: tf_keras.Model
    decided: Target


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportedModel(DecidedModel):
    """With the files that were written.

    Attributes:
        rebuildable_dir: this worker's folder of what later nodes rebuild the network from.
    """

    rebuildable_dir: str
