"""What every input of a network promises. A kind is a class of this one in a file of its own, and nothing else.

Nothing here imports TensorFlow: a configuration with an input is checked before anything heavy is loaded.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from modules.network.backbones.base import AnyBackbone, Source
from modules.registry import load
from modules.settings import Section
from modules.tensors import Column, Reading, Tensor, raw_spec

from pydantic import Field

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf
    import tensorflow_transform as tft
    import tf_keras


# Signatures of a SavedModel where there are several inputs: that of raw values by column, and that of tensors.
SERVING_ROWS, TENSORS = "serving_rows", "tensors"


class Input(Section, abc.ABC):
    """An input: its own section of the configuration, and what each stage asks of it."""

    # By role, `package.module:name` of what a node of its own runs for this kind: an edit of it runs that node again,
    # and not the training. A role that is missing is not played. `modules.inputs.roles` says what each is called with.
    parts: ClassVar[Mapping[str, str]] = {}
    # Signatures that a SavedModel promises where this is the only input: that of raw values, the name of its argument,
    # and that of tensors.
    alone: ClassVar[tuple[str, str, str] | None] = None
    # How the linear baseline reads its column beside a text; it does not where this is None.
    linear: ClassVar[Reading | None] = None

    kind: str
    """Which kind of input this is."""
    column: str
    """The column that it reads."""
    name: str = Field("", exclude=True)
    """Its name, the key under `inputs`."""
    learnt: dict[str, Any] = Field({}, exclude=True)
    """What Transform found for it in all rows, see `learn`; JSON values. Empty before that."""

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

        Transform's analyzers are for where nothing is learnt yet: `learn` keeps what they found, and a signature, where
        it is learnt, must give the same without them.

        Args:
            raw: by column, `[batch]` of the column's type.

        Returns:
            By name, the tensors that `tensors` lists, `[batch, *shape]` each; in Transform others too, for `learn`.
        """

    def learn(self, transformed: tft.TFTransformOutput) -> Self:
        """The same input with what Transform found, as `with_learnt` makes it; itself where that is nothing.

        Args:
            transformed: Transform's graph and vocabularies.
        """
        return self

    def with_learnt(self, found: Mapping[str, Any]) -> Self:
        """The same input with what was found for it.

        Args:
            found: JSON values.
        """
        return self.model_copy(update={"learnt": dict(found)})

    def transformed_once(self, transformed: tft.TFTransformOutput, feature: str) -> np.ndarray:
        """A feature that is the same in every row, of a row that is made up: for `learn`.

        Args:
            transformed: Transform's graph.
            feature: made of this input's columns alone.

        Returns:
            `[1, *shape]`.
        """
        import tensorflow as tf

        spec = raw_spec(self.columns())
        raw = {name: tf.zeros([1, 1], item.dtype) for name, item in spec.items()}
        found: np.ndarray = transformed.transform_features_layer()(raw)[feature].numpy()
        return found

    def goes_on(self, section: Mapping[str, Any]) -> bool:
        """Whether weights that were trained on this input mean the same with what another training found for it.

        Args:
            section: what `section` gave there.
        """
        return self.section() == section

    def section(self) -> dict[str, Any]:
        """What `named` reads again, with what is learnt: JSON values."""
        return {**self.model_dump(mode="json"), **({"learnt": dict(self.learnt)} if self.learnt else {})}

    def trimmed(self, tensors: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The same tensors of a served batch without what no row of it needs."""
        return tensors

    def absent(self, tensors: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """What its tensors are where a row has no value, as `features` makes them: for `trainer.modality_dropout`.

        Args:
            tensors: its own of some rows that have one, `[batch, *shape]`; windows may be cut.

        Returns:
            The same names, shapes and types, or what they can be broadcast to.

        Raises:
            NotImplementedError: every row must have a value.
        """
        raise NotImplementedError(f"inputs.{self.name}: the kind {self.kind} says nothing of rows without a value")

    @property
    def may_lack(self) -> bool:
        """Whether it says what a row without a value is."""
        return type(self).absent is not Input.absent

    def encode(self, tensors: Mapping[str, tf_keras.KerasTensor]) -> tf_keras.KerasTensor:
        """Its encoder: layers from its tensors to one float32 vector a row, `[batch, dim]`, for the fusion.

        A value that has parts, such as the places of a picture or the steps of a series, may give them instead,
        `[batch, n, dim]`: `attention` looks at each of them, any other fusion at their mean. Name the layers after
        `self.name`. An input with a backbone has it encoded by `modules.network`.

        Raises:
            NotImplementedError: the kind has neither an encoder nor a backbone.
        """
        raise NotImplementedError(f"inputs.{self.name}: the kind {self.kind} has neither an encoder nor a backbone")

    def sources(self) -> tuple[Source, ...]:
        """The pretrained weights of its own encoder, for the model card; none where there are none."""
        return ()

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

    optional: bool = False
    """Whether a row may have none."""
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
