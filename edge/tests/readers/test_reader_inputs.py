"""Every kind of input, in JavaScript and C++ bit by bit as the Python package has it, and what each refuses.

With EDGELINE_KOTLIN, the command of `edge/tools/kotlin/Try.kt`, in Kotlin as well.
"""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeline_edge import picture
from edgeline_edge.inputs.base import Array
from tests.device_rows import SECTIONS, VALUES, change_of, expected, in_json
from tests.readers import Native, in_node, resealed

# What a compiler refuses, since no field has such a type, is not asked there.
NOT_COMPILED = (dict,)
PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
CHANCE = np.random.default_rng(3)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bundles(offers_path: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A bundle of each section, whose manifest is all that its readers look at here."""
    folder = tmp_path_factory.mktemp("kinds")
    return {
        kind: resealed(offers_path, folder / f"{number}.tflite", partial(change_of, kind))
        for number, kind in enumerate(SECTIONS)
    }


def check(kind: str, value: Any, found: Mapping[str, Any] | str) -> None:
    """That tensors are those of Python to the last bit, or that both refuse the value and name its field."""
    wanted = expected(kind, value)
    if wanted is None:
        assert isinstance(found, str), (kind, value, found)
        assert SECTIONS[kind]["column"] in found
        return
    assert not isinstance(found, str), (kind, value, found)
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        made = np.array(found[name], array.dtype).reshape(array.shape)
        assert made.tobytes() == array.tobytes(), (kind, value, name, made, array)


def test_node_makes_the_tensors_of_python(bundles: dict[str, Path], tmp_path: Path) -> None:
    records = {kind: [{SECTIONS[kind]["column"]: in_json(value)} for value in VALUES[kind]] for kind in SECTIONS}
    answers = in_node(tmp_path, bundles, records)
    refused = 0
    for kind in SECTIONS:
        for value, found in zip(VALUES[kind], answers[kind], strict=True):
            check(kind, value, found)
            refused += isinstance(found, str)
    assert refused > 100, "the rows show what is refused as well"


def test_native_makes_the_tensors_of_python(bundles: dict[str, Path], native: Native) -> None:
    for kind, section in SECTIONS.items():
        values = [value for value in VALUES[kind] if not isinstance(value, NOT_COMPILED) and not is_mixed(value)]
        done = native(
            "records", bundles[kind], lines=[json.dumps({section["column"]: in_json(value)}) for value in values]
        )
        lines = done.stdout.split("\n")[:-1]
        assert len(lines) == len(values), done.stderr
        for value, line in zip(values, lines, strict=True):
            check(kind, value, line if line.startswith("error: ") else tensors_of(line))


def is_mixed(value: Any) -> bool:
    """Whether a list holds something else than numbers, or lists of several lengths: C++ has no such type."""
    if not isinstance(value, list):
        return False
    if any(isinstance(item, (str, bool)) or is_mixed(item) for item in value):
        return True
    lengths = {len(item) if isinstance(item, list) else -1 for item in value}
    return len(lengths) > 1


def tensors_of(line: str) -> dict[str, list[float]]:
    parts = [part.split(" ") for part in line.split(";")[:-1]]
    return {name: [float(value) for value in values] for name, *values in parts}


def png(pixels: Array, mode: str, **options: Any) -> bytes:
    image = pytest.importorskip("PIL.Image").fromarray(pixels)
    if mode == "P":
        image, options = image.quantize(11), {**options, "transparency": 3}
    stream = io.BytesIO()
    (image if mode in ("P", "I;16") else image.convert(mode)).save(stream, "PNG", **options)
    return stream.getvalue()


def by_hand(rows: Array, kind: int, depth: int, *, interlaced: bool = False, filters: tuple[int, ...] = (0,)) -> bytes:
    """A PNG of rows of samples `[height, width, samples]`, in ways in which Pillow writes none."""

    def packed(samples: Array) -> bytes:
        if depth == 16:
            return samples.astype(">u2").tobytes()
        bits = np.unpackbits(samples.astype(np.uint8).reshape(-1, 1), axis=1)[:, 8 - depth :]
        return np.packbits(bits).tobytes()

    def filtered(lines: list[bytes], step: int) -> bytes:
        made, above = b"", bytes(len(lines[0]))
        for number, line in enumerate(lines):
            how = filters[number % len(filters)]
            left, corner = bytes(step) + line, bytes(step) + above
            guess = {
                0: lambda a, b, c: 0, 1: lambda a, b, c: a, 2: lambda a, b, c: b, 3: lambda a, b, c: (a + b) // 2,
                4: lambda a, b, c: min((a, b, c), key=lambda one: abs(a + b - c - one)),
            }[how]  # fmt: skip
            made += bytes([how, *((x - guess(left[i], above[i], corner[i])) % 256 for i, x in enumerate(line))])
            above = line
        return made

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    height, width, samples = rows.shape
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    parts = [rows[y::down, x::across] for x, y, across, down in passes] if interlaced else [rows]
    step = max(1, samples * depth // 8)
    content = b"".join(filtered([packed(row) for row in part], step) for part in parts if part.size)
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)
    halves = zlib.compress(content)
    palette = chunk(b"PLTE", bytes(range(48))) if kind == 3 else b""
    data = chunk(b"IDAT", halves[:40]) + chunk(b"IDAT", halves[40:])
    return picture.PNG + chunk(b"IHDR", head) + palette + data + chunk(b"IEND", b"")


def pictures() -> list[bytes]:
    """Every way in which a PNG keeps pixels."""
    colours = CHANCE.integers(0, 256, (9, 13, 4)).astype(np.uint8)
    deep = CHANCE.integers(0, 65536, (9, 13)).astype(np.uint16)
    smooth = np.add.outer(np.arange(64), np.arange(61))[:, :, np.newaxis].repeat(3, axis=2).astype(np.uint8)
    files = [png(deep if mode == "I;16" else colours, mode) for mode in PNG_MODES]
    files += [png(colours[:1, :1], "RGBA"), png(smooth, "RGB"), png(smooth, "RGB", gamma=0.3)]
    files.append(by_hand(CHANCE.integers(0, 5, (20, 30, 1)), 0, 8, filters=(4,)))  # neighbours that are equally near
    ways = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (4, 8), (4, 16), (6, 8)]
    for kind, depth in ways:
        rows = CHANCE.integers(0, 2**depth, (7, 10, {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]))
        files.append(by_hand(rows, kind, depth, filters=(0, 1, 2, 3, 4)))
        files.append(by_hand(rows[:, :3], kind, depth, interlaced=True, filters=(4, 0, 3)))
    return files


def test_a_page_decodes_a_png_byte_by_byte(bundles: dict[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("PIL.Image")
    whole = pictures()
    cut = whole[4]
    damaged = [
        cut[:60],
        cut[:-1],
        cut[:-12],
        cut[:-20] + bytes(8) + cut[-12:],
        b"GIF89a",
        b"\xff\xd8\xff\xc9\0\x0b\x08",
    ]
    huge = picture.PNG + b"\0\0\0\rIHDR" + b"\0\0\xff\xff" * 2 + b"\x08\2\0\0\0" + bytes(4)
    four = b"\xff\xd8\xff\xc0\0\x14\x08\0\1\0\1\4" + bytes(12)
    files = [*whole, *damaged, huge, four]
    answers = in_node(
        tmp_path, {"colours": bundles["colours"]}, {"colours": [{"photo": in_json(one)} for one in files]}
    )
    for number, (content, found) in enumerate(zip(files, answers["colours"], strict=True)):
        assert isinstance(found, str) == (number >= len(whole)), (number, found)
        if number < len(whole):
            check("colours", picture.decoded(content), found)
        else:
            assert "the picture cannot be used: " in found
            with pytest.raises(picture.PictureError):
                picture.decoded(content)


def test_cpp_reads_a_ppm_and_a_pgm(bundles: dict[str, Path], cpp: Native) -> None:
    colours, grey = (CHANCE.integers(0, 256, shape).astype(np.uint8) for shape in ((9, 13, 3), (5, 4)))
    asked = [
        (b"P6\n13 9\n255\n" + colours.tobytes(), colours),
        (b"P5 # of a camera\n4\t5 255\n" + grey.tobytes() + b"more", grey),
    ]
    wrong = [
        b"P3\n1 1\n255\n1 2 3",
        b"P6\n13 9\n255\n" + bytes(13 * 9 * 3 - 1),
        b"P6\n1 1\n65535\n" + bytes(6),
        b"P6",
        b"",
    ]
    lines = [json.dumps({"photo": {"pnm": content.hex()}}) for content in [*(content for content, _ in asked), *wrong]]
    found = cpp("records", bundles["colours"], lines=lines).stdout.splitlines()
    for (_, pixels), line in zip(asked, found, strict=False):
        check("colours", pixels, tensors_of(line))
    for line in found[len(asked) :]:
        assert line == "error: it is no binary PPM or PGM of 8 bits"


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "an hour of the week": ("time", {"cycles": ["hour_of_week"]}, "the cycle hour_of_week"),
    "no clock": ("time", {"clock": None}, "says nothing of its clock"),
    "other channels": ("series", {"means": [1.0]}, "3 channels and is not scaled by as many"),
    "no factors": ("series", {"factors": [0.0, 1.0, 1.0]}, "3 channels and is not scaled by as many"),
    "nearest": ("colours", {"resize": "nearest"}, "is resized by nearest"),
    "too large": ("colours", {"height": 5000}, "the input photo is of"),
    "two channels": ("colours", {"channels": 2}, "the input photo is of"),
    "three tensors": ("colours", {"tensors": ["a", "b", "c"]}, "tensors"),
}


def test_what_an_input_does_not_know_is_refused_by_name(
    bundles: dict[str, Path], tmp_path: Path, native: Native
) -> None:
    changed = {}
    for name, (kind, change, _) in REFUSED.items():

        def alter(manifest: dict[str, Any], change: dict[str, Any] = change) -> None:
            section = {**manifest["inputs"][0], **change}
            manifest["inputs"] = [{field: value for field, value in section.items() if value is not None}]

        changed[name] = resealed(bundles[kind], tmp_path / f"{name}.tflite", alter)
    answers = in_node(tmp_path, changed, {})
    for name, (_, _, told) in REFUSED.items():
        assert told in answers[name], name
        done = native("records", changed[name], lines=[])
        assert done.returncode == 1, name
        assert told in done.stderr
