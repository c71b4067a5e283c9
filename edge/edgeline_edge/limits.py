"""Bounds on what a flatbuffer says it holds, looked at before LiteRT takes it.

In a flatbuffer many references may lead to one place: 200 KB can hold a graph of 50,000 operations, and LiteRT, whose
time grows with the square of their number, plans them for half a minute. Here only lengths are read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from edgeline_edge.errors import BundleError

_U16, _I32, _U32 = struct.Struct("<H"), struct.Struct("<i"), struct.Struct("<I")

# Numbers of fields in TFLite's schema, which never change.
_MODEL = {"operator codes": 1, "subgraphs": 2, "buffers": 4, "metadata": 6, "signatures": 7}
_TENSORS, _OPERATORS = 0, 3
_SUBGRAPH_LISTS = (1, 2)  # inputs, outputs
_OPERATOR_LISTS = (1, 2, 7, 8)  # inputs, outputs, mutating inputs, intermediates
_TENSOR_LISTS = (0, 7)  # shape, shape_signature
_QUANTIZATION, _QUANTIZATION_LISTS = 4, (0, 1, 2, 3)  # min, max, scale, zero_point
# A layer has some 50 operators and 80 tensors in each window. LiteRT takes a second for 10,000 operators.
_MOST = {
    "operator codes": 1_000,
    "subgraphs": 64,
    "buffers": 20_000,
    "metadata": 256,
    "signatures": 64,
    "operators": 10_000,
    "tensors": 20_000,
}


def check(content: bytes) -> None:
    """Refuses a flatbuffer that claims more than a model of Edgeline can need.

    Args:
        content: the file; what follows the flatbuffer does not matter.

    Raises:
        BundleError: there is too much of something, or parts overlap, or an offset leads out of the file.
    """
    try:
        _check(content)
    except struct.error as error:
        raise BundleError("the model cannot be read: an offset in it leads out of the file") from error


def _check(content: bytes) -> None:
    reader = _Reader(content)
    root = _U32.unpack_from(content, 0)[0]
    counts = dict.fromkeys(_MOST, 0)
    for name, field in _MODEL.items():
        counts[name] = reader.length(root, field)
        _bound(name, counts[name])
    cells = 0
    for subgraph in reader.tables(root, _MODEL["subgraphs"]):
        for name, field in (("tensors", _TENSORS), ("operators", _OPERATORS)):
            counts[name] += reader.length(subgraph, field)
            _bound(name, counts[name])
        cells += reader.lengths(subgraph, _SUBGRAPH_LISTS)
        cells += sum(reader.lengths(operator, _OPERATOR_LISTS) for operator in reader.tables(subgraph, _OPERATORS))
        for tensor in reader.tables(subgraph, _TENSORS):
            cells += reader.lengths(tensor, _TENSOR_LISTS)
            for quantization in reader.table(tensor, _QUANTIZATION):
                cells += reader.lengths(quantization, _QUANTIZATION_LISTS)
    # Each is at least a byte of the file, unless lists share them.
    if cells > len(content):
        raise BundleError(f"the model's lists hold {cells:,} numbers in a file of {len(content):,} bytes: they overlap")


def _bound(name: str, count: int) -> None:
    if count > _MOST[name]:
        raise BundleError(f"the model has {count:,} {name}, at most {_MOST[name]:,} are taken")


class _Reader:
    """Follows offsets; one that leads out of the content is a `struct.error`."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def _field(self, table: int, field: int) -> int:
        """Where a field of a table is, 0 if it is absent."""
        vtable = table - _I32.unpack_from(self._content, table)[0]
        # A negative place would be counted from the end.
        if vtable < 0:
            raise struct.error
        place = 4 + 2 * field
        if place >= _U16.unpack_from(self._content, vtable)[0]:
            return 0
        offset = _U16.unpack_from(self._content, vtable + place)[0]
        return table + offset if offset else 0

    def _target(self, place: int) -> int:
        return place + int(_U32.unpack_from(self._content, place)[0])

    def length(self, table: int, field: int) -> int:
        place = self._field(table, field)
        return int(_U32.unpack_from(self._content, self._target(place))[0]) if place else 0

    def lengths(self, table: int, fields: tuple[int, ...]) -> int:
        return sum(self.length(table, field) for field in fields)

    def table(self, table: int, field: int) -> Iterator[int]:
        place = self._field(table, field)
        if place:
            yield self._target(place)

    def tables(self, table: int, field: int) -> Iterator[int]:
        place = self._field(table, field)
        if place:
            vector = self._target(place)
            for index in range(_U32.unpack_from(self._content, vector)[0]):
                yield self._target(vector + 4 + 4 * index)
