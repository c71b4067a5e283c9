"""Pictures: from a file's bytes to the pixels that a model takes, in whole numbers alone, so that every side agrees.

A picture is a JPEG or a PNG. It is decoded to red, green and blue (transparency and what EXIF says of its orientation
are ignored), made grey where the model wants one channel, and resized by area: each pixel of the result is the mean of
what it covers. Transform does the same in its graph; `modules/inputs/image/decode.py` of the project has the formulas
once more, and a test holds the two together, byte by byte.
"""

from __future__ import annotations

import base64
import binascii
import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
# A file of some bytes may claim to be a picture of gigabytes. The sums below stay within int32 up to these numbers.
MOST_SIDE, MOST_PIXELS, LARGEST_SIZE = 10_000, 25_000_000, 512
GREY = (299, 587, 114)  # thousandths of red, green and blue, as ITU-R BT.601 has them
# Segments of a JPEG that say how large it is; the others with these first four bits are tables.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_USUAL_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive; the others not every decoder knows


class PictureError(ValueError):
    """What is there is no picture that can be used; the text says why."""


class Header(NamedTuple):
    """What a file says of itself.

    Attributes:
        format: `JPEG` or `PNG`.
        height: in pixels.
        width: in pixels.
    """

    format: str
    height: int
    width: int


def content_of(text: str) -> bytes:
    """The file that a text carries in base64, with or without `data:…;base64,` before it.

    Args:
        text: the text.

    Raises:
        PictureError: it is no base64.
    """
    head, comma, body = text.partition(",") if text.startswith("data:") else ("", "", text)
    if head and not (comma and head.endswith(";base64")):
        raise PictureError("a data URI must hold base64 (data:image/png;base64,…)")
    try:
        plain = "".join(body.split()).replace("-", "+").replace("_", "/").rstrip("=")
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise PictureError(f"it is no base64 ({error})") from error


def carries(text: str) -> bool:
    """Whether a text carries a picture itself, and is not the name of a file."""
    # What the first bytes of a JPEG and of a PNG are in base64.
    return text.startswith(("data:", "/9j/", "_9j_", "iVBORw0KGgo"))


def header(content: bytes) -> Header:
    """Format and size of a picture, from its first bytes.

    Args:
        content: the file.

    Raises:
        PictureError: it is neither a JPEG nor a PNG, is too large, or has colours that decoders disagree about.
    """
    if content.startswith(PNG):
        found = _of_png(content)
    elif content.startswith(JPEG):
        found = _of_jpeg(content)
    else:
        raise PictureError("it is neither a JPEG nor a PNG")
    if not (0 < found.height <= MOST_SIDE and 0 < found.width <= MOST_SIDE):
        raise PictureError(f"it is {found.width} × {found.height} pixels; a side has 1 to {MOST_SIDE:,}")
    if found.height * found.width > MOST_PIXELS:
        raise PictureError(f"it is {found.width} × {found.height} pixels, more than {MOST_PIXELS:,}; make it smaller")
    return found


def decoded(content: bytes) -> Pixels:
    """The pixels of a file: uint8 `[height, width, 3]`.

    Args:
        content: a JPEG or a PNG.

    Raises:
        PictureError: it is none, is too large, or is damaged.
        ImportError: Pillow is not installed.
    """
    if header(content).format == "PNG":
        _check_chunks(content)
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            "pictures are decoded by Pillow, which is not installed: pip install 'edgeline-edge[image]', or give the "
            "pixels as an array"
        ) from error
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as image:
            image.load()
            if image.mode.startswith("I"):  # 16 bits of grey; the other decoders take the upper eight
                grey = (np.asarray(image).astype(np.int64) >> 8).astype(np.uint8)
                return np.repeat(grey[:, :, np.newaxis], 3, axis=2)
            # Transparency is left away, not blended with a background.
            return np.array(image.convert("RGBA").convert("RGB") if image.mode == "P" else image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise PictureError(f"it is damaged: {str(error)[:200] or type(error).__name__}") from error


def checked(array: Any) -> Pixels:
    """Pixels as a caller has them, as uint8 `[height, width, 3]` or `[height, width, 1]`.

    Args:
        array: uint8 `[height, width]`, or with 1, 3 or 4 channels; the fourth, transparency, is left away.

    Raises:
        TypeError: it is no array of uint8.
        PictureError: it has another shape, or is empty or too large.
    """
    pixels = np.asarray(array)
    if pixels.dtype != np.uint8:
        raise TypeError(f"the pixels must be uint8, 0 to 255; they are {pixels.dtype}")
    if pixels.ndim == 2:
        pixels = pixels[:, :, np.newaxis]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4):
        raise PictureError(f"an array of shape {list(pixels.shape)} is no picture: [height, width] or with 3 channels")
    height, width, channels = pixels.shape
    if not (0 < height <= MOST_SIDE and 0 < width <= MOST_SIDE and height * width <= MOST_PIXELS):
        raise PictureError(f"a picture of {width} × {height} pixels is empty or too large")
    return pixels[:, :, :3] if channels == 4 else pixels


def fitted(pixels: Pixels, height: int, width: int, channels: int) -> Pixels:
    """Pixels as a model takes them.

    Args:
        pixels: uint8 `[any, any, 1 or 3]`.
        height: of the result, at most `LARGEST_SIZE`.
        width: likewise.
        channels: 1 for grey, 3 for colours.

    Returns:
        uint8 `[height, width, channels]`.
    """
    if channels == 1 and pixels.shape[2] == 3:
        red, green, blue = np.moveaxis(pixels.astype(np.int32), 2, 0)
        grey = (red * GREY[0] + green * GREY[1] + blue * GREY[2] + 500) // 1000
        pixels = grey[:, :, np.newaxis].astype(np.uint8)
    elif channels == 3 and pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    area = pixels.shape[0] * pixels.shape[1]
    sums = np.moveaxis(_cells(np.moveaxis(_rows(pixels, height), 1, 0), width), 0, 1)
    result: Pixels = ((sums + area // 2) // area).astype(np.uint8)
    return result


def _rows(pixels: Pixels, size: int) -> npt.NDArray[np.int64]:
    """As `_cells`, a row at a time, so that a large picture is never held in wider numbers."""
    count = len(pixels)
    made = np.zeros((size, *pixels.shape[1:]), np.int64)
    for cell in range(size):
        (first, used), (last, rest) = divmod(cell * count, size), divmod((cell + 1) * count, size)
        made[cell] = size * pixels[first:last].sum(axis=0, dtype=np.int64) - used * pixels[first].astype(np.int64)
        if rest:
            made[cell] += rest * pixels[last].astype(np.int64)
    return made


def _cells(values: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    """Sums over `size` equal cells of the first axis, `[n, …]` to `[size, …]`, times `size`.

    A cell begins and ends within a value, of which it takes its share: in units of 1/size, all of this is whole.
    """
    count = len(values)
    sums = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
    whole, rest = np.divmod(np.arange(size + 1) * count, size)
    rest = rest.reshape(-1, *(1,) * (values.ndim - 1))
    until = size * sums[whole] + rest * values[np.minimum(whole, count - 1)]
    result: npt.NDArray[np.int64] = np.diff(until, axis=0)
    return result


def _of_png(content: bytes) -> Header:
    if len(content) < 26 or content[12:16] != b"IHDR":
        raise PictureError("it is damaged: a PNG without a header")
    width, height = struct.unpack(">II", content[16:24])
    return Header("PNG", height, width)


def _check_chunks(content: bytes) -> None:
    """Refuses a PNG that is cut off or altered: Pillow fills up what is missing, TensorFlow does not."""
    at, kind = len(PNG), b""
    while kind != b"IEND":
        if len(content) < at + 12:
            raise PictureError("it is damaged: a PNG that is cut off")
        length, kind = struct.unpack_from(">I4s", content, at)
        end = at + 8 + length
        if len(content) < end + 4 or zlib.crc32(content[at + 4 : end]) != struct.unpack_from(">I", content, end)[0]:
            raise PictureError(f"it is damaged: its part {kind.decode('ascii', 'replace')} is not whole")
        at = end + 4


def _of_jpeg(content: bytes) -> Header:
    for kind, at in _segments(content):
        if kind in _FRAMES:
            if len(content) < at + 6:
                break
            if kind not in _USUAL_FRAMES:
                raise PictureError("a JPEG that is coded arithmetically or without loss; save it as a usual one")
            bits, height, width, components = struct.unpack_from(">BHHB", content, at)
            if bits != 8 or components not in (1, 3):
                raise PictureError(f"a JPEG with {components} colours of {bits} bits; save it as RGB")
            return Header("JPEG", height, width)
    raise PictureError("it is damaged: a JPEG that does not say how large it is")


def _segments(content: bytes) -> Iterator[tuple[int, int]]:
    """Kind of each segment of a JPEG's head, and where what it holds begins."""
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        kind = content[at + 1]
        if kind == 0xFF:  # filling
            at += 1
        elif kind == 0x01 or 0xD0 <= kind <= 0xD8:  # markers that hold nothing
            at += 2
        else:
            yield kind, at + 4
            at += 2 + int(struct.unpack_from(">H", content, at + 2)[0])
