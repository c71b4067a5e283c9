"""`modules.tflite.versions`: a runtime that would answer wrongly refuses a file, and no other does."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from modules.network.weights import read_weights
from modules.tflite import versions
from modules.tflite.convert import convert
from modules.tflite.recipes import RECIPES
from modules.tflite.settings import Quantize, Recipe

import numpy as np
import pytest

from tests.unit import compression_helpers as helpers

BLOCKS = Recipe(
    name="blocks",
    quantize=[Quantize(mode="dynamic", scope=r"layer_\d+/", weight_bits=4, granularity="BLOCKWISE_32")],
)


def made(recipe: Recipe, windows: tuple[int, ...] = ()) -> bytes:
    trained = helpers.random_trained(seed=1, hidden_dim=64, intermediate_dim=128)
    return convert(
        read_weights(trained.model), trained.architecture, recipe, layout=helpers.text_layout(), windows=windows
    ).content


def stamped(content: bytes) -> dict[str, int]:
    """Versions by operation."""
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    names = {value: name for name, value in vars(flatbuffer_utils.BuiltinOperator).items() if isinstance(value, int)}
    return {names[max(code.builtinCode, code.deprecatedBuiltinCode)]: code.version for code in model.operatorCodes}


@pytest.fixture(scope="module")
def four_bits() -> bytes:
    return made(RECIPES["dynamic_wi4_afp32_e4r2"], windows=(10,))


def test_integer_weights_under_float_inputs_demand_the_first_runtime_that_is_right(four_bits: bytes) -> None:
    assert stamped(four_bits)["FULLY_CONNECTED"] == 12
    assert versions.oldest_runtime(four_bits) == "2.17.0"
    assert {version for name, version in stamped(four_bits).items() if name != "FULLY_CONNECTED"} == {1}


def test_blocks_demand_the_one_after_it() -> None:
    content = made(BLOCKS)
    assert stamped(content)["FULLY_CONNECTED"] == 14
    assert versions.oldest_runtime(content) == "2.21.0"


def test_a_file_that_demands_enough_stays_as_it_is(four_bits: bytes) -> None:
    assert versions.stamp(four_bits) is four_bits


@pytest.mark.parametrize(
    ("name", "taken", "made_of", "per_channel", "version"),
    [
        ("FULLY_CONNECTED", ["INT8", "INT8", "INT32"], ["INT8"], False, 4),
        ("FULLY_CONNECTED", ["INT16", "INT8", "INT64"], ["INT16"], False, 7),
        ("FULLY_CONNECTED", ["INT8", "INT4", "INT32"], ["INT8"], False, 10),
        ("DEQUANTIZE", ["INT8"], ["FLOAT32"], False, 2),
        ("DEQUANTIZE", ["INT8"], ["FLOAT32"], True, 5),
        ("QUANTIZE", ["FLOAT32"], ["INT16"], False, 2),
        ("SPLIT", ["INT32", "INT16"], ["INT16"], False, 4),
    ],
)
def test_the_version_follows_the_types(
    name: str, taken: list[str], made_of: list[str], per_channel: bool, version: int
) -> None:
    assert versions._demand(name, taken, made_of, per_channel).version == version


def test_a_quantized_operation_of_unknown_version_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"CUMSUM of INT8 -> INT8: .*mode: float"):
        versions._demand("CUMSUM", ["INT8"], ["INT8"], False)


@pytest.fixture(scope="module")
def tool(repository: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("try_runtimes", repository / "edge" / "tools" / "try_runtimes.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_an_older_runtime_answers_alike_or_not_at_all(tool: Any, four_bits: bytes, tmp_path: Path) -> None:
    """2.14 would flip most labels of this file; ai-edge-litert 1.0.1, which is 2.17, rounds otherwise and is right."""
    rows = helpers.examples(48, seed=5)
    (tmp_path / "m.tflite").write_bytes(four_bits)
    expected = helpers.ran(four_bits, rows)
    allowed, refusing = (tool.install(name, tmp_path) for name in ("ai-edge-litert==1.0.1", "tflite-runtime==2.14.0"))
    got = tool.answers(allowed, tmp_path / "m.tflite", rows.token_ids, rows.padding_mask)
    assert np.abs(got - expected).max() < 0.1
    assert (got.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.95
    with pytest.raises(tool.RefusedError, match=r"FULLY_CONNECTED.*version '12'"):
        tool.answers(refusing, tmp_path / "m.tflite", rows.token_ids, rows.padding_mask)
