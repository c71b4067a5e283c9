"""The operations of a model: how many, of which version, and the oldest runtime that has them all."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from typing import Any

from edgeline_edge.errors import BundleError


def operators(content: bytes) -> dict[str, int]:
    """Counts the operators of a model by name, most frequent first.

    Args:
        content: a TFLite flatbuffer.

    Returns:
        How often each operator occurs; custom ones as `CUSTOM:name`.

    Raises:
        BundleError: the flatbuffer cannot be read.
    """
    counts: collections.Counter[str] = collections.Counter()
    try:
        model = _model(content)
        kinds = [name for name, _ in _codes(model)]
        for index in range(model.SubgraphsLength()):
            graph = model.Subgraphs(index)
            counts.update(kinds[graph.Operators(i).OpcodeIndex()] for i in range(graph.OperatorsLength()))
    except Exception as error:  # the generated reader raises whatever a damaged offset leads it to
        raise BundleError(f"the model's operators cannot be read: {error}") from error
    return dict(counts.most_common())


def versions(content: bytes) -> dict[str, int]:
    """The version of each operator that a runtime must have, by name.

    Args:
        content: a TFLite flatbuffer.

    Returns:
        The largest version of those that the model demands, in alphabetical order.

    Raises:
        BundleError: the flatbuffer cannot be read.
    """
    found: dict[str, int] = {}
    try:
        for name, version in _codes(_model(content)):
            found[name] = max(version, found.get(name, 0))
    except Exception as error:  # the generated reader raises whatever a damaged offset leads it to
        raise BundleError(f"the model's operators cannot be read: {error}") from error
    return dict(sorted(found.items()))


def oldest_runtime(content: bytes) -> str | None:
    """The first TensorFlow Lite that has all operators of a model in its versions, as the model itself says.

    Args:
        content: a TFLite flatbuffer.

    Returns:
        As `2.17.0`; None if it does not say.

    Raises:
        BundleError: the flatbuffer cannot be read.
    """
    try:
        model = _model(content)
        for index in range(model.MetadataLength()):
            entry = model.Metadata(index)
            if entry.Name() == b"min_runtime_version":
                data = model.Buffers(entry.Buffer()).DataAsNumpy()
                return bytes(data).rstrip(b"\0").decode("ascii") or None
    except Exception as error:  # the generated reader raises whatever a damaged offset leads it to
        raise BundleError(f"the model's metadata cannot be read: {error}") from error
    return None


def _model(content: bytes) -> Any:
    from ai_edge_litert import schema_py_generated as tflite

    return tflite.Model.GetRootAs(content, 0)


def _codes(model: Any) -> Iterator[tuple[str, int]]:
    """Name and version of each operator code."""
    from ai_edge_litert import schema_py_generated as tflite

    names = {value: name for name, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)}
    for index in range(model.OperatorCodesLength()):
        code = model.OperatorCodes(index)
        # Old files keep small codes in a byte of their own.
        name = names.get(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()), "UNKNOWN")
        yield f"CUSTOM:{(code.CustomCode() or b'').decode()}" if name == "CUSTOM" else name, int(code.Version())
