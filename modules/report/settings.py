"""The `reporter` section of the configuration. Nothing here imports TensorFlow or TFX."""

from __future__ import annotations

from modules.inputs.kinds import InputSections
from modules.quality.settings import EvaluatorSettings
from modules.settings import NodeSettings, Section
from modules.targets.kinds import TargetSection
from modules.training.settings import TunerSettings

from pydantic import ConfigDict, Field


class ReporterSettings(Section):
    """What the report looks at."""

    errors: int = Field(12, ge=0)
    """Errors on eval to show with the words that pushed them, the surest first. 0 keeps all texts out of the report."""
    attribution_points: int = Field(16, ge=2)
    """Points of the integral behind the words' weights; more are more exact and slower."""
    length_rows: int = Field(200_000, ge=1)
    """Rows of each split whose lengths are counted, at most."""
    input_rows: int = Field(2_000, ge=0, le=200_000)
    """Rows of eval on which a model with several inputs is asked again without each of them, and the shares of its
    fusion are counted; 0 leaves both out."""


class ReportedConfiguration(Section):
    """The resolved configuration: the sections that the report reads, and the others, which it only shows."""

    model_config = ConfigDict(extra="allow")

    tuner: TunerSettings
    """What was searched."""
    evaluator: EvaluatorSettings
    """Bounds."""
    reporter: ReporterSettings
    """How much is looked at."""


class ReporterNodeSettings(NodeSettings):
    """What Reporter is told."""

    task: str
    """Name of the task."""
    target: TargetSection
    """What is predicted."""
    slices: list[str]
    """The slice columns."""
    inputs: InputSections
    """What comes in."""
    config: ReportedConfiguration
    """The resolved configuration, but for where nodes run."""
    graph: list[tuple[str, list[str]]]
    """Pairs of a node's id and the ids that it comes after."""
    digests: dict[str, str] = {}
    """Of what made the run, by what they are of."""
