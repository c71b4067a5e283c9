"""How a text becomes features: the section `preprocessing`. Nothing here imports TensorFlow."""

from __future__ import annotations

from typing import Literal

from modules.settings import Section

from pydantic import Field

LongText = Literal["head", "head_tail", "windows"]


class PreprocessingSettings(Section):
    """Text to features."""

    sequence_length: int = Field(64, ge=8, le=512)
    """Window in tokens, [CLS] and [SEP] included."""
    long_text: LongText = "head"
    """What is read of a longer text: `head`, its beginning; `head_tail`, half a window of its beginning and half of its
    end; `windows`, all of it in windows that are answered by themselves and averaged."""
    max_windows: int = Field(8, ge=2, le=64)
    """With `long_text: windows`, the most windows of a text; a longer text has so many, spread evenly over it."""
