"""Which column of the rows is what: a part of the section `data`. Nothing here imports TensorFlow."""

from __future__ import annotations

from typing import Self

from modules.settings import Section

from pydantic import model_validator


class Columns(Section):
    """The columns of the input."""

    text: str = "text"
    """Column with the text."""
    label: str = "label"
    """Column with the label's name."""
    slices: list[str] = []
    """Columns to evaluate by; each of their values becomes a slice."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [self.text, self.label, *self.slices]
        if len(set(names)) != len(names):
            raise ValueError(f"the columns {names} must all differ")
        return self
