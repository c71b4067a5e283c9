"""The `validator` section of the configuration: what drift and skew come to. Imports neither TensorFlow nor TFX."""

from __future__ import annotations

from typing import Annotated, Literal

from modules.settings import Section

from pydantic import Field

Bound = Annotated[float, Field(gt=0.0, le=1.0)] | None
Reaction = Literal["fail", "warn"]


class TextBounds(Section):
    """Largest distances between two samples of texts; an empty one is measured and judged by nobody."""

    length_characters: Bound = 0.1
    """Jensen-Shannon divergence of the lengths in characters."""
    length_tokens: Bound = 0.1
    """Jensen-Shannon divergence of the lengths in tokens."""
    unknown_token_rate: Bound = 0.02
    """Difference of the shares of unknown tokens."""
    vocabulary: Bound = 0.3
    """Share of word occurrences that the other sample has no such word for."""
    label_prior: Bound = 0.1
    """Largest difference of a label's share; for drift only, since nobody labels what is served."""


class ValidatorConfig(Section):
    """Drift from the span before and skew from what is served; the schema's comparators count as well."""

    on_drift: Reaction = "warn"
    """What a distance above its bound does: `fail` stops the run, `warn` tells."""
    on_skew: Reaction = "warn"
    """The same for the distance between training and serving."""
    split: Literal["train", "eval"] | None = None
    """The split that is compared. Empty: `train`, or `eval` where `data.augmentation` changes train."""
    text: TextBounds = TextBounds()
    """Bounds of the text statistics."""
    sample_rows: int = Field(10_000, ge=100)
    """Most texts to look into."""
    min_rows: int = Field(200, ge=1)
    """With fewer texts on either side, the text distances are measured but not judged."""
