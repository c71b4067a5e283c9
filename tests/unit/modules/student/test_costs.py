"""`modules.student.costs`: bytes by arithmetic are those of a converted file; times add up."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from modules.network.architecture import Architecture
from modules.student import costs
from modules.tflite.convert import convert
from modules.tflite.recipes import RECIPES

import numpy as np
import pytest

from tests.unit import compression_helpers as helpers

WIDE = Architecture(
    vocabulary_size=600,
    num_layers=2,
    num_heads=4,
    hidden_dim=128,
    intermediate_dim=256,
    max_sequence_length=helpers.LENGTH,
    num_classes=2,
)


def test_the_bytes_between_two_students_are_known_before_they_are_converted() -> None:
    recipe = RECIPES["dynamic_wi4_afp32"]
    table = costs.byte_costs(WIDE, recipe, windows=[helpers.LENGTH])
    narrow = dataclasses.replace(WIDE, head_dim=32, layer_heads=(4, 2), layer_intermediate_dims=(64, 128))
    sizes = [
        len(convert(costs.random_weights(shape), shape, recipe, layout=helpers.text_layout()).content)
        for shape in (WIDE, narrow)
    ]
    predicted = [table.of(shape.heads, shape.intermediate_dims) for shape in (WIDE, narrow)]
    assert sizes[0] - sizes[1] == pytest.approx(predicted[0] - predicted[1], rel=0.02)
    assert sizes[0] == pytest.approx(predicted[0], rel=0.05)


def test_a_rule_of_a_recipe_says_the_bits_of_a_product() -> None:
    recipe = RECIPES["dynamic_wi48_afp32_e4"]
    assert costs.kernel_bits(recipe, "layer_0/attention/qkv/") == 8
    assert costs.kernel_bits(recipe, "layer_0/feedforward/output/") == 4
    assert costs.kernel_bits(RECIPES["float16"], "head/") == 16
    assert costs.table_bytes(3000, 64, RECIPES["dynamic_wi4_afp32_e4r2"]) == 2048 * 33 + 952 * 17


def test_times_of_small_graphs_give_what_each_part_costs() -> None:
    def time(layers: int, heads: int, neurons: int) -> float:
        return 0.5 + layers * (0.1 + 0.05 * heads + 0.001 * neurons)

    shapes = [(1, 1, 64), (1, 2, 64), (1, 4, 64), (1, 4, 8), (1, 4, 32), (3, 4, 64)]
    found = costs.costs_of({shape: time(*shape) for shape in shapes}, 4, 64)
    assert found.fixed == pytest.approx(0.5)
    assert found.of([3, 1], [48, 16]) == pytest.approx(0.5 + 2 * 0.1 + 0.05 * 4 + 0.001 * 64)


def test_a_table_is_measured_once_a_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGELINE_CACHE", str(tmp_path))
    calls = []

    def timed(contents: dict, **_: object) -> dict:
        calls.append(sorted(contents))
        return {key: 0.1 + key[0] * (key[1] + key[2] / 100) for key in contents}

    monkeypatch.setattr(costs, "alternating", timed)
    small = helpers.architecture(num_heads=2, intermediate_dim=32)
    recipe = RECIPES["float32"]
    first = costs.latency_costs(small, recipe, window=8)
    again = costs.latency_costs(small, recipe, window=8)
    assert len(calls) == 1
    assert np.array_equal(first.attention, again.attention)
    assert first.fixed == pytest.approx(again.fixed) == pytest.approx(0.1)
    (kept,) = (tmp_path / "latency").iterdir()
    assert json.loads(kept.read_text())["window"] == 8


def test_files_are_timed_by_turns() -> None:
    shape = helpers.architecture()
    content = convert(
        costs.random_weights(shape), shape, RECIPES["float32"], layout=helpers.text_layout(), windows=[8]
    ).content
    times = costs.alternating({(1, 0, 0): content, (2, 0, 0): content}, rounds=3, window=8)
    assert set(times) == {(1, 0, 0), (2, 0, 0)}
    assert min(times.values()) > 0
