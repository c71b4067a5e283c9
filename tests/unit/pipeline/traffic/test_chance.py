"""What chance explains, and what it does not: surges, and the accuracy that scores promise."""

from __future__ import annotations

import modules  # noqa: F401

import numpy as np
import pytest

from pipeline.traffic.chance import Baseline, Spread, above, below
from pipeline.traffic.estimate import Calibration
from tests import served

LEVEL = 5e-3


def alarms(rows: int, spread: float, windows: int, *, seed: int, times: int = 800) -> float:
    """The share of windows that are found too full although nothing happened, in which the share wobbles."""
    rng = np.random.default_rng(seed)
    found = 0
    for _ in range(times):
        shares = np.clip(0.3 + spread * rng.standard_normal(windows + 1), 0.01, 0.99)
        counts = rng.binomial(rows, shares)
        usual = Baseline.of([(int(count), rows) for count in counts[:-1]])
        found += usual.chance_of(int(counts[-1]), rows) < LEVEL
    return found / times


@pytest.mark.parametrize(("spread", "windows"), [(0.0, 8), (0.05, 8), (0.05, 21)])
def test_a_share_that_only_wobbles_alarms_about_as_often_as_was_asked_for(spread: float, windows: int) -> None:
    assert alarms(300, spread, windows, seed=2) <= 2.5 * LEVEL


def by_the_hour(factor: float, *, seed: int, times: int = 300) -> float:
    """How often a share times `factor` is found too large, which has a mean of its own for each hour of a week."""
    rng = np.random.default_rng(seed)
    rows, means = 60, 0.3 + 0.1 * np.sin(np.arange(24) * 2 * np.pi / 24)
    found = 0
    for _ in range(times):
        shares = np.clip(means + 0.02 * rng.standard_normal((7, 24)), 0.01, 0.99)
        week = [[(int(count), rows) for count in day] for day in rng.binomial(rows, shares)]
        usual = Baseline.of([day[0] for day in week], Spread.of(zip(*week, strict=True)))
        now = min(0.98, factor * (means[0] + 0.02 * rng.standard_normal()))
        found += usual.chance_of(int(rng.binomial(rows, now)), rows) < LEVEL
    return found / times


def test_windows_of_other_hours_tell_how_far_apart_shares_are_not_what_they_are() -> None:
    assert by_the_hour(1.0, seed=4) <= 2.5 * LEVEL
    assert by_the_hour(2.0, seed=4) >= 0.9
    days = [(20, 100), (22, 100), (60, 100), (58, 100)]
    assert Spread.of([days]).between > 0.1, "taken for one, hours that differ are far apart"
    assert Spread.of([days[:2], days[2:], [(5, 10)]]) == Spread(0.0, np.inf), "nothing beyond draws within each"


def test_a_doubled_share_is_found_and_the_bound_lies_between() -> None:
    usual = Baseline.of([(count, 100) for count in (30, 28, 33, 27, 31, 29)])
    bound = usual.most(100, LEVEL)
    assert usual.share < bound < 0.6
    assert usual.chance_of(60, 100) < LEVEL
    assert usual.chance_of(round(100 * bound), 100) >= LEVEL
    assert usual.chance_of(round(100 * bound) + 1, 100) < LEVEL


def test_a_label_that_was_never_answered_and_one_that_always_was_have_a_baseline() -> None:
    never, always = Baseline.of([(0, 50), (0, 60), (0, 70)]), Baseline.of([(50, 50), (60, 60)])
    assert never.chance_of(0, 100) == pytest.approx(1.0)
    assert never.chance_of(50, 100) < 1e-6
    assert always.chance_of(100, 100) > 0.5
    with pytest.raises(ValueError, match="no window to compare with"):
        Baseline.of([])


def test_the_bounds_of_shares_are_those_of_the_binomial_distribution() -> None:
    assert above(10, 100, 0.1) == pytest.approx(0.549, abs=1e-3)
    assert below(10, 100, 0.1) == pytest.approx(0.583, abs=1e-3)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_estimate_is_right_for_scores_that_are_too_sure_or_not_sure_enough(temperature: float) -> None:
    """Held-out rows: calibrated on some, estimated on easier and on harder ones."""
    rng = np.random.default_rng(6)

    def rows(low: float, high: float, count: int) -> tuple[np.ndarray, np.ndarray]:
        true = rng.uniform(low, high, count)
        odds = temperature * np.log(true / (1 - true))
        return 1 / (1 + np.exp(-odds)), rng.random(count) < true

    calibration = Calibration.fit(*rows(0.4, 0.99, 4_000))
    for low, high in ((0.4, 0.99), (0.4, 0.6), (0.9, 0.99)):
        scores, right = rows(low, high, 20_000)
        found = calibration.estimate(scores)
        assert found.value == pytest.approx(right.mean(), abs=0.015)
        ends = found.interval(3.0)
        assert ends[0] <= right.mean() <= ends[1]
    assert Calibration.from_dict(calibration.to_dict()) == calibration


@pytest.mark.parametrize("right", [True, False])
def test_a_model_that_is_always_right_or_never_has_an_estimate(right: bool) -> None:
    calibration = Calibration.fit(np.full(50, 0.9), np.full(50, right))
    assert calibration.estimate(np.array([0.6, 1.0])).value == pytest.approx(51 / 52 if right else 1 / 52)
    with pytest.raises(ValueError, match="no rows"):
        calibration.estimate(np.array([]))


def test_more_slices_and_shorter_windows_leave_as_many_false_alarms_a_month() -> None:
    settings = served.config().monitor
    for length, tests in ((60, 1), (3600, 8), (86_400, 40)):
        level = settings.with_values(window_seconds=length).level(tests)
        assert level * tests * 30 * 86_400 / length == pytest.approx(settings.false_alarms_a_month)
