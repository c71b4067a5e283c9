"""Signatures of one `.tflite` file that hold the same weights: keeps each array once.

The converter writes a constant anew for every subgraph that uses it. A tensor names its buffer by number, and nothing
in the format keeps tensors of several subgraphs from naming the same one.
"""

from __future__ import annotations

from typing import Any


def share_buffers(content: bytes) -> bytes:
    """Lets all tensors with the same bytes name one buffer, and leaves out the others.

    Args:
        content: a `.tflite` file.

    Returns:
        The file without its repetitions; it computes the same.
    """
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    kept: list[Any] = []
    first: dict[bytes, int] = {}
    moved: dict[int, int] = {}
    for index, buffer in enumerate(model.buffers):
        data = b"" if buffer.data is None else bytes(buffer.data)
        # An empty buffer stands for "computed at run time": each has its own number, and it costs nothing.
        if not data or data not in first:
            first[data] = len(kept)
            kept.append(buffer)
            moved[index] = len(kept) - 1
        else:
            moved[index] = first[data]
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            tensor.buffer = moved[tensor.buffer]
    for entry in model.metadata or []:
        entry.buffer = moved[entry.buffer]
    model.buffers = kept
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
