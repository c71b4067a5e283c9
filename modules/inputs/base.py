"""What every input of a network promises. A kind is a class of this one in a file of its own, and nothing else.

Nothing here imports TensorFlow: a configuration with an input is checked before anything heavy is loaded.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from modules.network.backbones.base import AnyBackbone
from modules.registry import load
from modules.settings import Section
from modules.tensors import Column, Tensor

from pydantic import Field

if TYPE_CHECKING:
    import tensorflow as tf
    import tf_keras


class Input(Section, abc.ABC):
    """An input: its own section of the configuration, and what each stage asks of it."""

    # By role, `package.module:name` of what a node of its own runs for this kind: an edit of it runs that node again,
    # and not the training. A role that is missing is not played. `modules.inputs.roles` says what each is called with.
    parts: ClassVar[Mapping[str, str]] = {}
    # Signatures that a SavedModel promises where this is the only input: that of raw values, the name of its argument,
    # and that of tensors.
    alone: ClassVar[tuple[str, str, str] | None] = None

    kind: str
    """Which kind of input this is."""
    column: str
    """The column that it reads."""
    name: str = Field("", exclude=True)
    """Its name, the key under `inputs`."""

    def columns(self) -> tuple[Column, ...]:
        """The columns that ExampleGen must read for it."""
        return (Column(self.column),)

    @abc.abstractmethod
    def tensors(self) -> tuple[Tensor, ...]:
        """What `features` gives; the names are this input's alone."""

    @property
    def mask(self) -> str | None:
        """Name of the tensor whose sum over a row is the row's length; None where rows have none."""
        return None

    @abc.abstractmethod
    def features(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Its part of the preprocessing: in Transform, and in every signature that takes raw values.

        Args:
            raw: by column, `[batch]` of the column's type.

        Returns:
            By name, the tensors that `tensors` lists, `[batch, *shape]` each.
        """

    def trimmed(self, tensors: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The same tensors of a served batch without what no row of it needs."""
        return tensors

    def encode(self, tensors: Mapping[str, tf_keras.KerasTensor]) -> tf_keras.KerasTensor:
        """Its encoder: layers from its tensors to one float32 vector a row, `[batch, dim]`, for the fusion.

        Name the layers after `self.name`. An input with a backbone has it encoded by `modules.network`.

        Raises:
            NotImplementedError: the kind has neither an encoder nor a backbone.
        """
        raise NotImplementedError(f"inputs.{self.name}: the kind {self.kind} has neither an encoder nor a backbone")

    def part(self, role: str) -> Any:
        """What this kind brings for a role; None where it plays none."""
        path = self.parts.get(role)
        return load(path) if path else None

    @classmethod
    def named(cls, name: str, settings: Mapping[str, Any]) -> Self:
        """Reads the section of an input.

        Args:
            name: its key under `inputs`.
            settings: the section.

        Raises:
            pydantic.ValidationError: something in it is wrong.
        """
        return cls.model_validate({**settings, "name": name})


class BackboneInput(Input):
    """An input that a pretrained backbone encodes. A network has one."""

    sequence_length: int
    """Longest window of its tensors."""
    backbone: AnyBackbone
    """Its backbone."""

    @property
    def windows(self) -> int:
        """Windows that a row of its tensors holds, side by side; the network reads one at a time."""
        return 1

    @property
    def reads(self) -> str:
        """What of a value counts, for a person."""
        return f"the first {self.sequence_length} tokens count"

    @abc.abstractmethod
    def vocabulary(self) -> list[str]:
        """What the numbers in its tensors stand for, in their order."""
