"""`data.cleaning`: which rows are kept back, and why. Nothing here imports TensorFlow or TFX."""

from __future__ import annotations

from typing import Literal

from modules.settings import Section

from pydantic import Field


class CleaningConfig(Section):
    """What happens to rows before they are split. A row that is kept back is written down with its reason."""

    on_error: Literal["quarantine", "fail"] = "quarantine"
    """`fail`: the first row that would be quarantined, a duplicate too, ends the run."""
    max_quarantined: float = Field(0.2, ge=0.0, le=1.0)
    """Share of quarantined rows above which the run fails."""
    max_characters: int = Field(100_000, ge=1)
    """Longest text, in characters."""
    repair: bool = True
    """Repair mojibake (`cafÃ©`) and HTML entities (`&amp;`); a text without such damage stays as it is."""
    duplicates: Literal["drop", "keep"] = "drop"
    """Rows whose normalised texts and labels are equal: `drop` keeps one of them."""
    conflicting_labels: Literal["drop", "majority", "keep"] = "drop"
    """Rows of equal text and different labels: `drop` keeps none, `majority` those of the most frequent label (none
    where two are equally frequent), `keep` one (or all, see `duplicates`) of each label."""
    near_duplicates: float | None = Field(None, ge=0.5, le=0.99)
    """Drop a row whose text is this similar (Jaccard similarity of character 5-grams) to another of the same label.
    Empty: not looked for."""
    languages: list[str] = []
    """Languages to keep, as ISO 639-1 codes (`en`). Empty: all."""
    language_confidence: float = Field(0.9, ge=0.0, le=1.0)
    """How sure the detector must be of another language before a row is dropped; short texts are hard to tell."""
