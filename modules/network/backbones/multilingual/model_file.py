"""Reads the one file that multilingual-e5-small comes in: shapes, pieces with their scores, and arrays by name.

Its layout, little-endian and packed: the mark `E5S1` and a version; the shapes; the pieces (offsets, scores, text); the
map that the tokenizer normalises single code points with; a directory of arrays. An array is float32, or 4 bits each
in blocks of 32: a float16 scale and 16 bytes, whose low halves are the first 16 weights and whose high halves are the
others, each less 8, times the scale. A part is read when it is asked for: as float32, the words alone are 384 MB.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import struct
from pathlib import Path

from modules.network.backbones.base import BackboneError

import numpy as np
from numpy.typing import NDArray

_MARK, _VERSION = b"E5S1", 1
_HEAD = struct.Struct("<4sI7ifi5iQ")
_MAP, _ENTRY = struct.Struct("<iI"), struct.Struct("<IB")
_COUNT, _LENGTH, _ARRAY = struct.Struct("<i"), struct.Struct("<H"), struct.Struct("<BIQQ")
_FLOAT, _PACKED = 0, 1
_BLOCK, _BLOCK_BYTES = 32, 18
_MASK_PIECE = "<mask>"  # what the encoder was pretrained with; no text holds it


@dataclasses.dataclass(frozen=True)
class Shapes:
    """What the head of the file says.

    Attributes:
        hidden: units of a token.
        layers: of the encoder.
        heads: of each layer.
        intermediate: units of the feed-forward part.
        words: rows of the embedding of words.
        positions: likewise of positions.
    """

    hidden: int
    layers: int
    heads: int
    intermediate: int
    words: int
    positions: int


class ModelFile:
    """The file, opened.

    Attributes:
        shapes: of the encoder.
        pieces: text and score of each token, in the order of the ids; the first four are `<s> <pad> </s> <unk>`.
        normalization: what becomes of single code points, those that stay as they are left out.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Reads everything but the arrays.

        Args:
            path: the file.

        Raises:
            BackboneError: it is not of this layout.
        """
        self._content = np.memmap(Path(path), np.uint8, "r")
        try:
            self._read()
        except (struct.error, UnicodeDecodeError, ValueError, IndexError) as error:
            raise BackboneError(f"{path}: not the file of an encoder in 4 bits ({error})") from error

    def array(self, name: str, rows: NDArray[np.integer] | None = None) -> NDArray[np.float32]:
        """One array, or some rows of it.

        Args:
            name: as the file has it.
            rows: numbers of rows, of a matrix whose rows have `shapes.hidden` columns; None takes all.

        Returns:
            float32, flat; with `rows` `[rows, hidden]`.

        Raises:
            KeyError: there is no such array.
        """
        kind, count, offset, size = self._directory[name]
        content = self._content[offset : offset + size]
        if kind == _FLOAT:
            values = np.frombuffer(content.tobytes(), "<f4")
            return values if rows is None else values.reshape(-1, self.shapes.hidden)[rows]
        blocks = content.reshape(count // _BLOCK, _BLOCK_BYTES)
        if rows is not None:
            per_row = self.shapes.hidden // _BLOCK
            blocks = blocks.reshape(-1, per_row, _BLOCK_BYTES)[rows].reshape(-1, _BLOCK_BYTES)
        scale = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
        packed = blocks[:, 2:]
        halves = np.concatenate([packed & 15, packed >> 4], axis=1).astype(np.float32) - 8
        values = np.asarray(halves * scale, np.float32)
        return values.reshape(-1) if rows is None else values.reshape(len(rows), self.shapes.hidden)

    def matrix(self, name: str, columns: int) -> NDArray[np.float32]:
        """A kernel as the file has it, `[outputs, columns]`.

        Args:
            name: as of `array`.
            columns: inputs of the kernel.
        """
        return self.array(name).reshape(-1, columns)

    def _read(self) -> None:
        content = self._content
        head = content[: _HEAD.size].tobytes()
        mark, version, hidden, layers, heads, intermediate, words, positions, _, _, block, count, *ids, size = (
            _HEAD.unpack(head)
        )
        if mark != _MARK or version != _VERSION or block != _BLOCK or ids != [0, 2, 1, 3]:
            raise ValueError(f"it begins with {mark!r}, version {version}, blocks of {block}, special tokens {ids}")
        self.shapes = Shapes(hidden, layers, heads, intermediate, words, positions)
        at = _HEAD.size
        offsets = content[at : at + 4 * (count + 1)].tobytes()
        at += len(offsets)
        scores = np.frombuffer(content[at : at + 4 * count].tobytes(), "<f4")
        at += 4 * count
        text = content[at : at + size].tobytes()
        at += size
        edges = np.frombuffer(offsets, "<u4").tolist()
        names = [text[first:last].decode("utf-8") for first, last in itertools.pairwise(edges)]
        self.pieces = [(name, float(score)) for name, score in zip(names, scores, strict=True) if name != _MASK_PIECE]
        at = self._read_map(at)
        self._read_directory(at)

    def _read_map(self, at: int) -> int:
        entries, size = _MAP.unpack(self._content[at : at + _MAP.size].tobytes())
        at += _MAP.size
        part = self._content[at : at + size].tobytes()
        self.normalization: dict[int, str] = {}
        place = 0
        for _ in range(entries):
            point, length = _ENTRY.unpack_from(part, place)
            place += _ENTRY.size
            image = struct.unpack_from(f"<{length}I", part, place)
            place += 4 * length
            self.normalization[point] = "".join(map(chr, image))
        return at + place

    def _read_directory(self, at: int) -> None:
        part = self._content[at : at + (1 << 20)].tobytes()
        (count,) = _COUNT.unpack_from(part)
        place = _COUNT.size
        self._directory: dict[str, tuple[int, int, int, int]] = {}
        for _ in range(count):
            (length,) = _LENGTH.unpack_from(part, place)
            place += _LENGTH.size
            name = part[place : place + length].decode("ascii")
            place += length
            kind, values, offset, size = _ARRAY.unpack_from(part, place)
            place += _ARRAY.size
            wanted = {_FLOAT: 4 * values, _PACKED: values // _BLOCK * _BLOCK_BYTES}.get(kind)
            if size != wanted or offset + size > len(self._content):
                raise ValueError(f"the array {name} has {size} bytes for {values} values of kind {kind}")
            self._directory[name] = (kind, values, offset, size)
