"""Readings of fixed length, of sensors say: scaled by channel, with a flag for each that is missing; or a series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from modules.inputs.base import Input
from modules.tensors import Column, Reading, Tensor

from pydantic import Field, model_validator

if TYPE_CHECKING:
    import tensorflow as tf
    import tensorflow_transform as tft
    import tf_keras

LIMIT = 10.0  # of a scaled reading, as of a number
_MOST = 100_000  # readings of a row


class Vector(Input):
    """Numbers of a cell: a list of JSON (nested or not), or between spaces, commas or semicolons.

    A reading that is `null` or `nan` is missing, an empty cell lacks all.
    """

    linear: ClassVar[Reading | None] = "readings"
    parts: ClassVar[Mapping[str, str]] = {
        "statistics": "modules.inputs.vector.statistics:summarise",
        "distances": "modules.inputs.vector.statistics:compare",
        "bounds": "modules.inputs.vector.settings:VectorBounds",
        "device": "modules.inputs.vector.device:step",
        "facts": "modules.inputs.vector.report:facts",
        "plots": "modules.inputs.vector.report:plots",
    }

    kind: Literal["vector"] = "vector"
    """Selects this kind."""
    channels: int = Field(ge=1, le=10_000)
    """Readings of a moment; each channel is scaled by its own mean and deviation."""
    steps: int = Field(1, ge=1, le=100_000)
    """Moments of a row, one after the other; above 1 it is a series, which a small convolution reads."""
    width: int = Field(32, ge=1, le=1024)
    """Width of the vector that goes into the fusion; of a series, filters of each convolution."""
    kernel: int = Field(5, ge=1, le=99)
    """Steps that a convolution sees at once."""
    convolutions: int = Field(2, ge=1, le=8)
    """Layers of them; each but the first halves the steps."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.steps * self.channels > _MOST:
            raise ValueError(f"{self.steps} steps of {self.channels} channels: at most {_MOST} readings are a row")
        return self

    def columns(self) -> tuple[Column, ...]:
        """A text with so many numbers, or an empty one."""
        return (Column(self.column, f"optional readings {self.steps * self.channels}"),)

    @property
    def tensor(self) -> str:
        """Name of the tensor."""
        return f"{self.name}_vector"

    @property
    def scale(self) -> str:
        """Name of the feature that keeps what the readings were scaled with."""
        return f"{self.name}_scale"

    def tensors(self) -> tuple[Tensor, ...]:
        """By step the scaled readings of all channels, and then for each 1 where it is missing, 0 elsewhere."""
        return (Tensor(self.tensor, "float32", (self.steps, 2 * self.channels)),)

    def features(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Scales `[batch]` lists: each step is one operation of float32, which a device does likewise.

        In Transform also `scale`, float32 `[batch, 2, channels]`: means, and the factors that make deviations 1.
        """
        from modules.inputs.vector import parsed

        import tensorflow as tf

        read = parsed.numbers(raw[self.column], self.steps * self.channels)
        readings = tf.reshape(read, [-1, self.steps, self.channels])
        missing = tf.math.is_nan(readings)
        means, factors = self._scaling(readings, missing)
        scaled = tf.clip_by_value((readings - means) * factors, -LIMIT, LIMIT)
        known = tf.where(missing, tf.zeros_like(scaled), scaled)
        made = {self.tensor: tf.concat([known, tf.cast(missing, tf.float32)], axis=2)}
        if not self.learnt:
            made[self.scale] = tf.tile(tf.stack([means, factors])[tf.newaxis], [tf.shape(read)[0], 1, 1])
        return made

    def _scaling(self, readings: tf.Tensor, missing: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Means and factors by channel: what was learnt, or in Transform what all rows say."""
        import tensorflow as tf

        if self.learnt:
            return tf.constant(self.learnt["means"], tf.float32), tf.constant(self.learnt["factors"], tf.float32)
        import tensorflow_transform as tft

        def total(values: tf.Tensor) -> tf.Tensor:
            return tft.sum(tf.reduce_sum(values, axis=1), reduce_instance_dims=False)

        exact, known = tf.cast(readings, tf.float64), tf.cast(~missing, tf.float64)
        count = tf.maximum(total(known), 1.0)
        means = total(tf.where(missing, tf.zeros_like(exact), exact)) / count
        apart = tf.where(missing, tf.zeros_like(exact), exact - means)
        variances = total(apart * apart) / count
        # Of the deviations of a channel that is empty or always the same, nothing can be said.
        varied = tf.math.is_finite(variances) & (variances > 0)
        factors = tf.where(varied, tf.math.rsqrt(tf.where(varied, variances, tf.ones_like(variances))), 1.0)
        return tf.cast(means, tf.float32), tf.cast(factors, tf.float32)

    def learn(self, transformed: tft.TFTransformOutput) -> Vector:
        """Means and factors, as float32 has them."""
        [found] = self.transformed_once(transformed, self.scale)
        means, factors = ([float(value) for value in row] for row in found)
        return self.with_learnt({"means": means, "factors": factors})

    def goes_on(self, section: Mapping[str, Any]) -> bool:
        """A mean that has moved makes no other reading of it."""
        return self.model_dump(mode="json") == {name: value for name, value in section.items() if name != "learnt"}

    def absent(self, tensors: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Zeros, and 1 for each."""
        import tensorflow as tf

        shape = [1, self.steps, self.channels]
        return {self.tensor: tf.concat([tf.zeros(shape), tf.ones(shape)], axis=2)}

    def encode(self, tensors: Mapping[str, tf_keras.KerasTensor]) -> tf_keras.KerasTensor:
        """A dense layer, `[batch, width]`; of a series convolutions over its steps, `[batch, n, width]`."""
        import tf_keras

        layers = tf_keras.layers
        values = tensors[self.tensor]
        if self.steps == 1:
            flat = layers.Reshape([2 * self.channels], dtype="float32", name=f"{self.name}_flat")(values)
            return layers.Dense(self.width, activation="relu", dtype="float32", name=f"{self.name}_encoder")(flat)
        for number in range(self.convolutions):
            values = layers.Conv1D(
                self.width,
                min(self.kernel, int(values.shape[1])),
                strides=2 if number and values.shape[1] > 1 else 1,
                padding="same",
                activation="relu",
                dtype="float32",
                name=f"{self.name}_convolution_{number}",
            )(values)
        return values

    def described(self) -> dict[str, Any]:
        """What a device must know to make the tensor."""
        return {"shape": [self.steps, self.channels], **self.learnt, "limit": LIMIT}
