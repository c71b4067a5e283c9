"""A category: one of the values that the training rows have, another one, or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from modules.inputs.base import Input
from modules.tensors import Column, Reading, Tensor

from pydantic import Field

if TYPE_CHECKING:
    import tensorflow as tf
    import tensorflow_transform as tft
    import tf_keras

MISSING, UNKNOWN, FIRST = 0, 1, 2  # what a number stands for; from the last one on, the values


class Category(Input):
    """A value of a column; an empty cell is one that is missing."""

    linear: ClassVar[Reading | None] = "one_hot"
    parts: ClassVar[Mapping[str, str]] = {
        "statistics": "modules.inputs.category.statistics:summarise",
        "distances": "modules.inputs.category.statistics:compare",
        "bounds": "modules.inputs.category.settings:CategoryBounds",
        "device": "modules.inputs.category.device:step",
        "facts": "modules.inputs.category.report:facts",
        "plots": "modules.inputs.category.report:plots",
    }

    kind: Literal["category"] = "category"
    """Selects this kind."""
    most: int = Field(1000, ge=1, le=10_000)
    """Most values that are told apart: the most frequent ones of the train split. The others are one value."""
    min_count: int = Field(2, ge=1)
    """Rows that a value must have. What is rarer is taken for unknown, and shows the model what to make of that."""
    width: int = Field(8, ge=1, le=1024)
    """Width of the vector that goes into the fusion."""

    def columns(self) -> tuple[Column, ...]:
        """A text that may be empty."""
        return (Column(self.column, "optional text"),)

    @property
    def tensor(self) -> str:
        """Name of the tensor."""
        return f"{self.name}_category"

    def tensors(self) -> tuple[Tensor, ...]:
        """The value's number."""
        return (Tensor(self.tensor, "int32"),)

    def features(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Numbers of `[batch]` values, by Transform's vocabulary."""
        import tensorflow as tf

        value = raw[self.column]
        place = tf.cast(self._places(value), tf.int64)
        known = tf.where(place < 0, tf.constant(UNKNOWN, tf.int64), place + FIRST)
        return {self.tensor: tf.where(tf.equal(value, ""), tf.constant(MISSING, tf.int64), known)}

    def _places(self, values: tf.Tensor) -> tf.Tensor:
        """Where values stand in the vocabulary, -1 for one that it does not have."""
        import tensorflow as tf

        if not self.learnt:
            import tensorflow_transform as tft

            bounds = {"top_k": self.most, "frequency_threshold": self.min_count}
            return tft.compute_and_apply_vocabulary(values, default_value=-1, vocab_filename=self.tensor, **bounds)
        # Compared with each: a table of TensorFlow's would have to be kept alive by whoever saves the signature.
        equal = tf.equal(values[:, tf.newaxis], tf.constant(self.learnt["values"], tf.string, [1, self._count]))
        return tf.reduce_max(tf.where(equal, tf.range(self._count), -1), axis=1)  # below 0 also where there are none

    @property
    def _count(self) -> int:
        return len(self.learnt["values"])

    def learn(self, transformed: tft.TFTransformOutput) -> Category:
        """The values in the order of their numbers."""
        values = transformed.vocabulary_by_name(self.tensor)
        return self.with_learnt({"values": [value.decode("utf-8", errors="replace") for value in values]})

    def absent(self, tensors: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The number of none."""
        import tensorflow as tf

        return {self.tensor: tf.constant([MISSING])}

    def encode(self, tensors: Mapping[str, tf_keras.KerasTensor]) -> tf_keras.KerasTensor:
        """A vector for each value, for none and for an unknown one.

        Raises:
            ValueError: nobody knows the values yet: Transform has not run.
        """
        import tf_keras

        if not self.learnt:
            raise ValueError(f"inputs.{self.name}: its values are Transform's to find, see `learn`")
        layer = tf_keras.layers.Embedding(FIRST + self._count, self.width, dtype="float32", name=f"{self.name}_encoder")
        return layer(tensors[self.tensor])

    def described(self) -> dict[str, Any]:
        """What a device must know to make the tensor."""
        return dict(self.learnt)
