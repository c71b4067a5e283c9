"""`modules.card.probes`: rows that travel with a pushed model, for a server to compare its answers with."""

from __future__ import annotations

import json
from typing import Any

from modules.card import probes
from modules.quality import scoring
from modules.quality.predictions import Predictions
from modules.targets.one_label.target import OneLabel

import numpy as np

from tests.toys.stars import Stars  # a target whose answers are numbers

LABELS = ["bad", "schön", "so so"]


def found(texts: list[str], predicted: list[int]) -> Predictions:
    rows = len(texts)
    probabilities = np.full((rows, 3), 0.25, np.float32)
    probabilities[range(rows), predicted] = 0.5
    return Predictions(
        text_hash=[f"{(7 * row) % rows:04}" for row in range(rows)], text=texts, label=np.zeros(rows, np.int64),
        predicted=np.array(predicted, np.int64), more={"probabilities": probabilities}, slices={},
    )  # fmt: skip


def chosen(predictions: Predictions) -> list[dict[str, Any]]:
    judge = scoring.of(OneLabel(column="label", labels=LABELS))
    return [json.loads(line) for line in probes.choose(predictions, judge).split("\n")[:-1]]


def test_each_answer_has_its_turn_and_is_told_as_a_server_does() -> None:
    texts = [f"text {row}\u2028é" for row in range(100)]
    lines = chosen(found(texts, [0] * 97 + [1, 2, 2]))
    labels = [line["prediction"]["label"] for line in lines]
    assert labels == ["bad", "schön", "so so", "bad", "so so", "bad", "bad", "bad"]
    assert lines[1] == {
        "instance": "text 97\u2028é",
        "prediction": {"label": "schön", "score": 0.5, "scores": {"bad": 0.25, "schön": 0.5, "so so": 0.25}},
    }


def test_the_same_rows_are_chosen_in_any_order_and_neither_empty_nor_endless_ones() -> None:
    texts = ["", "x" * 1001, "a", "b"]
    first = found(texts, [0, 0, 0, 1])
    assert [line["instance"] for line in chosen(first)] == ["a", "b"]
    back = Predictions(
        text_hash=first.text_hash[::-1], text=texts[::-1], label=first.label[::-1], predicted=first.predicted[::-1],
        more={"probabilities": first.more["probabilities"][::-1]}, slices={},
    )  # fmt: skip
    assert chosen(back) == chosen(first)


def test_a_target_that_does_not_say_what_a_server_tells_has_no_probes() -> None:
    judge = scoring.of(Stars(column="stars"))
    assert probes.choose(found(["a", "b"], [0, 1]), judge) == ""
