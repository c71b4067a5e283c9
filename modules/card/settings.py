"""The `card` section of the configuration: what no program can know about a model, for its model card.

Nothing here imports TensorFlow or TFX.
"""

from __future__ import annotations

from typing import Literal

from modules.datasets.base import DatasetName
from modules.network.backbones.base import BACKBONES
from modules.quality.settings import Bound, GapBound
from modules.registry import UnknownKindError
from modules.settings import NodeSettings, Section
from modules.targets.kinds import TargetSection
from modules.tensors import ColumnType

from pydantic import Field, field_validator


class CardSource(Section):
    """Data or weights that the model was made from."""

    name: str = Field(min_length=1)
    """Name and version."""
    kind: Literal["data", "weights"]
    """What it gave."""
    licence: str = Field(min_length=1)
    """SPDX expression, or where the terms stand."""
    address: str | None = None
    """Where it comes from."""
    note: str | None = None
    """Anything else: how it was collected, by whom, when, in which languages."""
    dataset: DatasetName | None = None
    """Named only where this data set is read, and not where one's own file replaces it."""
    backbone: str | None = None
    """Named only with a backbone of this kind."""

    @field_validator("backbone")
    @classmethod
    def _known(cls, kind: str | None) -> str | None:
        if kind is not None and kind not in BACKBONES:
            raise UnknownKindError(f"{kind!r} is no kind of backbone; there are: {', '.join(BACKBONES.kinds)}")
        return kind


class CardSettings(Section):
    """What the model card says besides numbers. What is left empty is called not stated."""

    summary: str | None = None
    """What the model does, in a sentence or two."""
    licence: str | None = None
    """Under which terms the model itself is given on, an SPDX expression."""
    contacts: list[str] = []
    """Who answers questions."""
    intended_use: list[str] = []
    """What it was made for."""
    out_of_scope: list[str] = []
    """What it must not be used for."""
    limits: list[str] = []
    """Known weaknesses."""
    sources: list[CardSource] = []
    """Data and weights with their licences."""
    probes: int = Field(8, ge=0, le=64)
    """How many rows of the test split travel with what is pushed, with the answers to them: a server tries a new
    version with them. 0 where no row may leave."""


class ModelCardNodeSettings(NodeSettings):
    """What ModelCard is told, of a SavedModel or of a bundle."""

    card: CardSettings
    """What no program can know."""
    task: str
    """Name of the task."""
    target: TargetSection
    """What is predicted."""
    slices: list[str]
    """The slice columns."""
    dataset: str | None
    """The data set that is read, where it is one of those that come with the project."""
    backbone: str
    """Kind of the backbone; empty where no input has one."""
    backbone_languages: list[str] = []
    """Languages that the backbone's weights were trained on; empty where they are random, or nobody knows."""
    profile: str = ""
    """File of what StatisticsGen found of the texts; empty where no input has a backbone."""
    backbone_sources: list[CardSource] = []
    """What the backbone and the inputs' own encoders say of their weights, for a card whose section names none."""
    sequence_length: int
    """Window in tokens; 0 where no input has a backbone."""
    reads: str = ""
    """What of a text counts, for a person."""
    columns: dict[str, ColumnType] = {}
    """Types of all columns that the inputs read, by name."""
    digests: dict[str, str]
    """Of what made the model, by what they are of."""
    thresholds: dict[str, Bound] = {}
    """Bounds of the server gate by metric; of a bundle they are its evaluation's."""
    gaps: dict[str, dict[str, GapBound]] = {}
    """Bounds of gaps by column and metric."""
