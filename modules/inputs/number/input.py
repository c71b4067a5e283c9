"""A number: scaled by Transform's statistics, with a flag where a row has none."""

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

LIMIT = 10.0  # of a scaled number: one that is farther from the mean tells no more, and a typing error no nonsense


class Number(Input):
    """A number of a column; an empty cell is one that is missing."""

    linear: ClassVar[Reading | None] = "scaled"
    parts: ClassVar[Mapping[str, str]] = {
        "statistics": "modules.inputs.number.statistics:summarise",
        "distances": "modules.inputs.number.statistics:compare",
        "bounds": "modules.inputs.number.settings:NumberBounds",
        "device": "modules.inputs.number.device:step",
        "facts": "modules.inputs.number.report:facts",
        "plots": "modules.inputs.number.report:plots",
    }

    kind: Literal["number"] = "number"
    """Selects this kind."""
    width: int = Field(16, ge=1, le=1024)
    """Width of the vector that goes into the fusion."""

    def columns(self) -> tuple[Column, ...]:
        """A number that may be missing."""
        return (Column(self.column, "optional number"),)

    @property
    def tensor(self) -> str:
        """Name of the tensor."""
        return f"{self.name}_number"

    @property
    def scale(self) -> str:
        """Name of the feature that keeps what the numbers were scaled with, for who reads Transform's output."""
        return f"{self.name}_scale"

    def tensors(self) -> tuple[Tensor, ...]:
        """The scaled number and 0, or 0 and 1 where there is none."""
        return (Tensor(self.tensor, "float32", (2,)),)

    def features(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Scales `[batch]` numbers: each step is one operation of float32, which a device does likewise.

        In Transform also `scale`, float32 `[batch, 2]`: the mean, and the factor that makes the deviation 1.
        """
        import tensorflow as tf

        value = tf.cast(raw[self.column], tf.float32)
        missing = tf.math.is_nan(value)
        mean, factor = self._scaling(tf.boolean_mask(value, ~missing))
        scaled = tf.clip_by_value((value - mean) * factor, -LIMIT, LIMIT)
        known = tf.where(missing, tf.zeros_like(value), scaled)
        made = {self.tensor: tf.stack([known, tf.cast(missing, tf.float32)], axis=1)}
        if not self.learnt:
            made[self.scale] = tf.tile(tf.stack([mean, factor])[tf.newaxis], [tf.shape(value)[0], 1])
        return made

    def _scaling(self, values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean and factor: what was learnt, or in Transform what all rows say."""
        import tensorflow as tf

        if self.learnt:
            return tf.constant(self.learnt["mean"], tf.float32), tf.constant(self.learnt["factor"], tf.float32)
        import tensorflow_transform as tft

        # Of the deviations of a column that is empty or always the same, nothing can be said.
        mean, variance = tft.mean(values), tft.var(values)
        mean = tf.where(tf.math.is_finite(mean), mean, 0.0)
        known = tf.math.is_finite(variance) & (variance > 0)
        return mean, tf.where(known, tf.math.rsqrt(tf.where(known, variance, 1.0)), 1.0)

    def learn(self, transformed: tft.TFTransformOutput) -> Number:
        """Mean and factor, as float32 has them."""
        found = self.transformed_once(transformed, self.scale)
        mean, factor = (float(value) for value in found[0])
        return self.with_learnt({"mean": mean, "factor": factor})

    def goes_on(self, section: Mapping[str, Any]) -> bool:
        """A mean that has moved makes no other number of it."""
        return self.model_dump(mode="json") == {name: value for name, value in section.items() if name != "learnt"}

    def absent(self, tensors: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """0 and 1."""
        import tensorflow as tf

        return {self.tensor: tf.constant([[0.0, 1.0]])}

    def encode(self, tensors: Mapping[str, tf_keras.KerasTensor]) -> tf_keras.KerasTensor:
        """One layer, so that the answer may bend with the number."""
        import tf_keras

        layer = tf_keras.layers.Dense(self.width, activation="relu", dtype="float32", name=f"{self.name}_encoder")
        return layer(tensors[self.tensor])

    def described(self) -> dict[str, Any]:
        """What a device must know to make the tensor."""
        return {**self.learnt, "limit": LIMIT}
