"""How a text becomes features: the section `preprocessing`. Nothing here imports TensorFlow."""

from __future__ import annotations

from typing import Any, Literal

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

    @property
    def windows(self) -> int:
        """Windows that a row of the features holds."""
        return self.max_windows if self.long_text == "windows" else 1

    def for_device(self) -> dict[str, Any]:
        """What a bundle's manifest says of long texts; nothing of `head`, which is what it means without a word."""
        if self.long_text == "windows":
            return {"long_text": self.long_text, "max_windows": self.max_windows}
        return {} if self.long_text == "head" else {"long_text": self.long_text}
