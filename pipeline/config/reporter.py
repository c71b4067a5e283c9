"""The `reporter` section of the configuration. Nothing here imports TensorFlow or TFX."""

from __future__ import annotations

from modules.settings import Section

from pydantic import Field


class ReporterConfig(Section):
    """What the report looks at."""

    errors: int = Field(12, ge=0)
    """Errors on eval to show with the words that pushed them, the surest first. 0 keeps all texts out of the report."""
    attribution_points: int = Field(16, ge=2)
    """Points of the integral behind the words' weights; more are more exact and slower."""
    length_rows: int = Field(200_000, ge=1)
    """Rows of each split whose lengths are counted, at most."""
