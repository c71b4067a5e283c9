"""What a `.tflite` file demands of the runtime that loads it: true versions of its operations, and the oldest runtime.

A runtime refuses a file with an operation of a version that it does not have, and only for that reason. The quantizer
changes the types of an operation's tensors and leaves the version of the float one, which every runtime since 2017
has; one that cannot compute the quantized form then answers wrongly, in silence. So the version is written anew from
the types, after the rules of the converter's own `op_version.cc` and `runtime_version.cc`, and where those have a hole,
after what was tried (docs/edge.md, Runtimes).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

_METADATA = b"min_runtime_version"
_METADATA_BYTES = 16


@dataclasses.dataclass(frozen=True, order=True)
class Demand:
    """Version of an operation, and the first TensorFlow Lite that has it.

    Attributes:
        version: as in the file's operator code.
        runtime: as numbers, to be compared.
    """

    version: int
    runtime: tuple[int, ...]


# By the type of the operation's first input that is data; the float forms are the converter's.
_DEMANDS: dict[str, dict[str, Demand]] = {
    "ADD": {"INT8": Demand(2, (1, 14, 0)), "INT16": Demand(3, (2, 4, 0))},
    "BATCH_MATMUL": {"INT8": Demand(2, (2, 3, 0)), "INT16": Demand(3, (2, 4, 0))},
    "CONCATENATION": {"INT8": Demand(2, (1, 14, 0)), "INT16": Demand(3, (2, 3, 0))},
    "DEQUANTIZE": {"INT8": Demand(2, (1, 14, 0)), "INT16": Demand(3, (1, 15, 0)), "INT4": Demand(6, (2, 18, 0))},
    "GATHER": {"INT8": Demand(2, (1, 14, 0)), "INT16": Demand(4, (2, 4, 0)), "INT4": Demand(7, (2, 15, 0))},
    "GELU": {"INT8": Demand(2, (2, 9, 0))},
    "LOGISTIC": {"INT8": Demand(2, (1, 14, 0)), "INT16": Demand(3, (2, 3, 0))},
    "MAXIMUM": {"INT8": Demand(2, (1, 14, 0)), "INT16": Demand(4, (2, 3, 0))},
    "MEAN": {"INT8": Demand(2, (1, 14, 0)), "INT16": Demand(3, (2, 4, 0))},
    "MINIMUM": {"INT8": Demand(2, (1, 14, 0)), "INT16": Demand(4, (2, 3, 0))},
    "MUL": {"INT8": Demand(2, (1, 14, 0)), "INT16": Demand(4, (2, 3, 0))},
    "PAD": {"INT8": Demand(2, (1, 14, 0)), "INT16": Demand(3, (2, 4, 0))},
    # Of what it makes, not of what it takes.
    "QUANTIZE": {"INT8": Demand(1, (1, 14, 0)), "INT16": Demand(2, (1, 15, 0)), "INT4": Demand(4, (2, 21, 0))},
    "RESHAPE": {"INT8": Demand(1, (1, 5, 0)), "INT16": Demand(1, (1, 5, 0))},
    "RSQRT": {"INT8": Demand(2, (2, 5, 0)), "INT16": Demand(3, (2, 15, 0))},
    "SOFTMAX": {"INT8": Demand(2, (1, 14, 0)), "INT16": Demand(3, (2, 3, 0))},
    "SPLIT": {"INT8": Demand(2, (1, 14, 0)), "INT16": Demand(4, (2, 3, 0))},
    "SPLIT_V": {"INT8": Demand(2, (2, 3, 0))},
    "SUB": {"INT8": Demand(2, (1, 14, 0)), "INT16": Demand(5, (2, 4, 0))},
    "SUM": {"INT8": Demand(2, (1, 15, 0))},
    "TANH": {"INT8": Demand(2, (1, 14, 0)), "INT16": Demand(3, (2, 3, 0))},
    "TRANSPOSE": {"INT8": Demand(2, (1, 14, 0)), "INT16": Demand(5, (2, 4, 0)), "INT4": Demand(7, (2, 14, 4))},
}
_PER_CHANNEL_DEQUANTIZE = Demand(5, (2, 7, 0))
# Blocks of weights with scales of their own are a type of quantization that no version stands for, and ai-edge-litert
# before 2.1 computes something else. Version 14 is the first that those refuse and 2.1 has.
_BLOCKWISE = Demand(14, (2, 21, 0))
# By the types of input and weights. Weights in integers of their own scale for each channel under a float input came
# with version 12; before it, a runtime took the first channel's scale for all. The converter's rules know that for
# eight bits only, but with four it is as wrong.
_FULLY_CONNECTED: dict[tuple[str, str], Demand] = {
    ("FLOAT32", "INT8"): Demand(12, (2, 17, 0)),
    ("FLOAT32", "INT4"): Demand(12, (2, 17, 0)),
    ("FLOAT32", "INT2"): Demand(14, (2, 21, 0)),
    ("INT8", "INT8"): Demand(4, (1, 14, 0)),
    ("INT8", "INT4"): Demand(10, (2, 11, 0)),
    ("INT16", "INT8"): Demand(7, (2, 3, 0)),
    ("INT16", "INT4"): Demand(13, (2, 18, 0)),
}
# As the quantizer writes them, with a scale for each channel.
_CONVOLUTIONS: dict[str, dict[tuple[str, str], Demand]] = {
    "CONV_2D": {("FLOAT32", "INT8"): Demand(5, (2, 4, 0)), ("INT8", "INT8"): Demand(3, (1, 14, 0))},
    "DEPTHWISE_CONV_2D": {("FLOAT32", "INT8"): Demand(6, (2, 3, 0)), ("INT8", "INT8"): Demand(3, (1, 14, 0))},
}
_QUANTIZED = {"INT2", "INT4", "INT8", "INT16"}


def stamp(content: bytes) -> bytes:
    """Raises the versions of a file's operations to what their tensors need, and the oldest runtime with them.

    Args:
        content: a `.tflite` file.

    Returns:
        The file; unchanged if it demanded enough.

    Raises:
        ValueError: a quantized operation whose version is not known here.
    """
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    raised = False
    oldest = _told(model)
    for code, demand in _demands(model):
        if demand.version > code.version:
            code.version, raised = demand.version, True
        if demand.runtime > oldest:
            oldest, raised = demand.runtime, True
    if not raised:
        return content
    _tell(model, oldest)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def oldest_runtime(content: bytes) -> str:
    """The first TensorFlow Lite that can run a file, as the file says: `2.17.0`.

    Args:
        content: a `.tflite` file.

    Returns:
        The version; `0` where the file says nothing.
    """
    from ai_edge_litert.tools import flatbuffer_utils

    return ".".join(map(str, _told(flatbuffer_utils.read_model_from_bytearray(bytearray(content)))))


def _demands(model: Any) -> Iterator[tuple[Any, Demand]]:
    """The operator code of every operation with quantized tensors, and what its tensors need of it."""
    from ai_edge_litert.tools import flatbuffer_utils

    names = {value: name for name, value in vars(flatbuffer_utils.BuiltinOperator).items() if isinstance(value, int)}
    types = {value: name for name, value in vars(flatbuffer_utils.TensorType).items() if isinstance(value, int)}
    for graph in model.subgraphs:
        for operator in graph.operators:
            code = model.operatorCodes[operator.opcodeIndex]
            name = names.get(max(code.builtinCode, code.deprecatedBuiltinCode), "?")
            tensors = [graph.tensors[index] for index in operator.inputs if index >= 0]
            made = [types[graph.tensors[index].type] for index in operator.outputs]
            taken = [types[tensor.type] for tensor in tensors]
            if not _QUANTIZED & {*made, *taken}:
                continue
            if any(getattr(tensor.quantization, "details", None) is not None for tensor in tensors):
                yield code, _BLOCKWISE
            yield code, _demand(name, taken, made, _is_per_channel(tensors[0]))


def _demand(name: str, taken: list[str], made: list[str], per_channel: bool) -> Demand:
    if name == "FULLY_CONNECTED":
        found = _FULLY_CONNECTED.get((taken[0], taken[1]))
    elif name in _CONVOLUTIONS:
        found = _CONVOLUTIONS[name].get((taken[0], taken[1]))
    elif name == "QUANTIZE":
        found = _DEMANDS[name].get(made[0])
    else:
        # The first input of a split is its axis.
        kind = taken[1] if name == "SPLIT" else taken[0]
        found = _DEMANDS.get(name, {}).get(kind)
        if name == "DEQUANTIZE" and kind == "INT8" and per_channel:
            found = _PER_CHANNEL_DEQUANTIZE
    if found is None:
        types = f"{', '.join(taken)} -> {', '.join(made)}"
        raise ValueError(f"{name} of {types}: which runtimes have it is not known; leave it in float (mode: float).")
    return found


def _is_per_channel(tensor: Any) -> bool:
    scales = getattr(tensor.quantization, "scale", None)
    return scales is not None and len(scales) > 1


def _told(model: Any) -> tuple[int, ...]:
    for entry in model.metadata or []:
        if entry.name == _METADATA:
            text = bytes(model.buffers[entry.buffer].data).rstrip(b"\0").decode("ascii")
            return tuple(map(int, text.split("."))) if text else (0,)
    return (0,)


def _tell(model: Any, runtime: tuple[int, ...]) -> None:
    text = ".".join(map(str, runtime)).encode().ljust(_METADATA_BYTES, b"\0")
    for entry in model.metadata or []:
        if entry.name == _METADATA:
            model.buffers[entry.buffer].data = np.frombuffer(text, np.uint8)
