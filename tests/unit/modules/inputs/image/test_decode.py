"""What Transform makes of a picture is what a device makes of it, byte by byte."""

from __future__ import annotations

import base64
import io
from typing import Any

from modules.inputs.image import decode

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from edgeline_edge import picture

SIZES = [(1, 1), (2, 3), (28, 28), (97, 48), (120, 201)]


def smooth(rng: np.random.Generator, height: int, width: int, channels: int) -> np.ndarray:
    """Noise that is enlarged, so that a JPEG keeps some of it."""
    coarse = rng.integers(0, 256, (height // 4 + 2, width // 4 + 2, channels)).astype(np.uint8)
    planes = [Image.fromarray(coarse[:, :, plane]).resize((width, height), Image.BICUBIC) for plane in range(channels)]
    return np.stack([np.asarray(plane) for plane in planes], axis=2)


def saved(image: Any, form: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def files() -> dict[str, bytes]:
    """Every way in which a JPEG or PNG keeps its pixels, at several sizes."""
    rng = np.random.default_rng(0)
    found = {}
    for height, width in SIZES:
        pixels = smooth(rng, height, width, 4)
        colours, grey = Image.fromarray(pixels[:, :, :3]), Image.fromarray(pixels[:, :, 0])
        palette = colours.quantize(17)
        deep = Image.fromarray(pixels[:, :, 0].astype(np.uint16) * 251 + 13)
        jpeg = {f"{q} {s}": saved(colours, "JPEG", quality=q, subsampling=s) for q in (30, 90) for s in (0, 1, 2)}
        made = {
            **jpeg,
            "progressive": saved(colours, "JPEG", progressive=True),
            "grey jpeg": saved(grey, "JPEG"),
            "turned": saved(colours, "JPEG", exif=_turned()),
            "colours": saved(colours, "PNG"),
            "grey": saved(grey, "PNG"),
            "transparent": saved(Image.fromarray(pixels), "PNG"),
            "grey transparent": saved(Image.fromarray(pixels[:, :, :2]), "PNG"),
            "palette": saved(palette, "PNG"),
            "palette transparent": saved(palette, "PNG", transparency=3),
            "two shades": saved(grey.convert("1"), "PNG"),
            "16 bits": saved(deep, "PNG"),
        }
        found |= {f"{height} × {width} {name}": content for name, content in made.items()}
    return found


def _turned() -> Any:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn, which nobody obeys
    return exif


@pytest.mark.parametrize("size", [(28, 28, 1), (96, 48, 3), (10, 13, 1)])
def test_a_graph_and_a_device_agree_about_every_pixel(size: tuple[int, int, int]) -> None:
    given = files()
    made = decode.pixels(tf.constant(list(given.values())), *size).numpy()
    differ = [
        name
        for (name, content), pixels in zip(given.items(), made, strict=True)
        if not (picture.fitted(picture.decoded(content), *size) == pixels).all()
    ]
    assert not differ


def test_the_largest_picture_at_the_largest_size_overflows_nothing() -> None:
    pixels = np.full((picture.MOST_SIDE, 2, 3), 255, np.uint8)
    made = decode.fitted(tf.constant(pixels), picture.LARGEST_SIZE, picture.LARGEST_SIZE, 1).numpy()
    assert (made == 255).all()
    assert (picture.fitted(pixels, picture.LARGEST_SIZE, picture.LARGEST_SIZE, 1) == 255).all()


def test_bytes_base64_and_nothing_are_one_picture_in_a_signature() -> None:
    content = saved(Image.fromarray(smooth(np.random.default_rng(1), 20, 30, 3)), "JPEG")
    plain = base64.b64encode(content)
    ways = [content, plain, b"data:image/jpeg;base64," + plain, base64.urlsafe_b64encode(content), plain.rstrip(b"=")]
    made = decode.pixels(tf.constant([*ways, b""]), 8, 8, 3).numpy()
    assert (made[:-1] == made[0]).all()
    assert made[0].any()
    assert not made[-1].any()
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode.pixels(tf.constant([content[: len(content) // 2][:40]]), 8, 8, 3)


def test_of_damaged_files_a_graph_decodes_all_that_cleaning_lets_pass() -> None:
    rng = np.random.default_rng(1)
    image = Image.fromarray(smooth(rng, 50, 60, 3))
    passed = 0
    for whole in (saved(image, "JPEG"), saved(image, "JPEG", progressive=True), saved(image, "PNG")):
        cases = [whole[:cut] for cut in range(len(whole) - 1, len(whole) - 30, -1)] + [whole + b"more", whole * 2]
        for at in rng.integers(len(whole) // 8, len(whole), 60):
            cases.append(whole[:at] + bytes([whole[at] ^ (1 << int(rng.integers(8)))]) + whole[at + 1 :])
        for content in cases:
            try:
                pixels = picture.decoded(content)
            except picture.PictureError:
                continue
            passed += 1
            made = decode.pixels(tf.constant([content]), *pixels.shape).numpy()[0]
            assert (made == pixels).all()
    assert passed > 20, "of a JPEG, a bit is often enough another picture"
