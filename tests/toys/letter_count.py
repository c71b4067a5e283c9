"""An input of one's own: how often each of some letters stands in a column, as a float vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from modules.inputs.base import Input
from modules.inputs.kinds import INPUTS
from modules.tensors import Tensor

from pydantic import Field

if TYPE_CHECKING:
    import tensorflow as tf
    import tf_keras


@INPUTS.register("letter_count")
class LetterCount(Input):
    """Letters of a column, counted and encoded by one dense layer."""

    kind: Literal["letter_count"] = "letter_count"
    """Selects this kind."""
    letters: str = Field("aeiou", pattern="^[a-z]+$")
    """The letters that are counted."""
    width: int = Field(4, ge=1)
    """Width of the vector that goes into the fusion."""

    def tensors(self) -> tuple[Tensor, ...]:
        """One count a letter."""
        return (Tensor(f"{self.name}_counts", "float32", (len(self.letters),)),)

    def features(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Counts by what is left when a letter is taken out."""
        import tensorflow as tf

        text = tf.strings.lower(raw[self.column])
        size = tf.strings.length(text)
        counts = [size - tf.strings.length(tf.strings.regex_replace(text, letter, "")) for letter in self.letters]
        return {f"{self.name}_counts": tf.cast(tf.stack(counts, axis=1), tf.float32)}

    def encode(self, tensors: Mapping[str, tf_keras.KerasTensor]) -> tf_keras.KerasTensor:
        """One layer."""
        import tf_keras

        layer = tf_keras.layers.Dense(self.width, dtype="float32", name=f"{self.name}_encoder")
        return layer(tensors[f"{self.name}_counts"])
