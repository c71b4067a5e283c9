"""How a text becomes features: the section `preprocessing`. Nothing here imports TensorFlow."""

from __future__ import annotations

from modules.settings import Section

from pydantic import Field


class PreprocessingSettings(Section):
    """Text to features."""

    sequence_length: int = Field(64, ge=8, le=512)
    """Window in tokens, [CLS] and [SEP] included; longer texts are cut."""
