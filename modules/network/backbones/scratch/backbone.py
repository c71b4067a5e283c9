"""The section of a backbone with random weights, and its vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from modules.network.backbones.base import Backbone
from modules.network.backbones.minilm.source import SOURCE, VOCABULARY

from pydantic import Field, model_validator


class Scratch(Backbone):
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

    def vocabulary_path(self) -> str:
        return self.vocabulary or str(SOURCE.file(VOCABULARY))

    def files(self) -> Mapping[str, str]:
        return {"vocabulary": self.vocabulary} if self.vocabulary else {}
