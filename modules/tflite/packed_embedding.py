"""How the token embedding is stored in a converted model: float32, or 8, 4 or 2 bits a number.

TFLite's quantizers leave the table of a `GATHER` in float or quantize it with one scale for the whole table. Here the
table itself is bytes, each row with its own scales, and a few built-in operations unpack the rows that a text needs.
On a small encoder the table is most of the file, and its lookup next to nothing of the time. Words that texts seldom
use may have fewer bits than the others: a coarse row says more of a word than no row at all.

Layout of a row: the packed values, then one byte for the scale of each block of `block` values, in units of a single
float of the table. A byte holds 8 / bits values, the first in its highest bits; value `i` of a row stands in byte
`i mod n` of the row's `n` bytes.
"""

from __future__ import annotations

import abc
import math
from typing import Any

from modules.network.arrays import Array
from modules.tflite.settings import Storage

import numpy as np
from numpy.typing import NDArray

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)

BITS = {"int8": 8, "int4": 4, "int2": 2}
# Shares of the largest value that a block's scale is tried with; see `_quantize`.
_SHARES = {8: (1.0,), 4: (1.0, 0.92, 0.875, 0.84, 0.76, 0.68), 2: (1.0, 0.92, 0.84, 0.76, 0.68, 0.6, 0.52)}


class EmbeddingTable(abc.ABC):
    """A token embedding that a TFLite graph can look rows up in."""

    @abc.abstractmethod
    def lookup(self, ids: tf.Tensor) -> tf.Tensor:
        """Rows of the table: int32 `[seq]` -> float32 `[seq, hidden]`."""

    @abc.abstractmethod
    def dequantized(self) -> Array:
        """The whole table as the graph will see it: float32 `[vocabulary, hidden]`."""


def embedding_table(table: Array, storage: Storage) -> EmbeddingTable:
    """Stores a table.

    Args:
        table: float32 `[vocabulary, hidden]`.
        storage: bits of its rows.

    Returns:
        The table in the asked form.

    Raises:
        ValueError: a width whose values do not fill bytes.
    """
    if storage.rare_bits is None or storage.frequent >= len(table):
        return _stored(table, storage.bits, storage.block)
    first, rest = table[: storage.frequent], table[storage.frequent :]
    return _MixedTable(
        _stored(first, storage.bits, storage.block), _stored(rest, storage.rare_bits, storage.block), storage.frequent
    )


def _stored(table: Array, bits: str, block: int) -> EmbeddingTable:
    return _FloatTable(table) if bits == "float32" else _PackedTable(table, bits=BITS[bits], block=block)


class _FloatTable(EmbeddingTable):
    def __init__(self, table: Array) -> None:
        self._table = table

    def lookup(self, ids: tf.Tensor) -> tf.Tensor:
        return tf.gather(tf.constant(self._table, name="table"), ids)

    def dequantized(self) -> Array:
        return self._table


class _MixedTable(EmbeddingTable):
    """Two tables, one after the other."""

    def __init__(self, first: EmbeddingTable, rest: EmbeddingTable, boundary: int) -> None:
        self._first, self._rest, self._boundary = first, rest, boundary

    def lookup(self, ids: tf.Tensor) -> tf.Tensor:
        # Both are looked up, each with ids that it has: a branch would cost more than a row.
        first = self._first.lookup(tf.minimum(ids, self._boundary - 1))
        rest = self._rest.lookup(tf.maximum(ids - self._boundary, 0))
        return tf.where((ids < self._boundary)[:, tf.newaxis], first, rest)

    def dequantized(self) -> Array:
        return np.concatenate([self._first.dequantized(), self._rest.dequantized()])


class _PackedTable(EmbeddingTable):
    def __init__(self, table: Array, *, bits: int, block: int) -> None:
        self._hidden, self._bits = table.shape[1], bits
        per_byte = 8 // bits
        if block < 1 or self._hidden % per_byte:
            raise ValueError(f"an embedding of {self._hidden} columns does not pack into {bits} bits, block {block}.")
        self._block = math.gcd(block, self._hidden)
        # What is subtracted from a stored number. Four levels lie symmetrically around a zero that is none of them.
        self._zero = 1.5 if bits == 2 else float(1 << (bits - 1))
        self._unit, self._scales, self._values = _quantize(table, bits, self._zero, self._block)
        parts = np.split(self._values, per_byte, axis=1)
        packed = sum(part << (8 - bits * (place + 1)) for place, part in enumerate(parts))
        self._packed = np.concatenate([packed, self._scales], axis=1).astype(np.uint8)

    def lookup(self, ids: tf.Tensor) -> tf.Tensor:
        length = ids.shape[0]
        # One gather brings a row and its scales; the bytes become floats only for the tokens of this text.
        rows = tf.cast(tf.gather(tf.constant(self._packed, name="table"), ids), tf.float32)
        packed, scales = tf.split(rows, [self._packed.shape[1] - self._scales.shape[1], self._scales.shape[1]], axis=1)
        parts = []
        for place in range(8 // self._bits - 1, 0, -1):
            divisor = float(1 << (self._bits * place))
            parts.append(tf.floor(packed * (1.0 / divisor)))
            packed -= divisor * parts[-1]
        values = tf.concat([*parts, packed], axis=1)
        blocks = tf.reshape(values - self._zero, [length, self._hidden // self._block, self._block])
        scales = tf.reshape(scales * self._unit, [length, self._hidden // self._block, 1])
        return tf.reshape(blocks * scales, [length, self._hidden])

    def dequantized(self) -> Array:
        shape = (len(self._values), -1, self._block)
        blocks = (self._values.astype(np.float32) - np.float32(self._zero)).reshape(shape)
        return (blocks * (self._scales * np.float32(self._unit))[:, :, None]).reshape(self._values.shape)


def _quantize(table: Array, bits: int, zero: float, block: int) -> tuple[float, NDArray[np.uint8], NDArray[np.uint8]]:
    """Scales in units of one float, then values; returns the unit, `[rows, blocks]` and `[rows, hidden]`.

    The scale of a block is chosen among several: with few bits, clipping the one largest value often costs less than
    the coarser steps that it would force on the others.
    """
    highest = (1 << bits) - 1
    blocks = table.reshape(len(table), -1, block)
    peak = np.abs(blocks).max(axis=2)
    unit = float(max(peak.max() / (highest - zero) / 255.0, np.finfo(np.float32).tiny))
    best_error = np.full(peak.shape, np.inf, np.float32)
    best_scale = np.ones(peak.shape, np.uint8)

    def rounded(scale: NDArray[Any]) -> tuple[Array, Array]:
        step = scale.astype(np.float32)[:, :, None] * np.float32(unit)
        return np.clip(np.round(blocks / step + np.float32(zero)), 0, highest), step

    for share in _SHARES[bits]:
        scale = np.clip(np.round(peak * share / (highest - zero) / unit), 1, 255)
        values, step = rounded(scale)
        error = np.square((values - np.float32(zero)) * step - blocks).sum(axis=2)
        better = error < best_error
        best_error = np.where(better, error, best_error)
        best_scale = np.where(better, scale, best_scale).astype(np.uint8)
    values, _ = rounded(best_scale)
    return unit, best_scale, values.astype(np.uint8).reshape(table.shape)
