"""`modules.quality.fairness`: gaps between slices, how sure they are, and whether they keep their bounds."""

from __future__ import annotations

import json
from typing import Any

from modules.quality import fairness
from modules.quality.settings import FairnessSettings, GapBound

import numpy as np
import pytest

LABELS = ["bad", "good"]
SETTINGS = FairnessSettings(min_rows=20, resamples=500, level=0.95, seed=3)


def rows(*groups: tuple[str, int, float, float]) -> tuple[np.ndarray, np.ndarray, dict[str, list[str]]]:
    """Rows of slices: value, rows of each label, and the recall of `bad` and of `good`."""
    labels, predicted, values = [], [], []
    for value, count, *recalls in groups:
        for label, recall in enumerate(recalls):
            right = round(count * recall)
            labels += [label] * count
            predicted += [label] * right + [1 - label] * (count - right)
            values += [value] * count
    return np.array(labels), np.array(predicted), {"source": values}


def measure(*groups: tuple[str, int, float, float], **settings: Any) -> dict[str, Any]:
    return fairness.measure(*rows(*groups), LABELS, SETTINGS.with_values(**settings))


def gaps(*groups: tuple[str, int, float, float], **settings: Any) -> dict[str, Any]:
    return measure(*groups, **settings)["columns"]["source"]["gaps"]


def test_a_gap_is_the_best_slice_minus_the_worst() -> None:
    found = gaps(("web", 100, 0.9, 0.9), ("shop", 100, 0.7, 0.7), ("mail", 100, 0.8, 0.8))
    assert found["accuracy"]["value"] == pytest.approx(0.2)
    assert found["accuracy"]["worst"] == {"slice": "shop", "value": pytest.approx(0.7)}
    assert found["accuracy"]["best"] == {"slice": "web", "value": pytest.approx(0.9)}
    assert found["accuracy"]["low"] < 0.2 < found["accuracy"]["high"]


def test_equal_opportunity_sees_what_accuracy_does_not() -> None:
    found = gaps(("web", 200, 0.9, 0.6), ("shop", 200, 0.7, 0.8))
    assert found["accuracy"]["value"] == pytest.approx(0.0)
    assert found["recall_good"]["value"] == pytest.approx(0.2)
    assert found["equal_opportunity"]["value"] == pytest.approx(0.2)
    assert found["equal_opportunity"]["label"] in LABELS
    assert found["equal_opportunity"]["low"] > 0.0


def test_more_rows_make_the_interval_narrower() -> None:
    few, many = (gaps(("web", n, 0.9, 0.9), ("shop", n, 0.7, 0.7))["accuracy"] for n in (50, 5000))
    assert many["high"] - many["low"] < 0.2 * (few["high"] - few["low"])


def test_chance_alone_does_not_lift_the_lower_end_of_many_equal_slices() -> None:
    random = np.random.default_rng(0)
    lows, values = [], []
    for _ in range(20):
        labels = random.integers(0, 2, 1200)
        predicted = np.where(random.random(1200) < 0.85, labels, 1 - labels)
        found = fairness.measure(labels, predicted, {"s": [str(i % 6) for i in range(1200)]}, LABELS, SETTINGS)
        gap = found["columns"]["s"]["gaps"]["accuracy"]
        lows.append(gap["low"])
        values.append(gap["value"])
    assert np.mean(values) > 0.05  # what chance makes of six slices of 200 rows
    assert np.mean(lows) < 0.03


def test_a_slice_with_few_rows_is_shown_and_counts_for_no_gap() -> None:
    measured = measure(("web", 100, 0.9, 0.9), ("shop", 100, 0.8, 0.8), ("fax", 5, 0.0, 0.0))
    column = measured["columns"]["source"]
    assert column["slices"]["fax"]["rows"] == 10
    assert column["slices"]["fax"]["counted"] is False
    assert column["gaps"]["accuracy"]["worst"]["slice"] == "shop"


def test_a_label_that_a_slice_hardly_has_counts_for_no_gap_of_its_recall() -> None:
    labels, predicted, slices = rows(("web", 100, 0.9, 0.9), ("shop", 100, 0.9, 0.9))
    rare = (np.array(slices["source"]) == "shop") & (labels == 1)
    some = [*np.flatnonzero(~rare), *np.flatnonzero(rare)[-3:]]
    found = fairness.measure(
        labels[some], predicted[some], {"source": [slices["source"][row] for row in some]}, LABELS, SETTINGS
    )["columns"]["source"]["gaps"]
    assert found["recall_good"] is None
    assert found["equal_opportunity"]["label"] == "bad"


def test_one_slice_has_no_gap_and_the_result_is_json() -> None:
    measured = measure(("web", 100, 0.9, 0.9))
    assert set(measured["columns"]["source"]["gaps"].values()) == {None}
    assert json.loads(json.dumps(measured)) == measured


def test_the_same_seed_gives_the_same_intervals() -> None:
    groups = (("web", 40, 0.9, 0.8), ("shop", 40, 0.8, 0.6))
    assert gaps(*groups) == gaps(*groups)
    assert gaps(*groups) != gaps(*groups, seed=4)


# Bounds


def missed(bound: dict[str, Any], *groups: tuple[str, int, float, float], metric: str = "accuracy") -> list[Any]:
    return fairness.missed(measure(*groups), {"source": {metric: GapBound(**bound)}})


def test_a_gap_that_equals_its_bound_keeps_it_and_a_wider_one_does_not() -> None:
    groups = (("web", 100, 0.9, 0.9), ("shop", 100, 0.7, 0.7))
    assert missed({"max_gap": 0.2}, *groups) == []
    [item] = missed({"max_gap": 0.19}, *groups)
    assert (item["metric"], item["slice"]) == ("gap of accuracy", "source")
    assert "0.2000 [" in item["message"]
    assert "(shop 0.7000, web 0.9000), at most 0.19 was asked for" in item["message"]


def test_the_lower_end_decides_where_it_is_asked_to() -> None:
    groups = (("web", 40, 0.9, 0.9), ("shop", 40, 0.8, 0.8))
    assert missed({"max_gap": 0.05}, *groups)
    assert missed({"max_gap": 0.05, "decided_by": "lower_end"}, *groups) == []


def test_the_label_behind_a_wide_equal_opportunity_is_named() -> None:
    [item] = missed({"max_gap": 0.1}, ("web", 100, 0.9, 0.9), ("shop", 100, 0.9, 0.5), metric="equal_opportunity")
    assert "(recall of good)" in item["message"]


def test_a_gap_that_cannot_be_measured_keeps_no_bound() -> None:
    [item] = missed({"max_gap": 1.0}, ("web", 100, 0.9, 0.9), ("shop", 5, 0.9, 0.9))
    assert "cannot be measured" in item["message"]
    assert "min_rows" in item["message"]
    assert item["value"] is None
