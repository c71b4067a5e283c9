"""How far two samples of a category are apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from modules.inputs import kinds
from modules.inputs.category import statistics

import pytest

SHOP = kinds.read({"shop": {"kind": "category", "column": "shop"}})["shop"]


def profile(folder: Path, write: Callable[..., str], values: list[str]) -> str:
    write(folder / "a.gz", [{"shop": [value.encode()]} for value in values])
    return statistics.summarise(SHOP, [f"{folder}/*.gz"], label=None, sample=10).to_json()


def test_other_shares_new_values_and_missing_ones_are_measured(
    tmp_path: Path, write_examples: Callable[..., str]
) -> None:
    values = ["web"] * 30 + ["köln"] * 10
    before = profile(tmp_path / "before", write_examples, values)
    assert profile(tmp_path / "again", write_examples, values[::-1]) == before
    now = profile(tmp_path / "now", write_examples, ["web"] * 15 + ["kiosk"] * 15 + [""] * 10)
    found = statistics.compare(now, before)
    distances = {one.feature: one.value for one in found.distances}
    assert found.rows == 40
    assert distances["missing"] == 0.25
    assert distances["new_values"] == 0.5
    assert distances["values"] == pytest.approx(0.41, abs=0.02)
    same = statistics.compare(before, before).distances
    assert [one.value for one in same] == [0.0, 0.0, 0.0]
    assert {one.feature for one in same} == set(SHOP.part("bounds").model_fields)
