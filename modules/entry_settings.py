"""What TFX hands the entry points `preprocessing_fn`, `run_fn` and `tuner_fn`, as their `custom_config`.

Nothing here imports TensorFlow: the graph is made with the same classes.
"""

from __future__ import annotations

from modules.inputs.kinds import InputSections
from modules.settings import NodeSettings
from modules.targets.kinds import TargetSection
from modules.training.settings import TrainerSettings, TunerSettings


class TransformNodeSettings(NodeSettings):
    """What Transform is told."""

    inputs: InputSections
    """What comes in, by name."""
    target: TargetSection
    """What is predicted."""
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
