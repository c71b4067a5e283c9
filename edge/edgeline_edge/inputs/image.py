"""A picture: pixels, resized as Transform resized them, byte by byte; the model scales them itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from edgeline_edge import picture
from edgeline_edge.errors import BundleError
from edgeline_edge.inputs.base import Array, TableInput
from edgeline_edge.inputs.sections import needed

_RESIZE = "area"
_LARGEST_FILE = 64 * 1024 * 1024


class Image(TableInput):
    """A picture of a record: an array, the bytes of a JPEG or PNG, these in base64 as a string, or a `pathlib.Path`.

    A string is never taken for the name of a file: records come over the network, too. Where a picture may be missing,
    the model has a second tensor, and a record without it has `None`, no such field, or an empty string there.
    """

    counts: ClassVar[tuple[int, ...]] = (1, 2)

    def __init__(self, section: Mapping[str, Any]) -> None:
        """Reads `height`, `width`, `channels` and `resize`.

        Args:
            section: an item of the manifest's `inputs`.

        Raises:
            BundleError: one of them is missing or unknown here.
        """
        super().__init__(section)
        self._height, self._width, self._channels, resize = (
            needed(section, field) for field in ("height", "width", "channels", "resize")
        )
        if resize != _RESIZE:
            raise BundleError(f"the input {self.name!r} is resized by {resize!r}, this package knows {_RESIZE}")
        if self._channels not in (1, 3) or not (
            0 < self._height <= picture.LARGEST_SIZE and 0 < self._width <= picture.LARGEST_SIZE
        ):
            raise BundleError(f"the input {self.name!r} is of {self._height} × {self._width} × {self._channels} pixels")

    @property
    def reads_files(self) -> bool:
        """A picture is a file."""
        return True

    def encode(self, value: object) -> dict[str, Array]:
        """The pixels, uint8 `[1, height, width, channels]`, and where the model wants it whether there are any."""
        if value is None or (isinstance(value, (str, bytes)) and not value):
            if len(self.tensors) == 1:
                raise ValueError(f"{self.column} is missing, and the model always wants a picture")
            return {name: np.zeros(shape, dtype) for name, (dtype, shape) in self.shapes().items()}
        try:
            pixels = picture.fitted(self._pixels(value), self._height, self._width, self._channels)
        except picture.PictureError as error:
            raise ValueError(f"{self.column} cannot be used: {error}") from error
        made: dict[str, Array] = {self.tensors[0]: pixels[np.newaxis]}
        return made | {name: np.ones((1, 1), np.float32) for name in self.tensors[1:]}

    def shapes(self) -> dict[str, tuple[str, list[int]]]:
        """The pixels, and the flag where there is one."""
        pixels = {self.tensors[0]: ("uint8", [1, self._height, self._width, self._channels])}
        return pixels | {name: ("float32", [1, 1]) for name in self.tensors[1:]}

    def _pixels(self, value: object) -> picture.Pixels:
        if isinstance(value, np.ndarray):
            try:
                return picture.checked(value)
            except TypeError as error:
                raise TypeError(f"{self.column}: {error}") from error
        if isinstance(value, os.PathLike):
            return picture.decoded(self._read(Path(value)))
        if isinstance(value, (bytes, bytearray, memoryview)):
            return picture.decoded(bytes(value))
        if isinstance(value, str):
            if not picture.carries(value):
                raise ValueError(
                    f"{self.column} is a string that is no picture in base64; give a file as a pathlib.Path"
                )
            return picture.decoded(picture.content_of(value))
        raise TypeError(
            f"{self.column} must be an array of uint8, bytes, base64, a pathlib.Path or None, is {type(value).__name__}"
        )

    def _read(self, path: Path) -> bytes:
        try:
            if path.stat().st_size > _LARGEST_FILE:
                raise ValueError(f"{self.column}: {path} has more than {_LARGEST_FILE:,} bytes")
            return path.read_bytes()
        except OSError as error:
            raise ValueError(f"{self.column}: {path} cannot be read ({error.strerror})") from error
