"""From a trained model to a `.tflite` file: a float32 graph, TFLite's built-in operations, one recipe at a time."""

from __future__ import annotations

import collections
import dataclasses
import gzip
import re
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from modules.network.architecture import Architecture
from modules.network.arrays import NetworkWeights
from modules.tensors import Layout
from modules.tflite.graph import InferenceGraph
from modules.tflite.packed_embedding import embedding_table
from modules.tflite.parity import windowed
from modules.tflite.quantize import quantize
from modules.tflite.settings import Recipe
from modules.tflite.shared_buffers import share_buffers
from modules.tflite.versions import oldest_runtime, stamp

from numpy.typing import NDArray

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)

_FLEX = re.compile(r"Flex\w+|tf\.\w+ op: .*custom op")


class ConversionError(RuntimeError):
    """A recipe did not give a file that a device can run; the text names the operation or the reason."""


@dataclasses.dataclass(frozen=True)
class Converted:
    """One variant.

    Attributes:
        recipe: how it was made.
        content: the flatbuffer.
        operations: how often each TFLite operation occurs.
    """

    recipe: Recipe
    content: bytes
    operations: dict[str, int]

    def record(self) -> dict[str, Any]:
        """What `variants.json` says of the file."""
        return {
            "recipe": self.recipe.model_dump(mode="json"),
            "bytes": len(self.content),
            "gzip_bytes": len(gzip.compress(self.content, 6, mtime=0)),
            "operations": self.operations,
            "oldest_runtime": oldest_runtime(self.content),
        }


def convert(
    weights: NetworkWeights,
    architecture: Architecture,
    recipe: Recipe,
    *,
    layout: Layout,
    windows: Sequence[int] = (),
    calibration: Sequence[Mapping[str, NDArray[Any]]] = (),
) -> Converted:
    """Makes a `.tflite` file.

    Inputs are those of `layout`, `[1, *shape]` each; the output is the target's, for one label `probabilities`, float32
    `[1, classes]`; signature `serving_default`, and `window_<n>` with windows `[1, n]` for each shorter window.

    Args:
        weights: the trained arrays, float32.
        architecture: their shapes.
        recipe: what to do to them.
        layout: what the network reads of a row, in whole windows.
        windows: shorter windows for shorter rows; they share the weights.
        calibration: real training examples, by name `[1, *shape]` each; needed by recipes with `needs_calibration`.

    Returns:
        The file's content with the operations it uses.

    Raises:
        ConversionError: an operation outside TFLite's own, a refused quantization, a quantized operation of unknown
            version, missing calibration examples.
    """
    if recipe.needs_calibration and not calibration:
        raise ConversionError(f"{recipe.name} needs calibration examples and there are none.")
    try:
        table = embedding_table(weights.token, recipe.embedding) if architecture.encoded else None
        graph = InferenceGraph(
            weights,
            architecture,
            table,
            layout=layout,
            mask_value=recipe.mask_value,
            windows=windows,
        )
    except ValueError as error:
        raise ConversionError(f"{recipe.name}: {error}") from error
    content = _to_flatbuffer(graph, recipe)
    if recipe.quantize:
        feeds = {name: _feeds(calibration, layout, length) for name, length in graph.windows.items()}
        try:
            content = quantize(content, recipe.quantize, examples=feeds)
            content = stamp(content)
        except ValueError as error:
            raise ConversionError(f"{recipe.name}: {error}") from error
    if len(graph.windows) > 1:
        content = share_buffers(content)
    return Converted(recipe, content, check_operations(content))


def check_operations(content: bytes) -> dict[str, int]:
    """Counts the operations of a flatbuffer.

    Args:
        content: a `.tflite` file.

    Returns:
        Occurrences by name of the TFLite operation, most frequent first.

    Raises:
        ConversionError: an operation is not built into TFLite; its name is in the text.
    """
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    names = {value: name for name, value in vars(flatbuffer_utils.BuiltinOperator).items() if isinstance(value, int)}
    counts: collections.Counter[str] = collections.Counter()
    foreign: set[str] = set()
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            code = model.operatorCodes[operator.opcodeIndex]
            name = names.get(max(code.builtinCode, code.deprecatedBuiltinCode), "?")
            if name == "CUSTOM":
                foreign.add(code.customCode.decode() if isinstance(code.customCode, bytes) else str(code.customCode))
            counts[name] += 1
    if foreign:
        raise ConversionError(f"not built into TFLite: {', '.join(sorted(foreign))}")
    return dict(counts.most_common())


def _feeds(
    calibration: Sequence[Mapping[str, NDArray[Any]]], layout: Layout, length: int
) -> list[dict[str, NDArray[Any]]]:
    """Calibration examples for one window: longer rows are cut, so that every window sees all of them."""
    return [windowed(row, layout, length) for row in calibration]


def _to_flatbuffer(graph: InferenceGraph, recipe: Recipe) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(graph, folder, signatures=graph.functions)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(graph.functions))
        # Without SELECT_TF_OPS an operation that TFLite lacks is an error instead of a file that needs TensorFlow.
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if recipe.float16:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        try:
            return bytes(converter.convert())
        except Exception as error:
            raise ConversionError(f"{recipe.name}: {_reason(str(error))}") from error


def _reason(text: str) -> str:
    """The lines of the converter's complaint that name operations, or its beginning."""
    named = [line.strip() for line in text.splitlines() if _FLEX.search(line) or "is neither a custom op" in line]
    return " ".join(dict.fromkeys(named))[:500] or text.strip()[:500]
