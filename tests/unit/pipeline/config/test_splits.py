"""`data.splits`: rows by the hash of a column's values, by a column that says so, or by time."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import loader
from pipeline.config.loader import ConfigError
from pipeline.config.rows.splits import Splits

TIME = {"column": "time", "eval": "2015-01-01", "test": "2016-01-01"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2014-12-31T23:59:59", "train"),
        ("2015-01-01", "eval"),
        ("2014-12-31T23:30:00-01:00", "eval"),
        (" 2015-12-31 ", "eval"),
        ("2016-01-01T00:00:00Z", "test"),
        ("1450000000", ""),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_by_time_what_comes_later_is_the_test(value: str, expected: str) -> None:
    assert Splits(order=TIME).rule.key(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("9.5", "train"), ("-inf", ""), ("10", "eval"), ("2e1", "test"), ("nan", ""), ("2015-01-01", "")],
)
def test_by_number_as_well(value: str, expected: str) -> None:
    assert Splits(order={"column": "n", "eval": 10, "test": 20}).rule.key(value) == expected


def test_a_value_that_cannot_be_used_is_told_with_what_is_wanted() -> None:
    told = Splits(order=TIME).rule.problem("yesterday")
    assert told == "column 'time' is 'yesterday', which is no ISO date or time (data.splits.order)."
    assert Splits(given="part").rule.problem("dev").endswith("none of train, eval, test (data.splits.given).")
    assert Splits(by="user").rule.problem(" ").startswith("column 'user' is empty; data.splits.by needs")


def test_given_names_and_values_that_stay_together_are_taken_as_they_are() -> None:
    assert [Splits(given="part").rule.key(value) for value in ("train", "eval", "test", "dev", "")] == [
        "train", "eval", "test", "", ""
    ]  # fmt: skip
    assert Splits(by="user").rule.key("u1") == "u1"
    assert Splits().rule.column == ""


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("data.splits={by: a, given: b}", "by and given exclude each other"),
        ("data.splits.order={column: t, eval: soon, test: '2016-01-01'}", "'soon' is neither a number nor an ISO date"),
        ("data.splits.order={column: t, eval: '2016-01-01', test: '2015-01-01'}", "which is not after eval"),
        ("data.splits.order={column: t, eval: 7, test: '2015-01-01'}", "make both numbers or both dates"),
        ("data={splits: {by: a}, augmentation: {share: 0.5}}", "augmentation knows no split but that of a row's own"),
        ("data.columns.slices=[split_key]", "'split_key' is the name of a feature that the pipeline makes"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(override: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("task: a\nlabels: [bad, good]\nschema_path: s\ndata: {path: r.csv}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=told):
        loader.load(file, overrides=[override])
