"""Which pretrained encoder: the section `backbone`. Nothing here imports TensorFlow."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from modules.settings import Section

from pydantic import Field, model_validator


class MinilmBackbone(Section):
    """all-MiniLM-L6-v2, six layers of 384 units, fetched once through the package registry (Apache-2.0)."""

    kind: Literal["minilm"] = "minilm"
    """Selects this backbone."""
    layers: list[Annotated[int, Field(ge=0, le=5)]] = Field([0, 2, 5], min_length=1, max_length=6)
    """Which of the six layers to keep, from the input to the output."""


class PresetBackbone(Section):
    """A KerasNLP BERT preset."""

    kind: Literal["preset"]
    """Selects this backbone."""
    preset: str
    """Name of a preset (`bert_tiny_en_uncased`; needs the network) or a local preset folder."""


class ScratchBackbone(Section):
    """Random weights."""

    kind: Literal["scratch"]
    """Selects this backbone."""
    num_layers: int = Field(2, ge=1, le=48)
    """Transformer layers."""
    num_heads: int = Field(2, ge=1)
    """Attention heads of each layer."""
    hidden_dim: int = Field(128, ge=4)
    """Width of the encoder; a multiple of `num_heads`."""
    intermediate_dim: int = Field(512, ge=4)
    """Width of the feed-forward layers."""
    vocabulary: str | None = None
    """WordPiece vocabulary, one token a line. Empty: MiniLM's (BERT uncased)."""

    @model_validator(mode="after")
    def _divisible(self) -> Self:
        if self.hidden_dim % self.num_heads:
            raise ValueError(f"hidden_dim {self.hidden_dim} is not a multiple of num_heads {self.num_heads}")
        return self


Backbone = Annotated[MinilmBackbone | PresetBackbone | ScratchBackbone, Field(discriminator="kind")]
