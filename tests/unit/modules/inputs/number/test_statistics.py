"""How far two samples of a number are apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from modules.inputs import kinds
from modules.inputs.number import statistics

import numpy as np
import pytest

PRICE = kinds.read({"price": {"kind": "number", "column": "price"}})["price"]


def profile(folder: Path, write: Callable[..., str], values: list[float]) -> str:
    write(folder / "a.gz", [{"price": [float(value)]} for value in values])
    return statistics.summarise(PRICE, [f"{folder}/*.gz"], label=None, sample=10).to_json()


def test_a_shift_and_missing_numbers_are_measured_and_the_order_is_nothing(
    tmp_path: Path, write_examples: Callable[..., str]
) -> None:
    chance = np.random.default_rng(1)
    values = chance.normal(size=400).tolist()
    before = profile(tmp_path / "before", write_examples, values)
    assert profile(tmp_path / "again", write_examples, values[::-1]) == before
    moved = [value + 1.0 for value in values[:300]] + [float("nan")] * 100
    found = statistics.compare(profile(tmp_path / "now", write_examples, moved), before)
    distances = {one.feature: one.value for one in found.distances}
    assert found.rows == 400
    assert distances["missing"] == 0.25
    assert distances["values"] == pytest.approx(0.38, abs=0.05), "two normal distributions, a deviation apart"
    same = statistics.compare(before, before).distances
    assert [one.value for one in same] == [0.0, 0.0]
    assert {one.feature for one in same} == set(PRICE.part("bounds").model_fields)


def test_a_number_that_most_rows_share_is_a_step_and_none_at_all_is_far_from_some(
    tmp_path: Path, write_examples: Callable[..., str]
) -> None:
    zeros, ones, none = (
        profile(tmp_path / name, write_examples, values)
        for name, values in (("a", [0.0] * 20), ("b", [1.0] * 20), ("c", [float("nan")] * 20))
    )
    assert statistics.compare(zeros, ones).distances[0].value == 1.0
    assert statistics.compare(zeros, none).distances[0].value == 1.0
    assert statistics.compare(none, none).distances[0].value == 0.0
