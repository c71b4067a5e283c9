"""How the token embedding is stored in a converted model: float32, one byte or half a byte a number.

TFLite's quantizers leave the table of a `GATHER` in float or quantize it with one scale for the whole table. Here the
table itself is bytes, each row with its own scales, and a few built-in operations unpack the rows that a text needs.
On a small encoder the table is most of the file, and its lookup next to nothing of the time.

Layout of a row: the packed values, then one byte for the scale of each block of `block` values, in units of a single
float of the table. With four bits, byte `i` holds value `i` in its high and value `i + hidden/2` in its low nibble.
"""

from __future__ import annotations

import abc
import math

from modules.weights import Array

import numpy as np
from numpy.typing import NDArray

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)

STORAGES = ("float32", "int8", "int4")


class EmbeddingTable(abc.ABC):
    """A token embedding that a TFLite graph can look rows up in."""

    @abc.abstractmethod
    def lookup(self, token_ids: tf.Tensor) -> tf.Tensor:
        """Rows of the table: int32 `[seq]` -> float32 `[seq, hidden]`."""

    @abc.abstractmethod
    def dequantized(self) -> Array:
        """The whole table as the graph will see it: float32 `[vocabulary, hidden]`."""


def embedding_table(table: Array, storage: str, *, block: int = 32) -> EmbeddingTable:
    """Stores a table.

    Args:
        table: float32 `[vocabulary, hidden]`.
        storage: `float32`, `int8` or `int4`.
        block: values that share a scale; where it does not divide `hidden`, their largest common divisor is taken.
            Ignored by `float32`.

    Returns:
        The table in the asked form.

    Raises:
        ValueError: an unknown storage, a block below 1, or an odd `hidden` with `int4`.
    """
    if storage == "float32":
        return _FloatTable(table)
    if storage not in STORAGES:
        raise ValueError(f"embedding storage is {storage!r}; known are {', '.join(STORAGES)}.")
    return _PackedTable(table, bits=8 if storage == "int8" else 4, block=block)


class _FloatTable(EmbeddingTable):
    def __init__(self, table: Array) -> None:
        self._table = table

    def lookup(self, token_ids: tf.Tensor) -> tf.Tensor:
        return tf.gather(tf.constant(self._table, name="table"), token_ids)

    def dequantized(self) -> Array:
        return self._table


class _PackedTable(EmbeddingTable):
    def __init__(self, table: Array, *, bits: int, block: int) -> None:
        self._hidden = table.shape[1]
        self._bits = bits
        if block < 1 or (bits == 4 and self._hidden % 2):
            raise ValueError(f"an embedding of {self._hidden} columns does not pack into {bits} bits, block {block}.")
        self._block = math.gcd(block, self._hidden)
        self._zero = 1 << (bits - 1)
        half = self._hidden // 2
        self._unit, scales, values = _quantize(table, self._zero, self._block)
        packed = (values[:, :half] << 4) | values[:, half:] if bits == 4 else values
        self._packed = np.concatenate([packed, scales], axis=1).astype(np.uint8)
        self._values, self._scales = values, scales

    def lookup(self, token_ids: tf.Tensor) -> tf.Tensor:
        length = token_ids.shape[0]
        # One gather brings a row and its scales; the bytes become floats only for the tokens of this text.
        rows = tf.cast(tf.gather(tf.constant(self._packed, name="table"), token_ids), tf.float32)
        packed, scales = tf.split(rows, [self._packed.shape[1] - self._scales.shape[1], self._scales.shape[1]], axis=1)
        if self._bits == 4:
            high = tf.floor(packed * (1.0 / 16.0))
            packed = tf.concat([high, packed - 16.0 * high], axis=1)
        blocks = tf.reshape(packed - float(self._zero), [length, self._hidden // self._block, self._block])
        scales = tf.reshape(scales * self._unit, [length, self._hidden // self._block, 1])
        return tf.reshape(blocks * scales, [length, self._hidden])

    def dequantized(self) -> Array:
        shape = (len(self._values), -1, self._block)
        blocks = (self._values.astype(np.float32) - self._zero).reshape(shape)
        return (blocks * (self._scales * np.float32(self._unit))[:, :, None]).reshape(self._values.shape)


def _quantize(table: Array, zero: int, block: int) -> tuple[float, NDArray[np.uint8], NDArray[np.uint8]]:
    """Scales in units of one float, then values; returns the unit, `[rows, blocks]` and `[rows, hidden]`.

    The scale of a block is chosen among several: at four bits, clipping the one largest value often costs less than
    the coarser steps that it would force on the others.
    """
    blocks = table.reshape(len(table), -1, block)
    peak = np.abs(blocks).max(axis=2)
    unit = float(max(peak.max() / (zero - 1) / 255.0, np.finfo(np.float32).tiny))
    best_error = np.full(peak.shape, np.inf, np.float32)
    best_scale = np.ones(peak.shape, np.uint8)
    for share in (1.0,) if zero > 8 else (1.0, 0.92, 0.84, 0.76, 0.68):
        scale = np.clip(np.round(peak * share / (zero - 1) / unit), 1, 255)
        step = (scale * unit).astype(np.float32)[:, :, None]
        error = np.square(np.clip(np.round(blocks / step), -zero, zero - 1) * step - blocks).sum(axis=2)
        better = error < best_error
        best_error = np.where(better, error, best_error)
        best_scale = np.where(better, scale, best_scale).astype(np.uint8)
    step = (best_scale * np.float32(unit))[:, :, None]
    values = np.clip(np.round(blocks / step), -zero, zero - 1) + zero
    return unit, best_scale, values.astype(np.uint8).reshape(table.shape)
