"""Rows in packs, for the one step that must bring rows together: neither Beam nor TensorFlow.

A runner that groups rows one by one keeps a key, a list and the values of each in memory, several times what the row
holds, and spends most of its time on them. Here rows are grouped by a few bits of their text's hash, hundreds of rows
in one compressed value: rows of equal text meet all the same, and who takes a bucket sorts out which are equal.
"""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

BUCKETS = 256  # so many workers can share the work; a bucket must fit into the memory of one
PACK = 200  # rows
Pack = tuple[int, bytes]


class Packer:
    """Collects rows and gives packs away as they fill."""

    def __init__(self) -> None:
        self._waiting: list[list[tuple[str, tuple]]] = [[] for _ in range(BUCKETS)]

    def add(self, text_hash: str, row: tuple) -> Iterator[Pack]:
        """Takes a row.

        Args:
            text_hash: of its text, hexadecimal; decides the bucket.
            row: its values.

        Yields:
            The bucket's number and its pack, if this row filled it.
        """
        bucket = int(text_hash[:2], 16)
        waiting = self._waiting[bucket]
        waiting.append((text_hash, row))
        if len(waiting) >= PACK:
            yield bucket, _pack(waiting)
            waiting.clear()

    def rest(self) -> Iterator[Pack]:
        """The packs that did not fill."""
        for bucket, waiting in enumerate(self._waiting):
            if waiting:
                yield bucket, _pack(waiting)
                waiting.clear()


def unpack(packs: Iterable[bytes]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The rows of packs, each with its text's hash."""
    for pack in packs:
        yield from pickle.loads(zlib.decompress(pack))


def _pack(rows: list[tuple[str, tuple]]) -> bytes:
    return zlib.compress(pickle.dumps(rows, protocol=5), level=1)
