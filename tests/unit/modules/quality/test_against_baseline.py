"""`modules.quality.against_baseline`: a model that loses to the linear one by more than noise is refused, and why."""

from __future__ import annotations

import json
from typing import Any

import modules  # noqa: F401
from modules.quality import scoring
from modules.quality.against_baseline import BETTER, NOISE, SERVED, WORSE, measure, told
from modules.quality.predictions import Predictions
from modules.quality.settings import BeatsBaseline, BeatsServed
from modules.targets.one_label.target import OneLabel

import numpy as np
import pytest

from tests.toys.stars import Stars

ROWS = 400
JUDGE = scoring.of(OneLabel(labels=["a", "b", "c"]))
LABELS = np.random.default_rng(1).integers(0, 3, ROWS)


def answers(wrong: int, *, start: int = 0, order: Any = slice(None)) -> Predictions:
    """Answers of which so many are wrong, from a row on."""
    predicted = LABELS.copy()
    predicted[start : start + wrong] = (predicted[start : start + wrong] + 1) % 3
    hashes, texts = np.array([f"h{row}" for row in range(ROWS)]), np.array([f"text {row}" for row in range(ROWS)])
    probabilities = np.eye(3, dtype=np.float32)[predicted]
    more = {"probabilities": probabilities[order]}
    return Predictions(list(hashes[order]), list(texts[order]), LABELS[order], predicted[order], more, {})


def compared(model: Predictions, baseline: Predictions, **values: Any) -> dict[str, Any]:
    return measure(model, baseline, JUDGE, BeatsBaseline(**values), name="TF-IDF of words")


def test_a_model_that_loses_by_more_than_noise_is_refused_with_both_numbers() -> None:
    found = compared(answers(100), answers(20))
    assert found["verdict"] == WORSE
    [missed] = found["missed"]
    assert missed["metric"] == "macro_f1 against the linear baseline"
    assert missed["value"] == pytest.approx(found["model"] - found["baseline"])
    assert f"macro_f1 {found['model']:.4f}, the linear baseline {found['baseline']:.4f} on the same 400 rows" in told(
        found
    )
    assert "must not be worse by more than noise (evaluator.beats_baseline)" in missed["message"]
    assert json.loads(json.dumps(found)) == found


def test_a_model_that_wins_is_let_through() -> None:
    found = compared(answers(20), answers(100))
    assert (found["verdict"], found["missed"]) == (BETTER, [])
    assert found["difference"]["low"] > 0


@pytest.mark.parametrize(("decided_by", "refused"), [("upper_end", False), ("value", True), ("lower_end", True)])
def test_below_the_baseline_within_noise_the_setting_decides(decided_by: str, refused: bool) -> None:
    found = compared(answers(42), answers(40, start=200), decided_by=decided_by)
    assert found["difference"]["value"] < 0 < found["difference"]["high"]
    assert found["verdict"] == NOISE
    assert bool(found["missed"]) == refused


@pytest.mark.parametrize(("decided_by", "refused"), [("upper_end", False), ("value", False), ("lower_end", True)])
def test_above_the_baseline_within_noise_only_a_proof_refuses(decided_by: str, refused: bool) -> None:
    found = compared(answers(40), answers(42, start=200), decided_by=decided_by)
    assert bool(found["missed"]) == refused


def test_the_same_answers_are_no_loss_and_no_gain() -> None:
    same = compared(answers(40), answers(40), decided_by="value")
    assert (same["difference"], same["verdict"]) == ({"value": 0.0, "low": 0.0, "high": 0.0}, NOISE)
    assert not same["missed"]
    assert compared(answers(40), answers(40), decided_by="lower_end")["missed"], "the same is not better"
    assert compared(answers(40), answers(40), margin=0.01)["missed"], "as good as the baseline is not better by a point"


def test_a_margin_is_added_to_what_is_asked_for() -> None:
    won = answers(20), answers(60, start=100)
    gain = compared(*won)["difference"]
    assert not compared(*won, margin=gain["value"], decided_by="value")["missed"]
    [missed] = compared(*won, margin=gain["high"] + 0.01)["missed"]
    assert f"more than noise than the linear baseline plus {gain['high'] + 0.01:g}" in missed["message"]
    assert not compared(answers(100), answers(20), margin=-0.5)["missed"]


def test_what_is_served_stays_unless_it_is_beaten_by_more_than_noise() -> None:
    def against(model: Predictions) -> dict[str, Any]:
        return measure(model, answers(60), JUDGE, BeatsServed(), name="7", other=SERVED)

    won, noise = against(answers(20)), against(answers(57))
    assert (won["verdict"], won["missed"]) == (BETTER, [])
    assert "the latest blessed model 0.8" in told(won)
    [missed] = noise["missed"]
    assert missed["metric"] == "macro_f1 against the latest blessed model"
    assert missed["message"].endswith("a model must be better by more than noise (evaluator.beats_served)")


def test_accuracy_can_decide() -> None:
    found = compared(answers(100), answers(20), metric="accuracy")
    assert found["difference"]["value"] == pytest.approx(-80 / ROWS)


def test_of_an_error_less_is_better_and_the_generic_bootstrap_serves() -> None:
    truth = np.linspace(0, 10, 50)

    def numbers(error: float) -> Predictions:
        noisy = truth + error * np.random.default_rng(1).normal(size=50)
        return Predictions([""] * 50, [str(row) for row in range(50)], truth, noisy, {}, {})

    judge = scoring.of(Stars(kind="stars", column="stars"))
    metric = judge.target.objective
    assert judge.target.less_is_better(metric)
    close, far = (numbers(error) for error in (0.1, 2.0))
    found = measure(close, far, judge, BeatsBaseline(resamples=100), name="ridge regression")
    assert (found["metric"], found["verdict"], found["missed"]) == (metric, BETTER, [])
    assert found["difference"]["value"] == pytest.approx(found["baseline"] - found["model"])
    assert measure(far, close, judge, BeatsBaseline(resamples=100), name="ridge regression")["missed"]


def test_pairing_makes_a_loss_certain_that_is_not_so_for_strangers() -> None:
    """The same six rows more are wrong: certain where all others agree, noise where they do not."""
    assert compared(answers(46), answers(40), metric="accuracy")["verdict"] == WORSE
    assert compared(answers(46), answers(40, start=200), metric="accuracy")["verdict"] == NOISE


def test_rows_in_another_order_are_found_by_their_hash_and_missing_ones_are_an_error() -> None:
    shuffled = np.random.default_rng(2).permutation(ROWS)
    straight = compared(answers(100), answers(20))
    assert compared(answers(100), answers(20, order=shuffled))["difference"]["value"] == straight["difference"]["value"]
    with pytest.raises(ValueError, match="answered 300 of the 400 rows"):
        compared(answers(100), answers(20, order=slice(300)))


def test_the_same_seed_gives_the_same_interval() -> None:
    once, again, other = (compared(answers(50), answers(40, start=30), seed=seed) for seed in (1, 1, 2))
    assert once == again
    assert once["difference"] != other["difference"]
