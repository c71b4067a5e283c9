"""What TFX hands the entry points `preprocessing_fn`, `run_fn` and `tuner_fn`, as their `custom_config`.

Nothing here imports TensorFlow: the graph is made with the same classes.
"""

from __future__ import annotations

from modules.network.backbones.base import AnyBackbone
from modules.rows.settings import Columns
from modules.settings import NodeSettings, Section
from modules.text.settings import PreprocessingSettings
from modules.training.settings import TrainerSettings, TunerSettings


class ReadColumns(Section):
    """What the entry points know of the section `data`."""

    columns: Columns
    """Which column is what."""


class TransformNodeSettings(NodeSettings):
    """What Transform is told."""

    labels: list[str]
    """The label names, in the order of their ids."""
    data: ReadColumns
    """The columns."""
    preprocessing: PreprocessingSettings
    """Features."""
    backbone: AnyBackbone
    """Whose vocabulary it is."""
    vocabulary: str | None = None
    """Digest of the vocabulary, where it is a file of one's own; there for the cache alone."""


class TrainerNodeSettings(TransformNodeSettings):
    """What Trainer is told."""

    trainer: TrainerSettings
    """Training, with the configuration's own values; see `modules.training.hyperparameters.resolve`."""


class TunerNodeSettings(TrainerNodeSettings):
    """What Tuner is told."""

    tuner: TunerSettings
    """The search."""
