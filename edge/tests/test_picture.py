"""Pictures on a device: what is taken for one, what it becomes, and what is refused."""

from __future__ import annotations

import base64
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeline_edge import BundleError, picture
from edgeline_edge.cli.predict import _with_files
from edgeline_edge.inputs.image import Image

pillow = pytest.importorskip("PIL.Image")
SECTION: dict[str, Any] = {
    "name": "photo", "kind": "image", "column": "photo", "tensors": ["photo_pixels"],
    "height": 4, "width": 6, "channels": 1, "resize": "area", "factor": 1 / 255, "offset": 0.0,
}  # fmt: skip
OPTIONAL = {**SECTION, "tensors": ["photo_pixels", "photo_present"]}
RNG = np.random.default_rng(5)
COLOURS = RNG.integers(0, 256, (9, 13, 3)).astype(np.uint8)


def file_of(pixels: np.ndarray, form: str = "PNG", mode: str | None = None, **options: Any) -> bytes:
    stream = io.BytesIO()
    image = pillow.fromarray(pixels)
    (image.convert(mode) if mode else image).save(stream, form, **options)
    return stream.getvalue()


def by_hand(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """The mean of what each pixel covers: every source pixel cut into `height` by `width` equal parts."""
    rows, columns, _ = pixels.shape
    fine = np.repeat(np.repeat(pixels.astype(np.int64), height, axis=0), width, axis=1)
    cells = fine.reshape(height, rows, width, columns, -1).sum(axis=(1, 3))
    return (cells + rows * columns // 2) // (rows * columns)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 17), st.integers(1, 17), st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**16))
def test_a_pixel_is_the_mean_of_what_it_covers(rows: int, columns: int, height: int, width: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (rows, columns, 3)).astype(np.uint8)
    made = picture.fitted(pixels, height, width, 3)
    assert made.dtype == np.uint8
    assert (made == by_hand(pixels, height, width)).all()
    if (rows, columns) == (height, width):
        assert (made == pixels).all()


def test_array_bytes_base64_and_file_are_one_picture(tmp_path: Path) -> None:
    content = file_of(COLOURS)
    (tmp_path / "a.png").write_bytes(content)
    plain = base64.b64encode(content).decode()
    ways = [COLOURS, content, memoryview(content), plain, f"data:image/png;base64,{plain}", tmp_path / "a.png"]
    found = [Image(SECTION).encode(way)["photo_pixels"] for way in ways]
    assert found[0].shape == (1, 4, 6, 1)
    assert all((one == found[0]).all() for one in found)
    grey = (COLOURS.astype(int) @ np.array(picture.GREY) + 500) // 1000
    assert (found[0] == Image(SECTION).encode(grey.astype(np.uint8))["photo_pixels"]).all()
    opaque = np.concatenate([COLOURS, RNG.integers(0, 256, (9, 13, 1)).astype(np.uint8)], axis=2)
    assert (found[0] == Image(SECTION).encode(opaque)["photo_pixels"]).all(), "transparency is left away"
    assert Image({**SECTION, "channels": 3}).encode(grey.astype(np.uint8))["photo_pixels"].shape == (1, 4, 6, 3)


def test_a_missing_picture_is_told_by_a_flag_or_refused() -> None:
    for nothing in (None, "", b""):
        made = Image(OPTIONAL).encode(nothing)
        assert not made["photo_pixels"].any()
        assert made["photo_present"].tolist() == [[0.0]]
        with pytest.raises(ValueError, match="photo is missing"):
            Image(SECTION).encode(nothing)
    assert Image(OPTIONAL).encode(np.zeros((3, 3), np.uint8))["photo_present"].tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("value", "kind", "told"),
    [
        ("/etc/hostname", ValueError, "no picture in base64; give a file as a pathlib.Path"),
        ("data:image/png,abc", ValueError, "must hold base64"),
        ("iVBORw0KGgo!", ValueError, "no base64"),
        (b"GIF89a", ValueError, "neither a JPEG nor a PNG"),
        (file_of(COLOURS)[:60], ValueError, "damaged"),
        (file_of(COLOURS)[:-1], ValueError, "cut off"),
        (file_of(COLOURS)[:-12], ValueError, "cut off"),
        (file_of(COLOURS)[:-20] + bytes(8) + file_of(COLOURS)[-12:], ValueError, "IDAT is not whole"),
        (b"\xff\xd8\xff\xc9\0\x0b\x08\0\1\0\1\1\1\x11\0", ValueError, "arithmetically"),
        (file_of(COLOURS, "JPEG")[:200], ValueError, "damaged"),
        (file_of(COLOURS, "JPEG", "CMYK"), ValueError, "4 colours"),
        (picture.PNG + b"\0\0\0\rIHDR" + b"\0\0\xff\xff" * 2 + b"\x08\2\0\0\0", ValueError, "65535 × 65535"),
        (Path("/nowhere/at all.png"), ValueError, "cannot be read"),
        (np.zeros((4, 4, 2), np.uint8), ValueError, r"shape \[4, 4, 2\]"),
        (np.zeros((0, 4), np.uint8), ValueError, "empty or too large"),
        (np.zeros((4, 4), np.float32), TypeError, "uint8, 0 to 255; they are float32"),
        (7, TypeError, "array of uint8, bytes, base64"),
    ],
)
def test_what_is_no_picture_is_refused_by_its_field(value: Any, kind: type[Exception], told: str) -> None:
    with pytest.raises(kind, match=rf"photo.*{told}"):
        Image(SECTION).encode(value)


def test_a_manifest_that_this_package_cannot_follow_is_refused() -> None:
    for change, told in (
        ({"resize": "nearest"}, "resized by 'nearest'"),
        ({"height": 5000}, "5000 × 6 × 1"),
        ({"tensors": ["a", "b", "c"]}, "tensors a, b, c"),
    ):
        with pytest.raises(BundleError, match=told):
            Image({**SECTION, **change})
    without = {name: value for name, value in SECTION.items() if name != "width"}
    with pytest.raises(BundleError, match="says nothing of its width"):
        Image(without)


def test_without_pillow_arrays_are_taken_and_files_name_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    content = file_of(COLOURS)
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert Image(SECTION).encode(COLOURS)["photo_pixels"].any()
    with pytest.raises(ImportError, match=r"pip install 'edgeline-edge\[image\]', or give the pixels as an array"):
        Image(SECTION).encode(content)


def test_only_the_command_line_takes_a_string_for_the_name_of_a_file() -> None:
    row = {"photo": "a.png", "text": "a.png"}
    assert _with_files(row, ("photo",)) == {"photo": Path("a.png"), "text": "a.png"}
    carried = {"photo": base64.b64encode(file_of(COLOURS)).decode()}
    assert _with_files(carried, ("photo",)) == carried
    assert _with_files("a text", ()) == "a text"
