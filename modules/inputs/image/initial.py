"""The pretrained weights of an encoder, written into a network that begins to learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modules.inputs.image.encoders.base import PretrainedError
from modules.inputs.image.input import Image

if TYPE_CHECKING:
    import tf_keras


def write(part: Image, encoder: tf_keras.Model) -> None:
    """Fills the layers of an encoder; the role `initial`, see `modules.inputs.roles`.

    Args:
        part: the input.
        encoder: what `modules.network.model.input_encoder` made of it.

    Raises:
        PackageError: the package with the weights cannot be fetched.
        PretrainedError: they do not fit the layers.
    """
    if not part.pretrained:
        return
    arrays = part.network.weights()
    filled = set()
    for layer in encoder.layers:
        if layer.name not in arrays:
            continue
        try:
            layer.set_weights(arrays[layer.name])
        except ValueError as error:
            raise PretrainedError(f"inputs.{part.name}: the weights of {layer.name} do not fit: {error}") from error
        filled.add(layer.name)
    empty = [layer.name for layer in encoder.layers if layer.weights and layer.name not in filled]
    if arrays and empty != [f"{part.name}_vector"]:
        raise PretrainedError(f"inputs.{part.name}: there are no pretrained weights for {', '.join(empty)}")
