"""What a student costs on a device before there is one: bytes by arithmetic, milliseconds from a table of layers.

Both add up: a fixed part, and for each layer a part by its heads and one by its feed-forward neurons. The bytes follow
from the recipe's bits. The milliseconds are those of graphs of a single layer with random weights, converted with the
recipe and run by the runtime of the device; a table takes seconds and is kept in the user's cache folder, by machine,
runtime, recipe and shape.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modules.machine import cpu, packages
from modules.machine.progress import tell
from modules.network.architecture import Architecture
from modules.network.arrays import LayerWeights, NetworkWeights
from modules.registry import load
from modules.tensors import Layout, Tensor
from modules.tflite.settings import Recipe, Storage

import numpy as np
from numpy.typing import NDArray

_BITS = {"float32": 32, "int8": 8, "int4": 4, "int2": 2}
_WORDS = 64  # tokens of the small graphs: a lookup costs the same in any table
_SMALLEST = 8  # neurons
_MASK = "mask"
# By name: what is measured decides, and the gate judges it. An edit of the converter makes no student anew.
CONVERT = "modules.tflite.convert:convert"
# Operators, names and scales of a graph besides those of channels: of each of its layers, and of the rest.
_LAYER_BYTES, _GRAPH_BYTES = 6_150, 6_800


@dataclasses.dataclass(frozen=True)
class Costs:
    """What students of one width cost, in milliseconds or bytes.

    Attributes:
        fixed: of everything but the layers.
        attention: float64 `[heads + 1]`, of a layer's attention, norms included, by the number of its heads.
        feedforward: float64 `[neurons + 1]`, of a layer's feed-forward block by the number of its neurons.
    """

    fixed: float
    attention: NDArray[np.float64]
    feedforward: NDArray[np.float64]

    def of(self, heads: Sequence[int], neurons: Sequence[int]) -> float:
        """Cost of a student.

        Args:
            heads: by layer.
            neurons: likewise.
        """
        return self.fixed + float(self.attention[list(heads)].sum() + self.feedforward[list(neurons)].sum())


def byte_costs(architecture: Architecture, recipe: Recipe, *, windows: Sequence[int]) -> Costs:
    """Bytes of a `.tflite` file, by arithmetic: of the weights exactly, of operators as measured.

    Args:
        architecture: the whole network, with the vocabulary that the student will have.
        recipe: how it is stored.
        windows: tokens of the windows in the file; they share the weights, each has its own operators, positions and
            scales of the channels.

    Returns:
        The costs of what may stay of it.
    """
    shape, hidden = architecture, architecture.hidden_dim

    def product(scope: str, inputs: int | NDArray[np.int64], outputs: int | NDArray[np.int64]) -> NDArray[np.float64]:
        bits = kernel_bits(recipe, scope)
        # A channel's scale is a float, its zero a 64-bit integer.
        channels = 0 if bits >= 16 else 12 * len(windows) * outputs
        bias = (2 if recipe.float16 else 4) * outputs
        return np.asarray(inputs * outputs * bits / 8 + channels + bias, np.float64)

    norm = 2 * hidden * (2 if recipe.float16 else 4)
    heads = np.arange(max(shape.heads, default=0) + 1)
    neurons = np.arange(max(shape.intermediate_dims, default=0) + 1)
    inner = heads * shape.key_dim
    attention = product("layer_0/attention/qkv/", hidden, 3 * inner)
    attention = attention + product("layer_0/attention/output/", inner, hidden) + norm
    attention = attention + _LAYER_BYTES * len(windows)
    feedforward = product("layer_0/feedforward/intermediate/", hidden, neurons)
    feedforward = feedforward + product("layer_0/feedforward/output/", neurons, hidden) + norm
    positions = sum(4 * hidden * window + _GRAPH_BYTES for window in windows)
    fixed = table_bytes(shape.vocabulary_size, hidden, recipe) + norm + positions
    return Costs(fixed + float(product("head/", hidden, shape.num_classes)), attention, feedforward)


def table_bytes(rows: int, hidden: int, recipe: Recipe) -> int:
    """Bytes of the token embedding, see `modules.tflite.packed_embedding`.

    Args:
        rows: tokens.
        hidden: width.
        recipe: how it is stored.
    """
    storage: Storage = recipe.embedding
    block = np.gcd(storage.block, hidden)

    def stored(count: int, bits: str) -> int:
        if bits == "float32":
            return count * hidden * (2 if recipe.float16 else 4)
        return int(count * (hidden * _BITS[bits] // 8 + hidden // block))

    if storage.rare_bits is None or storage.frequent >= rows:
        return stored(rows, storage.bits)
    return stored(storage.frequent, storage.bits) + stored(rows - storage.frequent, storage.rare_bits)


def kernel_bits(recipe: Recipe, scope: str) -> int:
    """Bits of a weight of a product.

    Args:
        recipe: its rules; of several that match, the last one holds.
        scope: name of the product, such as `layer_0/feedforward/output/`.
    """
    bits = 16 if recipe.float16 else 32
    for rule in recipe.quantize:
        if rule.operation in ("FULLY_CONNECTED", "*") and re.search(rule.scope, scope):
            bits = 32 if rule.mode == "float" else rule.weight_bits
    return bits


def latency_costs(architecture: Architecture, recipe: Recipe, *, window: int, threads: int = 1) -> Costs:
    """Milliseconds of a text, from the table of this machine; it is measured if there is none yet.

    Args:
        architecture: the whole network: width, heads, neurons and activation are looked at.
        recipe: how it is converted; one without calibration.
        window: tokens.
        threads: of the interpreter.

    Returns:
        The costs of what may stay of it.
    """
    heads, neurons = max(architecture.heads), max(architecture.intermediate_dims)
    shape = {
        "hidden": architecture.hidden_dim,
        "head_dim": architecture.key_dim,
        "heads": heads,
        "neurons": neurons,
        "activation": architecture.activation,
        "window": window,
        "threads": threads,
        "recipe": recipe.model_dump(mode="json"),
        "machine": _machine(),
    }
    digest = hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()[:24]
    path = packages.cache_dir() / "latency" / f"{digest}.json"
    if path.is_file():
        times = {tuple(key): value for key, value in json.loads(path.read_text(encoding="utf-8"))["times"]}
    else:
        tell(f"timing layers of width {architecture.hidden_dim} in a window of {window} (kept in {path.parent})")
        times = _measured(architecture, recipe, window, threads)
        _keep(path, {**shape, "times": [[list(key), value] for key, value in times.items()]})
    return costs_of(times, heads, neurons)


def costs_of(times: Mapping[tuple[int, int, int], float], heads: int, neurons: int) -> Costs:
    """What the times of small graphs say of the cost of each part.

    Args:
        times: milliseconds by layers, heads and neurons; some with one layer that differ in heads alone and some that
            differ in neurons alone, and one of more layers with all of both.
        heads: of the whole layer.
        neurons: likewise.

    Returns:
        The costs, linear between what was measured, and never less for more.
    """
    whole = times[1, heads, neurons]
    deep = max(layers for layers, *_ in times)
    layer = max((times[deep, heads, neurons] - whole) / (deep - 1), 0.0)
    by_neurons = sorted((n, value) for (layers, h, n), value in times.items() if layers == 1 and h == heads)
    by_heads = sorted((h, value) for (layers, h, n), value in times.items() if layers == 1 and n == neurons)
    counts, values = zip(*by_neurons, strict=True)
    # What a block of few neurons still takes is the attention's: the two are always there together.
    least = min(values)
    feedforward = np.interp(np.arange(neurons + 1), counts, np.maximum.accumulate(np.array(values) - least))
    counts, values = zip(*by_heads, strict=True)
    attention = np.interp(np.arange(heads + 1), counts, np.maximum.accumulate(np.array(values) - values[-1]))
    attention = np.maximum(attention + layer - feedforward[-1], 0.0)
    return Costs(max(whole - layer, 0.0), attention, feedforward)


def _measured(
    architecture: Architecture, recipe: Recipe, window: int, threads: int
) -> dict[tuple[int, int, int], float]:
    convert = load(CONVERT)

    heads, neurons = max(architecture.heads), max(architecture.intermediate_dims)
    wanted = {(1, count, neurons) for count in (1, max(heads // 2, 1), heads)}
    wanted |= {
        (1, heads, max(_SMALLEST, neurons // share // _SMALLEST * _SMALLEST)) for share in (2, 4, neurons // _SMALLEST)
    }
    wanted |= {(3, heads, neurons)}
    tensors = tuple(Tensor(name, "int32", (window,), window=True) for name in ("numbers", _MASK))
    contents = {}
    for layers, some_heads, some_neurons in sorted(wanted):
        small = Architecture(
            vocabulary_size=_WORDS,
            num_layers=layers,
            num_heads=some_heads,
            hidden_dim=architecture.hidden_dim,
            intermediate_dim=some_neurons,
            max_sequence_length=window,
            num_classes=2,
            activation=architecture.activation,
            head_dim=architecture.key_dim,
        )
        made = convert(random_weights(small), small, recipe, layout=Layout(tensors, _MASK))
        contents[layers, some_heads, some_neurons] = made.content
    return alternating(contents, threads=threads)


def alternating(
    contents: Mapping[tuple[int, int, int], bytes], *, rounds: int = 40, threads: int = 1, window: int | None = None
) -> dict[tuple[int, int, int], float]:
    """Median milliseconds of `.tflite` files, one call of each after the other, so that disturbances hit all.

    Args:
        contents: flatbuffers by name.
        rounds: calls of each.
        threads: of the interpreters.
        window: which window of a file is run where it has it; the whole one without.
    """
    # Late: the arithmetic must not wait for the runtime.
    from ai_edge_litert.interpreter import Interpreter

    whole, shorter = load("modules.tflite.graph:SIGNATURE"), load("modules.tflite.graph:WINDOW_SIGNATURE")
    shorter = shorter.format(window)
    calls: dict[tuple[int, int, int], tuple[Any, dict[str, NDArray[Any]], list[float]]] = {}
    for name, content in contents.items():
        interpreter = Interpreter(model_content=content, num_threads=threads)
        known = interpreter.get_signature_list()
        runner = interpreter.get_signature_runner(shorter if shorter in known else whole)
        feeds = {key: np.ones(value["shape"], value["dtype"]) for key, value in runner.get_input_details().items()}
        runner(**feeds)  # the first call allocates
        calls[name] = runner, feeds, []
    for _ in range(rounds):
        for runner, feeds, taken in calls.values():
            began = time.perf_counter()
            runner(**feeds)
            taken.append(1e3 * (time.perf_counter() - began))
    return {name: float(np.median(taken)) for name, (_, _, taken) in calls.items()}


def random_weights(architecture: Architecture, seed: int = 0) -> NetworkWeights:
    """Arrays of a network of a text alone, to convert and time.

    Args:
        architecture: its shapes.
        seed: of the values.
    """
    rng, hidden, width = np.random.default_rng(seed), architecture.hidden_dim, architecture.key_dim

    def some(*shape: int) -> NDArray[np.float32]:
        return rng.normal(0, 0.05, shape).astype(np.float32)

    layers = []
    for heads, neurons in zip(architecture.heads, architecture.intermediate_dims, strict=True):
        arrays = {f"{name}_kernel": some(hidden, heads, width) for name in ("query", "key", "value")}
        arrays |= {f"{name}_bias": some(heads, width) for name in ("query", "key", "value")}
        arrays |= {"output_kernel": some(heads, width, hidden), "output_bias": some(hidden)}
        arrays |= {"intermediate_kernel": some(hidden, neurons), "intermediate_bias": some(neurons)}
        arrays |= {"feedforward_kernel": some(neurons, hidden), "feedforward_bias": some(hidden)}
        for norm in ("attention", "feedforward"):
            arrays |= {f"{norm}_gamma": 1 + some(hidden), f"{norm}_beta": some(hidden)}
        layers.append(LayerWeights(**arrays))
    return NetworkWeights(
        token=some(architecture.vocabulary_size, hidden),
        position=some(architecture.max_sequence_length, hidden),
        segment=some(architecture.num_segments, hidden),
        norm_gamma=1 + some(hidden),
        norm_beta=some(hidden),
        layers=tuple(layers),
        head_kernel=some(hidden, architecture.num_classes),
        head_bias=some(architecture.num_classes),
    )


def _machine() -> list[str]:
    """What a time depends on besides the graph."""
    flags = hashlib.sha256(" ".join(sorted(cpu.cpu_flags())).encode()).hexdigest()[:12]
    runtime = importlib.metadata.version("ai-edge-litert")
    return [platform.node(), platform.machine(), platform.processor(), flags, str(os.cpu_count()), runtime]


def _keep(path: Path, values: Mapping[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    partial.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)
