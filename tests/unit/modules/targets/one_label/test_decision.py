"""Where two labels are told apart by a threshold: chosen on eval, and the same on a server and on a device."""

from __future__ import annotations

from typing import Any

import modules  # noqa: F401
from modules.targets.one_label import decision
from modules.targets.one_label.target import DECISION, OneLabel

import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError
from sklearn.metrics import balanced_accuracy_score, f1_score, precision_score, recall_score

RARE = OneLabel(labels=["spam", "ham"], positive="spam", decision={"threshold": "auto"})


def rows(seed: int, count: int = 400, share: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Label ids and probabilities: the rare label has more of it, and seldom half."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(count) >= share).astype(np.int64)
    spam = np.clip(rng.normal(0.18 + 0.14 * (truth == 0), 0.06), 0.001, 0.999).round(3).astype(np.float32)
    return truth, np.stack([spam, 1 - spam], axis=1)


def brute(truth: np.ndarray, spam: np.ndarray, objective: str, least: float = 0.9) -> float:
    """The objective with the best of all thresholds, by scikit-learn."""

    def value(threshold: np.float32) -> float:
        answered = np.where(spam >= threshold, 0, 1)
        if objective == "macro_f1":
            return float(f1_score(truth, answered, average="macro", zero_division=0.0))
        if objective == "balanced_accuracy":
            return float(balanced_accuracy_score(truth, answered))
        precise = precision_score(truth, answered, pos_label=0, zero_division=0.0) >= least
        return float(recall_score(truth, answered, pos_label=0)) if precise else -1.0

    return max(value(threshold) for threshold in np.unique(spam))


@pytest.mark.parametrize("objective", ["macro_f1", "balanced_accuracy", "recall_at_precision"])
@pytest.mark.parametrize("seed", range(2))
def test_auto_is_the_best_threshold_on_eval(objective: str, seed: int) -> None:
    truth, probabilities = rows(seed)
    target = RARE.with_values(decision={"threshold": "auto", "objective": objective})
    chosen = target.settled(truth, probabilities)
    assert target.is_open
    assert not chosen.is_open
    answered = chosen.decided(probabilities)
    threshold = np.float32(chosen.threshold)
    values = {
        "macro_f1": f1_score(truth, answered, average="macro"),
        "balanced_accuracy": balanced_accuracy_score(truth, answered),
        "recall_at_precision": recall_score(truth, answered, pos_label=0),
    }
    assert values[objective] == pytest.approx(brute(truth, probabilities[:, 0], objective))
    assert threshold not in probabilities[:, 0], "rounding elsewhere must move no row of eval to the other side"
    assert f1_score(truth, probabilities.argmax(axis=1), average="macro") < 0.6, "the arg max hardly finds any"


def test_a_precision_that_is_out_of_reach_gets_the_nearest_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(decision, "tell", told.append)
    truth, spam = np.array([1, 0, 1, 1, 0, 1]), np.array([0.9, 0.8, 0.7, 0.3, 0.25, 0.1], np.float32)
    target = RARE.with_values(decision={"threshold": "auto", "objective": "recall_at_precision"})
    chosen = target.settled(truth, np.stack([spam, 1 - spam], axis=1))
    assert (spam >= np.float32(chosen.threshold)).sum() == 2, "one of two is as precise as it gets"
    assert told == ["no threshold has a precision of 0.9 for spam on eval: took the nearest one"]


def test_eval_without_a_row_of_a_label_is_told_with_what_to_do() -> None:
    truth, probabilities = rows(1)
    with pytest.raises(ValueError, match=r"eval has no row of 'spam'.*data\.splits.*target\.decision\.threshold"):
        RARE.settled(np.ones_like(truth), probabilities)


def test_candidates_are_all_ways_to_tell_the_rows_apart() -> None:
    scores = np.array([0.5, 0.0, 0.25, 0.5, np.nextafter(np.float32(0.25), np.float32(1))], np.float32)
    positive = np.array([True, True, False, False, True])
    thresholds, counts = decision.candidates(positive, scores)
    assert counts["answered"].tolist() == [2, 3, 4], "equal scores go together, and nothing lies below a score of 0"
    assert counts["right"].tolist() == [1, 2, 2]
    assert [(scores >= threshold).sum() for threshold in thresholds] == [2, 3, 4], "also between neighbours of float32"


@pytest.mark.parametrize("threshold", [0.3, 0.7, 1 / 3])
def test_training_judge_and_server_decide_alike_to_the_last_bit(threshold: float) -> None:
    target = RARE.with_values(decision={"threshold": threshold})
    at = np.float32(threshold)
    spam = np.array([np.nextafter(at, np.float32(0)), at, np.nextafter(at, np.float32(1))], np.float32)
    probabilities = np.stack([spam, 1 - spam], axis=1)
    served = {name: value.numpy() for name, value in target.answers()(tf.constant(probabilities)).items()}
    assert [name.decode() for name in served["label"]] == ["ham", "spam", "spam"]
    assert served[DECISION].tolist() == [[0, 1], [1, 0], [1, 0]]
    assert target.decided(probabilities).tolist() == [1, 0, 0]
    judged = target.part("scoring")(target).answered(served)
    assert judged["predicted"].tolist() == [1, 0, 0]
    assert target.device_decision == {"label": "spam", "threshold": float(at)}


def test_nothing_is_answered_before_the_threshold_is_chosen() -> None:
    with pytest.raises(ValueError, match="was not chosen on eval yet"):
        RARE.answers()
    assert OneLabel(labels=["a", "b"]).device_decision is None
    assert OneLabel(labels=["a", "b", "c"]).decided(np.eye(3)[[2, 0]]).tolist() == [2, 0]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"labels": ["a", "b", "c"], "decision": {"threshold": 0.3}}, "is for two labels, and there are 3; leave"),
        ({"labels": ["a", "b", "c"], "positive": "a"}, "that is for two labels, and there are 3"),
        ({"labels": ["a", "b"], "decision": {"threshold": 0.3}}, "set `positive` to 'a' or 'b'"),
        ({"labels": ["a", "b"], "positive": "c"}, "which is none of the labels: a, b"),
        ({"labels": ["a", "b"], "positive": "a", "decision": {"threshold": "aut"}}, "at most 1, or `auto`"),
        ({"labels": ["a", "b"], "positive": "a", "decision": {"threshold": 1.5}}, "a number above 0"),
    ],
)  # fmt: skip
def test_what_no_threshold_can_be_is_refused_before_anything_runs(section: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as told:
        OneLabel.model_validate(section)
    assert message in str(told.value)
