"""Readings: the same numbers from the same text, in Transform's graph and on a device; and how samples differ."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.inputs.vector.input import Vector
from modules.inputs.vector.statistics import compare, summarise
from modules.network.model import input_encoder
from modules.tensors import Column

import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from edgeline_edge import BundleError
from edgeline_edge.inputs.kinds import table

LEARNT = {"means": [0.1, -40.0, 3.0], "factors": [3.3, 0.11, 1.0]}
TEXTS = (
    "[1,2,3]", "1 2 3", "1;2;3", "[[1],[2],[null]]", "nan,NaN,NA", "", "None none null", " 1 , 2 ,3 ", "1,,2,3",
    "1e5 .5 5.", "+1 -2 1e400", "1e-400 0.1 0.30000001192092896", "1\t2\n3", "1,2,3]",
)  # fmt: skip
REFUSED = ("1,2", "1,2,3,4", "1,x,3", "inf 1 2", "0x10 1 2", "1_0 2 3", "\u00a01 2 3", "１ 2 3")


def made(**section: Any) -> Vector:
    return Vector.named("v", {"kind": "vector", "column": "v", "channels": 3, **section}).with_learnt(LEARNT)


def device(part: Vector) -> Any:
    [found] = table([{"name": "v", "kind": "vector", "column": "v", "tensors": ["v_vector"], **part.described()}])
    return found


def test_a_device_has_the_bits_of_the_graph_for_every_text() -> None:
    chance = random.Random(1)
    kinds = (
        lambda: chance.gauss(0, 1),
        lambda: chance.gauss(0, 1e6),
        lambda: chance.random() * 10 ** chance.randint(-40, 40),
    )
    drawn = [" ".join(repr(chance.choice(kinds)()) for _ in range(3)) for _ in range(500)]
    part = made()
    texts = [*TEXTS, *drawn]
    rows = part.features({"v": tf.constant(texts)})["v_vector"].numpy()
    for text, row in zip(texts, rows, strict=True):
        assert device(part).encode(text)["v_vector"][0].tobytes() == row.tobytes(), text
        assert Column("v", "optional readings 3").readable(text), text
    assert rows[3, 0, 3:].tolist() == [0.0, 0.0, 1.0]
    assert np.abs(rows[:, :, :3]).max() == 10.0, "what lies far away is cut"
    for text in REFUSED:
        assert not Column("v", "optional readings 3").readable(text), text
        with pytest.raises(ValueError, match=r"v holds|v has"):
            device(part).encode(text)


def test_lists_and_arrays_are_readings_of_a_device() -> None:
    part = made(steps=2)
    expected = device(part).encode("1 2 3 4 null 6")["v_vector"]
    for same in (
        [1, 2, 3, 4, None, 6],
        [[1, 2, 3], [4, float("nan"), 6]],
        np.array([[1, 2, 3], [4, np.nan, 6]]),
        (1, 2, 3, 4, None, 6),
    ):
        np.testing.assert_array_equal(device(part).encode(same)["v_vector"], expected)
    assert device(part).encode(None)["v_vector"].tolist() == [[[0, 0, 0, 1, 1, 1]] * 2]
    with pytest.raises(TypeError, match="must be a list of numbers or None, holds str"):
        device(part).encode(["1", 2, 3, 4, 5, 6])
    with pytest.raises(TypeError, match="holds bool"):
        device(part).encode([True, 2, 3, 4, 5, 6])
    with pytest.raises(ValueError, match=r"v has 3 readings; the model reads 2 x 3"):
        device(part).encode([1, 2, 3])
    with pytest.raises(ValueError, match="v has 1 readings"):
        device(part).encode(7.0)


def test_a_manifest_that_scales_other_channels_is_refused() -> None:
    section = {"name": "v", "kind": "vector", "column": "v", "tensors": ["v_vector"], **made().described()}
    with pytest.raises(BundleError, match="has 2 channels and is not scaled by as many"):
        table([{**section, "shape": [1, 2]}])
    with pytest.raises(BundleError, match="says nothing of its means"):
        table([{name: value for name, value in section.items() if name != "means"}])


def test_a_series_is_read_in_parts_by_convolutions_and_a_moment_as_a_whole() -> None:
    vector, parts = input_encoder(made(steps=12, width=8, kernel=3)).outputs
    assert (vector.shape.as_list(), parts.shape.as_list()) == ([None, 8], [None, 6, 8])
    [whole] = input_encoder(made(width=8)).outputs
    assert whole.shape.as_list() == [None, 8]
    assert input_encoder(made(steps=3, kernel=9, convolutions=4)).outputs[1].shape[1] == 1
    with pytest.raises(ValidationError, match="at most 100000 readings"):
        made(steps=100_000)


def test_the_channel_that_is_furthest_off_is_the_distance(tmp_path: Path, write_examples: Callable[..., str]) -> None:
    chance, part = random.Random(3), made()

    def profile(name: str, shift: float, missing: float = 0.0) -> str:
        rows = []
        for _ in range(300):
            last = "null" if chance.random() < missing else str(chance.gauss(shift, 1))
            rows.append({"v": [f"{chance.gauss(0, 1)} {chance.gauss(0, 1)} {last}".encode()]})
        return summarise(part, [write_examples(tmp_path / name, rows)], label=None, sample=250).to_json()

    before, same, moved, lacking = (profile(f"{n}", *how) for n, how in enumerate([(0.0,), (0.0,), (2.0,), (0.0, 0.5)]))

    def distances(now: str) -> dict[str, float]:
        found = compare(now, before)
        assert found.rows == 250
        return {item.feature: item.value for item in found.distances}

    assert distances(same)["values"] < 0.15
    assert distances(moved)["values"] > 0.5
    assert 0.4 < distances(lacking)["missing"] < 0.6
