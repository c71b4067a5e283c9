"""A target that is a number: what may stand in a cell, what is learned, answered and promised."""

from __future__ import annotations

from typing import Any

import modules  # noqa: F401
from modules.quality import scoring
from modules.quality.predictions import Predictions
from modules.quality.scores import r_squared
from modules.quality.settings import FairnessSettings
from modules.rows.raw import RawSplit
from modules.targets.kinds import read
from modules.targets.number import interval, tfma_metrics
from modules.targets.number.layers import InUnits, ScaledSquaredError
from modules.targets.number.target import Number

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from pydantic import ValidationError

PRICE = Number(column="price")
STARS = Number(column="stars", min=1, max=5)
JUDGE = scoring.of(PRICE)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("3.5", ""),
        ("5", ""),
        ("0.5", "below the smallest that target.min allows, 1"),
        ("5.01", "above the largest that target.max allows, 5"),
        ("3,5", r"which is no number (a point stands before decimals, not a comma)"),
        ("many", "which is no number"),
        ("nan", "which is no number"),
        ("1e39", "which is no number"),  # float32 has no such number
        (" ", "which is no number"),
    ],
)
def test_a_cell_says_what_keeps_it_from_being_the_number(value: str, problem: str) -> None:
    assert STARS.cell.problem(value) == problem


def test_one_number_is_written_in_one_way() -> None:
    assert {STARS.cell.canonical(value) for value in ("4", "4.0", "4.00", "4e0")} == {"4.0"}


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"min": 5, "max": 1}, "min is 5, which is not below max, 1"),
        ({"coverage": 1.0}, "less than 1"),
        ({"coverage": None, "half_width": 2.0}, "half_width is of the interval"),
        ({"maximum": 5}, "no such field"),
    ],
)
def test_a_target_that_cannot_be_is_refused(section: dict[str, Any], problem: str) -> None:
    from modules.kinds import read_section
    from modules.targets.kinds import TARGETS

    with pytest.raises(ValidationError, match=problem):
        read_section(TARGETS, {"kind": "number", "column": "stars", **section})


def test_prices_are_learned_as_quickly_as_stars() -> None:
    """What is learned are standard deviations, so the unit of the column does not matter."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(256, 4)).astype(np.float32)
    stars = (features @ [0.5, -0.2, 0.1, 0.3] + 3).astype(np.float32)
    off = []
    for numbers in (stars, stars * 100_000 + 1e6):
        tf_keras.utils.set_random_seed(1)
        given = tf_keras.Input([4])
        model = tf_keras.Model(given, Number.head(given, 1))
        PRICE.begin(model, numbers)
        model.compile(tf_keras.optimizers.Adam(0.05), PRICE.loss_of(model), PRICE.metrics())
        model.fit(features, numbers, batch_size=64, epochs=12, verbose=0, shuffle=False)
        off.append(float(np.std(model.predict(features, verbose=0)[:, 0] - numbers)) / float(numbers.std()))
    assert off[0] < 0.2
    assert off[1] == pytest.approx(off[0], rel=0.02)


def test_what_the_head_knows_of_the_rows_travels_with_the_weights() -> None:
    given = tf_keras.Input([2])
    models = [tf_keras.Model(given, Number.head(given, 1)) for _ in range(2)]
    PRICE.begin(models[0], np.array([10.0, 20.0, 30.0]))
    models[1].set_weights(models[0].get_weights())
    assert models[1].get_layer("in_units").get_weights() == pytest.approx([20.0, np.std([10.0, 20.0, 30.0])])
    layer = InUnits()
    layer.build((None, 1))
    layer.learn(np.array([7.0, 7.0]))
    assert layer.get_weights() == [7.0, 1.0], "numbers that are all equal have no spread to divide by"
    loss = ScaledSquaredError.from_config(ScaledSquaredError(4.0).get_config())
    assert float(loss(tf.constant([8.0]), tf.constant([[0.0]]))) == 4.0


def test_answers_and_interval_stay_within_the_bounds() -> None:
    settled = STARS.settled(np.full(20, 3.0), np.linspace(2.5, 3.5, 20)[:, np.newaxis])
    assert settled.half_width == pytest.approx(0.5)
    assert not settled.is_open
    found = settled.answers()(tf.constant([[7.0], [3.0], [1.2]]))
    assert {name: value.numpy().round(3).tolist() for name, value in found.items()} == {
        "number": [5.0, 3.0, pytest.approx(1.2)], "low": [4.5, 2.5, 1.0], "high": [5.0, 3.5, pytest.approx(1.7)],
    }  # fmt: skip
    assert set(STARS.with_values(coverage=None).answers()(tf.constant([[2.0]]))) == {"number"}
    assert settled.undecided() == STARS.undecided(), "features do not depend on the interval"
    assert read(settled.model_dump(mode="json")) == settled


def test_an_interval_holds_as_large_a_share_of_new_rows_as_it_was_made_for() -> None:
    rng = np.random.default_rng(5)
    held = []
    for _ in range(200):
        seen, new = rng.standard_t(3, (2, 60))
        held.append(np.mean(np.abs(new) <= interval.half_width(seen, np.zeros(60), 0.8)))
    assert 0.79 < np.mean(held) < 0.83


def test_too_few_rows_for_an_interval_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert interval.half_width(np.zeros(8), np.ones(8), 0.9) is None
    assert interval.half_width(np.zeros(9), np.ones(9), 0.9) == 1.0
    assert STARS.with_values(coverage=0.9).settled(np.zeros(3), np.zeros((3, 1))).half_width is None


def test_scores_are_those_of_scikit_learn_and_of_tfma() -> None:
    from sklearn import metrics

    rng = np.random.default_rng(2)
    truth = rng.normal(1e6, 10, 300)
    predicted = truth + rng.normal(1, 5, 300)
    found = JUDGE.scores(truth, predicted)
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(truth, predicted))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(truth, predicted))
    assert found["r2"] == pytest.approx(metrics.r2_score(truth, predicted))
    combiner = tfma_metrics._Combiner(None, None, False)
    parts = [
        tfma_metrics._merged(combiner.create_accumulator(), np.array([1.0, right, 0.0, (right - answered) ** 2]))
        for right, answered in zip(truth, predicted, strict=True)
    ]
    merged = combiner.merge_accumulators([combiner.merge_accumulators(parts[:100]), *parts[100:]])
    assert combiner.extract_output(merged)[None] == pytest.approx(found["r2"], rel=1e-6)
    assert r_squared([0.0, 1.0], [0.0, 0.0]).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("rows", [400, 1_000_000])
def test_intervals_are_as_wide_as_the_errors_of_so_many_rows(rows: int) -> None:
    """Drawn row by row of few rows, from the normal distribution of many: both as theory has it."""
    rng = np.random.default_rng(3)
    truth = rng.normal(0, 3, rows)
    found = JUDGE.intervals(truth, truth + rng.normal(0, 1, rows), resamples=1000)
    assert found["rmse"].high - found["rmse"].low == pytest.approx(2 * 1.96 / np.sqrt(2 * rows), rel=0.15)
    assert found["r2"].low < found["r2"].value < found["r2"].high


def test_the_better_of_two_models_is_told_on_the_same_rows() -> None:
    rng = np.random.default_rng(4)
    truth, hard = rng.normal(0, 1, 500), rng.normal(0, 1, 500)
    found = JUDGE.differences(truth, truth + hard, truth + 1.2 * hard)["rmse"]
    assert found.high < 0, "of an error, less is better"
    assert found.value == pytest.approx(-0.2 * np.sqrt(np.mean(hard**2)))


def test_the_slice_with_the_largest_error_is_the_worst() -> None:
    truth = np.zeros(120)
    predicted = np.where(np.arange(120) % 2, 5.0, 1.0) * np.where(np.arange(120) % 4 < 2, 1, -1)
    sides = ["shop" if row % 2 else "web" for row in range(120)]
    found = JUDGE.gaps(truth, predicted, {"source": sides}, FairnessSettings(resamples=200))["columns"]["source"]
    gap = found["gaps"]["mae"]
    assert (gap["value"], gap["worst"]["slice"], gap["best"]["slice"]) == (4.0, "shop", "web")
    assert gap["high"] > 1.0 or gap["low"] == gap["high"] == 4.0
    assert found["slices"]["web"] == {"rows": 60, "counted": True, "rmse": 1.0, "mae": 1.0}


def test_a_linear_model_learns_numbers_of_texts_and_keeps_the_bounds() -> None:
    words = {"great": 5.0, "fine": 3.0, "awful": 1.0}
    texts = [f"the film was {word} {number}" for number in range(40) for word in words]
    labels = np.array([words[text.split()[3]] for text in texts])
    rows = RawSplit(texts, labels, {"source": ["web"] * len(texts)})
    found = STARS.part("linear")({"train": rows, "eval": rows, "test": rows}, STARS, 1)
    assert set(found.predictions) == {"eval", "test"}
    assert found.record["splits"]["test"]["r2"] > 0.9
    assert found.record["candidates"][0]["model"].startswith("words (1-2-grams), ridge regression")
    predicted = found.predictions["test"].predicted
    assert 1.0 <= predicted.min() < predicted.max() <= 5.0


def test_the_report_is_told_points_residuals_and_what_the_interval_holds() -> None:
    from modules.targets.number import errors, plots

    truth = np.arange(30, dtype=np.float64)
    found = Predictions(
        [""] * 30, [f"text {row}" for row in range(30)], truth, truth + np.where(truth == 7, 9.0, 0.5),
        {"low": truth - 0.5, "high": truth + 1.5}, {"source": ["web"] * 30},
    )  # fmt: skip
    details = JUDGE.details(found)
    assert sum(details["residuals"]["counts"]) == 30
    assert details["interval"] == {"coverage": 0.9, "measured": 1.0, "width": 2.0}
    made = plots.number_plots({"splits": {"test": details, "eval": {}}}, [])
    assert [plot.name for plot in made] == ["predicted-true", "residuals"]
    assert plots.number_plots({"splits": {"test": {"model": None}, "eval": {}}}, []) == []
    worst = errors.worst_errors(found, [], split="eval", count=2, training=None)
    assert worst["items"][0]["note"] == "off by +9"
    assert (worst["items"][0]["label"], worst["items"][0]["predicted"]) == ("7", "16")
