"""Unigram inside a TensorFlow graph: TensorFlow Text's SentencepieceTokenizer, made of a table of pieces.

What it needs is a SentencePiece model: the pieces, and the normalisation as a trie. Both are written here, from the
lines of the table (`edgeline_edge.pieces`) and the device's table of normalisation (`edgeline_edge.normalization`), so
that there is one definition of each. TensorFlow is imported inside the functions.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modules.text.segments import spaceless

from edgeline_edge.normalization import nmt_nfkc
from edgeline_edge.pieces import END, PAD, SPACE, SPECIAL_PIECES, START, UNKNOWN, read_pieces

if TYPE_CHECKING:
    import tensorflow as tf

_NORMAL, _UNKNOWN, _CONTROL = 1, 2, 3  # types of a piece
_UNIGRAM = 1  # type of a model
_BLOCK = 256  # children of a node of the trie stand in one
_LEAF, _HAS_LEAF = 1 << 31, 1 << 8


def pieces(texts: tf.Tensor, table: Sequence[str]) -> tf.RaggedTensor:
    """All pieces of texts, in a graph or eagerly.

    Args:
        texts: string `[batch]`, UTF-8.
        table: the lines of the pieces in the order of their ids.

    Returns:
        int32 `[batch, (pieces)]`.
    """
    import tensorflow as tf

    # A trie cannot hold NUL.
    return tokenizer(table).tokenize(tf.strings.regex_replace(texts, "\x00", " "))


def spans(text: str, table: Sequence[str]) -> list[tuple[str, int, int]]:
    """Where the pieces of a text stand in it, eagerly and uncut.

    Args:
        text: a raw text.
        table: the lines of the pieces in the order of their ids.

    Returns:
        For each piece its token, its first byte and the byte behind its last, in the UTF-8 of the text, white space
        before it left out. A piece that continues a word of letters is told as WordPiece does, with `##` before it.
    """
    content = text.encode("utf-8").replace(b"\0", b" ")
    ids, firsts, lasts = (found.to_list()[0] for found in tokenizer(table).tokenize_with_offsets([content]))
    spans_found = []
    for number, first, last in zip(ids, firsts, lasts, strict=True):
        piece = table[number].partition("\t")[0]
        part = content[first:last].decode("utf-8", "replace")
        blank = len(part) - len(part.lstrip())
        bare = piece.removeprefix(SPACE)
        spans_found.append((bare if begins_unit(piece) else f"##{bare}", first + len(part[:blank].encode()), last))
    return spans_found


def begins_unit(piece: str) -> bool:
    """Whether a piece begins a word, or is of a script that is written without spaces.

    Args:
        piece: without its score.
    """
    return piece.startswith(SPACE) or spaceless(piece) > 0


def tokenizer(table: Sequence[str]) -> Any:
    """TensorFlow Text's tokenizer of a table of pieces.

    Args:
        table: the lines of the pieces in the order of their ids.
    """
    import tensorflow as tf
    import tensorflow_text as tf_text

    return tf_text.SentencepieceTokenizer(model=model(tuple(table)), out_type=tf.int32)


@functools.lru_cache(maxsize=4)
def model(table: tuple[str, ...]) -> bytes:
    """A SentencePiece model, once per process: `ModelProto` of its protocol buffers.

    Args:
        table: the lines of the pieces in the order of their ids.

    Raises:
        ValueError: they are no table of pieces.
    """
    parts = []
    for number, (piece, score) in enumerate(read_pieces(table)):
        kind = _NORMAL if number >= len(SPECIAL_PIECES) else _UNKNOWN if piece == UNKNOWN else _CONTROL
        parts.append(_message(1, _message(1, piece.encode()) + b"\x15" + struct.pack("<f", score) + _number(3, kind)))
    ids = [_number(field, SPECIAL_PIECES.index(piece)) for field, piece in enumerate((UNKNOWN, START, END, PAD), 40)]
    trainer = _number(3, _UNIGRAM) + b"".join(ids)
    spaces = b"".join(_number(field, 1) for field in (3, 4, 5))  # one before the text, no further ones, escaped
    normalizer = _message(1, nmt_nfkc().name.encode()) + _message(2, _charsmap()) + spaces
    return b"".join([*parts, _message(2, trainer), _message(3, normalizer)])


@functools.lru_cache(maxsize=1)
def _charsmap() -> bytes:
    """The normalisation as SentencePiece has it: the size of a double-array trie, the trie, the images behind it."""
    images: dict[bytes, int] = {}
    places: dict[bytes, int] = {}
    size = 0
    for source, image in nmt_nfkc().rules():
        encoded = image.encode()
        if encoded not in places:
            places[encoded], size = size, size + len(encoded) + 1
        if source != "\0":
            images[source.encode()] = places[encoded]
    trie = _double_array(images)
    return struct.pack("<I", 4 * len(trie)) + struct.pack(f"<{len(trie)}I", *trie) + b"\0".join([*places, b""])


def _double_array(values: Mapping[bytes, int]) -> list[int]:
    """A trie as darts-clone has it: one list of 32-bit units.

    A node's unit holds the byte that leads to it and, as an exclusive or with its own place, where its children stand:
    the child of a byte `b` at `base ^ b`, the value of a word that ends there at `base`.

    Args:
        values: by word.
    """
    root: dict[int, Any] = {}
    for word, value in values.items():
        node = root
        for byte in word:
            node = node.setdefault(byte, {})
        node[-1] = value
    units = [0] * _BLOCK
    taken, bases = {0}, {0}
    waiting = [(0, root)]
    # Where to look next, by how many children there are: what was too narrow for so many is not looked at again.
    free: dict[int, int] = {}
    while waiting:
        place, node = waiting.pop()
        labels = [max(byte, 0) for byte in node]
        candidate = free.get(len(labels), 1)
        while True:
            base = candidate ^ labels[0]
            if candidate not in taken and base not in bases and not any(base ^ byte in taken for byte in labels):
                break
            candidate += 1
        free[len(labels)] = candidate
        bases.add(base)
        while len(units) <= base | 0xFF:
            units += [0] * _BLOCK
        units[place] |= (place ^ base) << 10 | (_HAS_LEAF if -1 in node else 0)
        for byte, child in node.items():
            at = base ^ max(byte, 0)
            taken.add(at)
            if byte < 0:
                units[at] = child | _LEAF
            else:
                units[at] = byte
                waiting.append((at, child))
    return units


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
