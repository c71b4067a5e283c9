"""Columns as a linear model reads them, and a linear model of rows that have no text."""

from __future__ import annotations

import random
from typing import Any

import modules  # noqa: F401
from modules.rows.columns import Columns
from modules.rows.raw import RawSplit
from modules.targets import kinds as targets_lib

import numpy as np
import pytest

from tests.unit.modules.test_sensors import rows

HOW: dict[str, Any] = {"readings": "readings", "track": "readings", "seen": "time"}


def split(count: int, seed: int, answers: Any = None) -> RawSplit:
    given = rows(count, seed)
    labels = np.array([row["alarm"] == "yes" for row in given], np.int64) if answers is None else answers(given)
    others = {name: [row[name] for row in given] for name in HOW}
    return RawSplit(["no text" for _ in given], labels, {}, others=others, linear=HOW, has_texts=False)


def test_lists_and_times_are_numbers_and_what_is_missing_is_flagged() -> None:
    given = {"v": ["[1, 10]", "3 30", "[null, 20]", ""], "t": ["2024-01-01T06:00", "", "2024-01-01", "1714746600"]}
    made = Columns(given, {"v": "readings", "t": "time"}).transform(given).toarray()
    assert made.shape == (4, 11)
    times, lists = made[:, :7], made[:, 7:]
    np.testing.assert_allclose(times[0, :2], [1.0, 0.0], atol=1e-6)
    assert times[:, 6].tolist() == [0, 1, 0, 0]
    np.testing.assert_allclose(lists[:2, :2], [[-1.0, -1.2247449], [1.0, 1.2247449]], rtol=1e-6)
    assert lists[:, 2:].tolist() == [[0, 0], [0, 0], [1, 0], [1, 1]]


@pytest.mark.slow
def test_without_a_text_the_linear_model_reads_the_columns() -> None:
    target = targets_lib.read({"kind": "one_label", "column": "alarm", "labels": ["no", "yes"]})
    splits = {"train": split(200, 1), "eval": split(80, 2), "test": split(80, 3)}
    found = target.part("linear")(splits, target, 5)
    assert found.record["model"].startswith("the columns beside the text")
    assert len(found.record["candidates"]) == 3
    assert found.record["splits"]["test"]["accuracy"] > 0.8


def test_a_number_and_several_labels_have_a_linear_model_without_a_text_too() -> None:
    number = targets_lib.read({"kind": "number", "column": "level"})
    several = targets_lib.read({"kind": "many_labels", "column": "tags", "labels": ["a", "b"], "none_allowed": True})

    def level(given: Any) -> np.ndarray:
        return np.array([float((row["track"] or "0").split()[-2 if row["track"] else 0]) for row in given])

    def tags(given: Any) -> np.ndarray:
        chance = random.Random(1)
        return np.array([[row["alarm"] == "yes", chance.random() < 0.5] for row in given], np.int8)

    for target, answers in ((number, level), (several, tags)):
        splits = {name: split(90, seed, answers) for seed, name in enumerate(("train", "eval", "test"))}
        found = target.part("linear")(splits, target, 5)
        assert all("columns" in item["model"] for item in found.record["candidates"])
        assert set(found.predictions) == {"eval", "test"}
