"""The section of a MiniLM backbone, and its vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from modules.network.backbones.base import Backbone, Source
from modules.network.backbones.minilm.source import SOURCE, VOCABULARY

from pydantic import Field

_LAYERS = 6


class Minilm(Backbone):
    """all-MiniLM-L6-v2, six layers of 384 units, fetched once through the package registry (Apache-2.0)."""

    kind: Literal["minilm"] = "minilm"
    """Selects this backbone."""
    layers: list[Annotated[int, Field(ge=0, le=_LAYERS - 1)]] = Field([0, 2, 5], min_length=1, max_length=_LAYERS)
    """Which of the six layers to keep, from the input to the output."""

    def unused(self) -> Mapping[str, str]:
        return {} if len(set(self.layers)) == _LAYERS else {"layers": str(list(range(_LAYERS))).replace(" ", "")}

    def vocabulary_path(self) -> str:
        return str(SOURCE.file(VOCABULARY))

    def languages(self) -> tuple[str, ...]:
        return ("en",)

    def sources(self) -> tuple[Source, ...]:
        return (SOURCE,)
