"""Flatbuffers that are small and ask for much: refused before LiteRT sees them."""

from __future__ import annotations

import time
from pathlib import Path

import flatbuffers
import pytest
from ai_edge_litert import schema_py_generated as tflite

from edgeline_edge import BundleError, limits
from edgeline_edge.runtime import Model

SQUARE_ROOT = 75


def model(*, operators: int = 1, tensors: int = 2, inputs: int = 1, subgraphs: int = 1, scales: int = 1) -> bytes:
    """A chain of square roots. Every list leads to one and the same operator, tensor and subgraph."""
    builder = flatbuffers.Builder(1024)

    def references(item: int, count: int) -> int:
        builder.StartVector(4, count, 4)
        for _ in range(count):
            builder.PrependUOffsetTRelative(item)
        return int(builder.EndVector())

    def numbers(value: int, count: int) -> int:
        builder.StartVector(4, count, 4)
        for _ in range(count):
            builder.PrependInt32(value)
        return int(builder.EndVector())

    shape, taken, made, scale = numbers(1, 1), numbers(0, inputs), numbers(1, 1), numbers(0, scales)
    tflite.QuantizationParametersStart(builder)
    tflite.QuantizationParametersAddScale(builder, scale)
    quantization = tflite.QuantizationParametersEnd(builder)
    tflite.TensorStart(builder)
    tflite.TensorAddShape(builder, shape)
    tflite.TensorAddQuantization(builder, quantization)
    tensor = tflite.TensorEnd(builder)
    tflite.OperatorStart(builder)
    tflite.OperatorAddInputs(builder, taken)
    tflite.OperatorAddOutputs(builder, made)
    operator = tflite.OperatorEnd(builder)
    lists = references(tensor, tensors), references(operator, operators)
    tflite.SubGraphStart(builder)
    tflite.SubGraphAddTensors(builder, lists[0])
    tflite.SubGraphAddOperators(builder, lists[1])
    tflite.SubGraphAddInputs(builder, taken)
    tflite.SubGraphAddOutputs(builder, made)
    subgraph = tflite.SubGraphEnd(builder)
    tflite.OperatorCodeStart(builder)
    tflite.OperatorCodeAddBuiltinCode(builder, SQUARE_ROOT)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, SQUARE_ROOT)
    code = tflite.OperatorCodeEnd(builder)
    tflite.BufferStart(builder)
    buffer = tflite.BufferEnd(builder)
    vectors = references(code, 1), references(subgraph, subgraphs), references(buffer, 1)
    tflite.ModelStart(builder)
    tflite.ModelAddVersion(builder, 3)
    tflite.ModelAddOperatorCodes(builder, vectors[0])
    tflite.ModelAddSubgraphs(builder, vectors[1])
    tflite.ModelAddBuffers(builder, vectors[2])
    builder.Finish(tflite.ModelEnd(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (model(operators=50_000), "50,000 operators, at most 10,000"),
        (model(tensors=1_000_000), "1,000,000 tensors, at most 20,000"),
        (model(subgraphs=100_000), "100,000 subgraphs, at most 64"),
        (model(subgraphs=60, operators=200), "10,200 operators, at most 10,000"),
        (model(operators=1_000, inputs=1_000), "they overlap"),
        (model(tensors=1_000, scales=1_000), "they overlap"),
    ],
)
def test_a_small_file_that_asks_for_much_is_refused_at_once(content: bytes, message: str) -> None:
    started = time.perf_counter()
    with pytest.raises(BundleError, match=message):
        Model(content)
    assert time.perf_counter() - started < 2
    assert len(content) < 5_000_000


def test_offsets_that_lead_out_of_the_file_are_refused(tiny: bytes) -> None:
    for position in range(0, 2_000, 4):
        for value in (b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\0\0\0\x80"):
            try:
                limits.check(tiny[:position] + value + tiny[position + 4 :])
            except BundleError as error:
                assert "the model" in str(error)  # noqa: PT017 (others of the changes do no harm)


def test_real_models_are_taken(tiny: bytes) -> None:
    limits.check(tiny)
    limits.check(model())


def test_the_bounds_are_far_from_what_is_shipped(bundle_path: Path) -> None:
    started = time.perf_counter()
    limits.check(bundle_path.read_bytes())
    assert time.perf_counter() - started < 0.05
