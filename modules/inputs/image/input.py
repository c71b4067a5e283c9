"""A picture: decoded and resized inside Transform, scaled in the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from modules.inputs.base import Input
from modules.inputs.image.encoders.base import ENCODERS, Encoder
from modules.network.backbones.base import Source
from modules.tensors import Column, Reading, Tensor

from pydantic import Field, model_validator

if TYPE_CHECKING:
    import tensorflow as tf
    import tf_keras

LARGEST = 512  # of a side; see `edgeline_edge.picture.LARGEST_SIZE`
_FILTERS = (32, 64, 128)
Side = Annotated[int, Field(ge=8, le=LARGEST)]


class Image(Input):
    """A picture of a column, a JPEG or PNG: the name of a file beside the rows, its bytes, or these in base64."""

    parts: ClassVar[Mapping[str, str]] = {
        "statistics": "modules.inputs.image.statistics:summarise",
        "distances": "modules.inputs.image.statistics:compare",
        "bounds": "modules.inputs.image.settings:ImageBounds",
        "initial": "modules.inputs.image.initial:write",
        "device": "modules.inputs.image.device:step",
        "facts": "modules.inputs.image.report:facts",
        "plots": "modules.inputs.image.report:plots",
        "shown": "modules.inputs.image.report:shown",
    }

    linear: ClassVar[Reading | None] = "pixels"

    kind: Literal["image"] = "image"
    """Selects this kind."""
    height: Side = 96
    """Rows of pixels that a picture is resized to, by area."""
    width: Side = 96
    """Columns of pixels that it is resized to; another shape is stretched, not cut."""
    channels: Literal[1, 3] = 3
    """3 for colours, 1 for grey."""
    optional: bool = False
    """Whether a row may have none; else such a row is put aside."""
    encoder: str = "conv"
    """`conv`, small and from random weights, for small pictures; `mobilenet_v2` or `efficientnet_lite0`, pretrained and
    fetched once through the package registry, for photographs of 96 pixels and more."""
    filters: list[Annotated[int, Field(ge=1, le=1024)]] | None = Field(None, min_length=1, max_length=6)
    """Of `conv`: features of each of its stages, the first at full size. Empty: 32, 64, 128."""
    pretrained: bool = True
    """Start from an encoder's own weights, where it has some."""
    vector: int = Field(128, ge=1, le=4096)
    """Width of the vector that goes into the fusion."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.encoder not in ENCODERS:
            raise ValueError(f"encoder is {self.encoder!r}; set it to one of {', '.join(ENCODERS.kinds)}")
        kind = ENCODERS[self.encoder]
        if self.channels not in kind.channels:
            raise ValueError(f"encoder {self.encoder} takes {kind.channels[0]} channels; channels is {self.channels}")
        if min(self.height, self.width) < kind.smallest:
            raise ValueError(f"encoder {self.encoder} takes pictures of {kind.smallest} × {kind.smallest} and more")
        if self.filters is not None and self.encoder != "conv":
            raise ValueError(f"filters are of the encoder conv; leave them out with {self.encoder}")
        return self

    @property
    def network(self) -> Encoder:
        """The encoder."""
        return ENCODERS[self.encoder](self.filters or _FILTERS)

    def columns(self) -> tuple[Column, ...]:
        """The bytes of a picture, which a row may lack where `optional` says so."""
        return (Column(self.column, "optional image" if self.optional else "image"),)

    @property
    def tensor(self) -> str:
        """Name of the tensor with the pixels."""
        return f"{self.name}_pixels"

    @property
    def present(self) -> str:
        """Name of the tensor that says whether there is a picture, where one may be missing."""
        return f"{self.name}_present"

    def tensors(self) -> tuple[Tensor, ...]:
        """The pixels, 0 to 255; and where a picture may be missing, 1 for one that is there."""
        pixels = Tensor(self.tensor, "uint8", (self.height, self.width, self.channels))
        return (pixels, Tensor(self.present, "float32", (1,))) if self.optional else (pixels,)

    def features(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Decodes and resizes `[batch]` files in whole numbers, which a device does likewise."""
        from modules.inputs.image import decode

        import tensorflow as tf

        contents = raw[self.column]
        made = {self.tensor: decode.pixels(contents, self.height, self.width, self.channels)}
        if self.optional:
            made[self.present] = tf.cast(tf.strings.length(contents) > 0, tf.float32)[:, tf.newaxis]
        return made

    def absent(self, tensors: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Black, and 0 for a picture that is not there.

        Raises:
            NotImplementedError: every row must have a picture.
        """
        import tensorflow as tf

        if not self.optional:
            return super().absent(tensors)
        return {self.tensor: tf.zeros_like(tensors[self.tensor][:1]), self.present: tf.constant([[0.0]])}

    @property
    def may_lack(self) -> bool:
        """As `optional` says."""
        return self.optional

    def encode(self, tensors: Mapping[str, tf_keras.KerasTensor]) -> tf_keras.KerasTensor:
        """Scales the pixels, and takes the mean of the encoder's map through one layer."""
        import tf_keras

        network, layers = self.network, tf_keras.layers
        scaled = layers.Rescaling(network.factor, network.offset, dtype="float32", name="scaled")(tensors[self.tensor])
        pooled = layers.GlobalAveragePooling2D(dtype="float32", name="pooled")(network.layers(scaled))
        vector = layers.Dense(self.vector, activation="relu", dtype="float32", name=f"{self.name}_vector")(pooled)
        if self.optional:
            vector = layers.Multiply(dtype="float32", name="present")([vector, tensors[self.present]])
        return vector

    def sources(self) -> tuple[Source, ...]:
        """The weights that it starts with, for the model card."""
        source = self.network.source() if self.pretrained else None
        return (source,) if source else ()

    def described(self) -> dict[str, Any]:
        """What a device must know to make the tensors; the scale is the network's, and told for people."""
        network = self.network
        return {
            "height": self.height,
            "width": self.width,
            "channels": self.channels,
            "resize": "area",
            "factor": network.factor,
            "offset": network.offset,
        }
