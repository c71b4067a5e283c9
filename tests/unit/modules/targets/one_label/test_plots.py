"""What a person sees of one label's answers, of two labels and of a hundred and fifty."""

from __future__ import annotations

from typing import Any

from modules.report.plots.plot import Plot
from modules.targets.one_label import ranking
from modules.targets.one_label.plots import label_plots
from modules.targets.one_label.target import OneLabel

import numpy as np
import pytest

CALIBRATION = {
    "error": 0.1, "bins": [{"confidence": 0.8, "accuracy": 0.7, "low": 0.6, "high": 0.8, "rows": 10}],
}  # fmt: skip


def plots(table: np.ndarray) -> dict[str, Plot]:
    labels = [f"label {number}" for number in range(len(table))]
    quality: dict[str, Any] = {"splits": {"test": {"confusion": table.tolist(), "calibration": CALIBRATION}}}
    return {plot.name: plot for plot in label_plots(quality, labels)}


def many(labels: int) -> np.ndarray:
    table = 10 * np.eye(labels, dtype=int)
    table[3, 5] = 7
    table[40, 41] = 30
    table[9] = 0  # no row of it on test
    return table


def test_two_labels_have_the_whole_matrix_and_no_more() -> None:
    found = plots(np.array([[8, 2], [1, 9]]))
    assert list(found) == ["confusion", "calibration"]
    assert found["confusion"].table.rows == [["label 0", 8, 2], ["label 1", 1, 9]]
    assert found["confusion"].alt == "Share recognised: label 0 80.0 %, label 1 90.0 %."


def test_precision_and_recall_are_drawn_with_the_point_at_which_the_model_answers() -> None:
    target = OneLabel(labels=["ham", "spam"], positive="spam")
    truth = np.array([0] * 8 + [1, 1])
    spam = np.array([0.1] * 7 + [0.5, 0.6, 0.4])
    found = ranking.details(target, truth, np.stack([1 - spam, spam], axis=1))
    tested = {"confusion": [[8, 0], [1, 1]], "calibration": CALIBRATION, "ranking": found}
    drawn = label_plots({"splits": {"test": tested}}, target.labels)[-1]
    curve, point = drawn.figure.data
    assert (drawn.name, list(point.x), list(point.y)) == ("precision-recall", [0.5], [1.0])
    assert list(curve.x) == [0.5, 0.5, 1.0, 1.0]
    assert drawn.table.rows == [["spam", "20.0 %", "100.0 %", "100.0 %", "66.7 %", "66.7 %"]]
    assert drawn.alt.startswith("Area under the curve, of spam: 0.")


@pytest.mark.parametrize("labels", [77, 150])
def test_of_many_labels_the_worst_pairs_come_first_and_the_page_stays_readable(labels: int) -> None:
    found = plots(many(labels))
    assert list(found) == ["confusion", "confused-pairs", "by-label", "calibration"]
    assert all(plot.figure.layout.height < 800 for plot in found.values())
    matrix = found["confusion"]
    assert matrix.table.columns == ["true \\ predicted", "label 40", "label 41", "label 3", "label 5", "(others)"]
    assert matrix.table.rows[0] == ["label 40", 10, 30, 0, 0, 0]
    assert found["confused-pairs"].table.rows == [
        ["label 40", "label 41", 30, "75.0 %"],
        ["label 3", "label 5", 7, "41.2 %"],
    ]


def test_every_label_is_in_a_table_with_the_worst_first_and_those_without_rows_last() -> None:
    rows = plots(many(77))["by-label"].table.rows
    assert len(rows) == 77
    assert rows[0] == ["label 40", 40, "25.0 %", "100.0 %", "40.0 %"]
    assert rows[-1][:2] == ["label 9", 0]


def test_without_a_mistake_the_most_frequent_labels_are_shown() -> None:
    found = plots(np.diag(np.arange(1, 31)))
    assert found["confused-pairs"].alt == "No row was answered wrong."
    assert found["confusion"].table.rows[0] == ["label 29", 30, *[0] * 20]
