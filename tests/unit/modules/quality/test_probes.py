"""`modules.quality.probes`: rows that travel with what is pushed, for a server to compare its answers with."""

from __future__ import annotations

import json
from typing import Any

from modules.device import probes as device_probes
from modules.quality import probes, scoring
from modules.quality.predictions import Predictions
from modules.rows.raw import RawSplit
from modules.targets.one_label.target import OneLabel

import numpy as np
import pytest

import edgeline_edge
from tests.toys.stars import Stars  # a target whose answers are numbers

LABELS = ["bad", "schön", "so so"]


def parsed(lines: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.split("\n")[:-1]]


def told(label: str) -> dict[str, Any]:
    return {"label": label, "score": 0.5}


def test_each_label_has_its_turn_and_a_line_stays_one() -> None:
    labels = [0] * 97 + [1, 2, 2]
    lines = probes.lines((f"text {row}\u2028é\n", told(LABELS[label])) for row, label in enumerate(labels))
    found = parsed(lines)
    assert [line["prediction"]["label"] for line in found][:8] == [*LABELS, "bad", "so so", "bad", "bad", "bad"]
    assert len(found) == probes.MOST
    assert found[1] == {"instance": "text 97\u2028é\n", "prediction": told("schön")}
    assert probes.lines([]) == ""


def test_the_same_rows_are_chosen_in_any_order_and_neither_empty_nor_endless_ones() -> None:
    texts, hashes = ["", "x" * 1001, "a", "b", "c"], ["0", "1", "7", "5", "9"]
    assert [texts[row] for row in probes.candidates(texts, hashes, 2)] == ["b", "a"]
    back = texts[::-1]
    assert [back[row] for row in probes.candidates(back, hashes[::-1], 2)] == ["b", "a"]


def test_a_target_of_labels_tells_its_answer_as_a_server_does_and_another_none() -> None:
    scores = np.array([[0.25, 0.5, 0.25]], np.float32)
    found = Predictions(
        text_hash=["h"], text=["a"], label=np.array([0]), predicted=np.array([1]), more={"probabilities": scores},
        slices={},
    )  # fmt: skip
    expected = {"label": "schön", "score": 0.5, "scores": {"bad": 0.25, "schön": 0.5, "so so": 0.25}}
    assert scoring.of(OneLabel(column="label", labels=LABELS)).told(found, 0) == expected
    assert scoring.of(Stars(column="stars")).told(found, 0) is None


def test_a_bundle_is_asked_through_the_code_of_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    class Asked:
        """Answers by the length of a text."""

        @classmethod
        def load(cls, path: str) -> Asked:
            assert path == "model.tflite"
            return cls()

        def predict(self, texts: list[str]) -> list[edgeline_edge.Prediction]:
            labels = [LABELS[len(text) % 2] for text in texts]
            return [edgeline_edge.Prediction(label, 0.75, dict.fromkeys(LABELS, 0.25)) for label in labels]

    monkeypatch.setattr(edgeline_edge, "Classifier", Asked)
    split = RawSplit(["aa", "b", "cc"], np.zeros(3, np.int64), {}, ["3", "2", "1"])
    found = parsed(device_probes.ask("model.tflite", split))
    assert [(line["instance"], line["prediction"]["label"]) for line in found] == [
        ("cc", "bad"),
        ("b", "schön"),
        ("aa", "bad"),
    ]
    more = RawSplit(split.texts, split.labels, {}, split.text_hashes, {"price": [1.0, 2.0, 3.0]})
    assert device_probes.ask("model.tflite", more) == ""
