"""A small network of convolutions for small pictures, from random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modules.inputs.image.encoders.base import Encoder

if TYPE_CHECKING:
    import tf_keras


class Conv(Encoder):
    """Stages of two convolutions of 3 × 3 with batch normalization; each stage but the first halves both sides."""

    channels = (1, 3)
    smallest = 8

    def layers(self, scaled: tf_keras.KerasTensor) -> tf_keras.KerasTensor:
        import tf_keras

        found = scaled
        for stage, filters in enumerate(self.filters):
            for number in range(2):
                name, strides = f"stage_{stage}_{number}", 2 if stage and not number else 1
                convolution = tf_keras.layers.Conv2D(
                    filters, 3, strides=strides, padding="same", use_bias=False, name=f"{name}_conv"
                )
                found = convolution(found)
                # A tenth of the usual memory: a short training must reach what is kept for answering.
                found = tf_keras.layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(found)
                found = tf_keras.layers.ReLU(name=f"{name}_relu")(found)
        return found
