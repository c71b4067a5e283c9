"""Quantizes a float flatbuffer with ai-edge-quantizer, by the rules of a recipe.

Rules choose operations by scope, so that what integers break (softmax, layer norm, GELU) can stay in float.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modules.tflite.settings import Quantize

import numpy as np


class QuantizationError(ValueError):
    """The quantizer refused a rule, or a rule met no operation."""


def quantize(
    content: bytes, rules: Sequence[Quantize], *, examples: Mapping[str, Sequence[Mapping[str, np.ndarray]]]
) -> bytes:
    """Applies rules to a float model.

    Args:
        content: a float `.tflite` file.
        rules: what to quantize; of two that match an operation, the later one holds.
        examples: by signature, inputs by name as the signature wants them; needed by `static` rules and by `GPTQ`.

    Returns:
        The quantized file.

    Raises:
        QuantizationError: a rule is malformed, unsupported, or without effect.
    """
    from ai_edge_quantizer import quantizer as quantizer_lib

    try:
        with _quiet():
            quantizer = quantizer_lib.Quantizer(bytearray(content))
            for rule in rules:
                _add(quantizer, rule)
            calibration = None
            if quantizer.need_calibration:
                calibration = quantizer.calibrate({name: list(rows) for name, rows in examples.items()}, num_threads=2)
            quantized = quantizer.quantize(
                calibration, enable_progress_bar=False, enable_progress_report=False
            ).quantized_model
    except (ValueError, RuntimeError, KeyError, TypeError, NotImplementedError, re.error) as error:
        raise QuantizationError(f"{type(error).__name__}: {str(error)[:400]}") from error
    if quantized is None or _integer_tensors(quantized) <= _integer_tensors(content):
        raise QuantizationError("no operation matches the rules; the file would stay as it is.")
    return bytes(quantized)


def _integer_tensors(content: bytes) -> int:
    """How many tensors of a file hold quantized values."""
    from ai_edge_litert.tools import flatbuffer_utils

    kinds = flatbuffer_utils.TensorType
    quantized = {kinds.INT4, kinds.INT8, kinds.INT16}
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    return sum(tensor.type in quantized for subgraph in model.subgraphs for tensor in subgraph.tensors)


def _add(quantizer: Any, rule: Quantize) -> None:
    from ai_edge_quantizer import qtyping
    from ai_edge_quantizer.quantizer import AlgorithmName

    operation = qtyping.TFLOperationName(rule.operation)
    granularity = qtyping.QuantGranularity(rule.granularity)
    if rule.mode == "float":
        quantizer.update_quantization_recipe(rule.scope, operation, algorithm_key=AlgorithmName.NO_QUANTIZE)
        return
    algorithm = AlgorithmName(rule.algorithm)
    if rule.mode == "dynamic":
        quantizer.add_dynamic_config(rule.scope, operation, rule.weight_bits, granularity, algorithm)
    elif rule.mode == "weight_only":
        quantizer.add_weight_only_config(rule.scope, operation, rule.weight_bits, granularity, algorithm)
    else:
        quantizer.add_static_config(
            rule.scope, operation, rule.activation_bits, rule.weight_bits, granularity, algorithm
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The quantizer prints its progress and warns once per operation; neither is for the user of a pipeline."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
            stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            yield
    finally:
        root.setLevel(level)
