"""An input of one's own that no backbone encodes and that reads no text: a number of a column, and its square."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from modules.inputs.base import Input
from modules.inputs.kinds import INPUTS
from modules.tensors import Column, Tensor

if TYPE_CHECKING:
    import tensorflow as tf
    import tf_keras


@INPUTS.register("powers")
class Powers(Input):
    """A number, encoded by one dense layer."""

    kind: Literal["powers"] = "powers"
    """Selects this kind."""

    def columns(self) -> tuple[Column, ...]:
        """A number, no text."""
        return (Column(self.column, "number"),)

    def tensors(self) -> tuple[Tensor, ...]:
        """The number and its square."""
        return (Tensor(f"{self.name}_powers", "float32", (2,)),)

    def features(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Powers of the number."""
        import tensorflow as tf

        value = tf.cast(raw[self.column], tf.float32)
        return {f"{self.name}_powers": tf.stack([value, value * value], axis=1)}

    def encode(self, tensors: Mapping[str, tf_keras.KerasTensor]) -> tf_keras.KerasTensor:
        """One layer."""
        import tf_keras

        return tf_keras.layers.Dense(4, dtype="float32", name=f"{self.name}_encoder")(tensors[f"{self.name}_powers"])
