"""`:explain`: what the answer loses without each part of a row, as the model itself says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from edgeline_edge import Classifier
from edgeline_serving import explanations
from edgeline_serving.backends.base import Column
from edgeline_serving.errors import RequestError
from edgeline_serving.settings import Limits, Source
from tests.conftest import Running, push, serving
from tests.test_table import BUNDLE, RECORDS

EXPLAIN = "/v1/models/sentiment:explain"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("push")
    push(folder / "one", "100")
    push(folder / "table", "100", **BUNDLE)
    sources = (Source("edge", folder / "one"), Source("edge", folder / "table"))
    with serving(*sources, limits=Limits(parts=6)) as server:
        server.folder = folder  # type: ignore[attr-defined]
        yield server


def score(server: Running, folder: str, row: Any, label: str) -> float:
    classifier = Classifier.load(server.folder / folder / "100" / "model.tflite")  # type: ignore[attr-defined]
    return classifier.predict([row])[0].scores[label]


def test_a_weight_is_what_the_score_loses_without_the_word(running: Running) -> None:
    text = "a good, warm film"
    status, answer, _ = running.call("POST", EXPLAIN, {"instances": [text]})
    assert status == 200
    [found] = answer["explanations"]
    assert answer["model_version"] == "100"
    assert found["score"] == score(running, "one", text, found["label"])
    assert [part["text"] for part in found["parts"]] == ["a", "good", ",", "warm", "film"]
    for part in found["parts"]:
        assert text[part["start"] : part["end"]] == part["text"]
        rest = text[: part["start"]] + text[part["end"] :]
        assert part["weight"] == pytest.approx(found["score"] - score(running, "one", rest, found["label"]), abs=1e-7)
    assert len({part["weight"] for part in found["parts"]}) > 1


def test_another_label_can_be_asked_about_and_its_weights_are_its_own(running: Running) -> None:
    answers = [
        running.call("POST", EXPLAIN, {"instances": ["good film"], "label": label})[1]["explanations"][0]
        for label in ("negative", "neutral", "positive")
    ]
    assert sum(answer["score"] for answer in answers) == pytest.approx(1, abs=1e-5)
    lost = [sum(answer["parts"][part]["weight"] for answer in answers) for part in range(2)]
    assert lost == pytest.approx([0, 0], abs=1e-5), "what one label loses the others win"
    status, told, _ = running.call("POST", EXPLAIN, {"instances": ["good film"], "label": "secret"})
    assert (status, told) == (400, {"error": "label must be one of negative, neutral, positive"})


def test_columns_are_left_out_whole_and_a_long_text_by_runs_of_words(running: Running) -> None:
    answer = running.call("POST", "/v1/models/offers:explain", {"instances": [RECORDS[0], RECORDS[2]]})[1]
    first, second = answer["explanations"]
    assert [(part["column"], part.get("text")) for part in first["parts"]] == [
        ("text", "a"), ("text", "good"), ("text", "film"), ("price", None), ("store", None)
    ]  # fmt: skip
    lacking = {name: value for name, value in RECORDS[0].items() if name != "price"}
    wanted = first["score"] - score(running, "table", lacking, first["label"])
    assert first["parts"][3]["weight"] == pytest.approx(wanted, abs=1e-7)
    assert [part["column"] for part in second["parts"]] == ["text"], "what a row lacks cannot be left out"
    text = "one two three four five six seven eight nine ten eleven twelve thirteen"
    [long] = running.call("POST", EXPLAIN, {"instances": [text]})[1]["explanations"]
    assert len(long["parts"]) == 6
    assert " ".join(part["text"] for part in long["parts"]) == text


def test_one_word_and_no_word_and_what_cannot_be_explained(running: Running) -> None:
    answer = running.call("POST", EXPLAIN, {"instances": ["film", " ", "", 7]})[1]["explanations"]
    assert [len(one.get("parts", ())) for one in answer] == [1, 0, 0, 0]
    without = score(running, "one", " ", answer[0]["label"])
    assert answer[0]["parts"][0]["weight"] == pytest.approx(answer[0]["score"] - without, abs=1e-7)
    assert "empty" in answer[2]["error"]
    assert answer[3] == {"error": "instances[3] must be a string, is int"}
    for body, code in (({"instances": [7]}, 400), ({"instances": ["a"] * 300}, 413), ({"rows": []}, 400)):
        assert running.call("POST", EXPLAIN, body)[0] == code
    metrics = running.call("GET", "/metrics")[1]
    assert 'edgeline_serving_explained_rows_total{model="sentiment",version="100"}' in metrics


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("这部电影很好", ["这", "部", "电", "影", "很", "好"]),
        ("don't go!", ["don't", "go", "!"]),
        ("naïve – schön", ["naïve", "–", "schön"]),
        ("ok这", ["ok", "这"]),
        ("\ud800 a", ["\ud800", "a"]),
        ("", []),
    ],
)
def test_words_are_what_a_script_makes_them(text: str, words: list[str]) -> None:
    parts = explanations.parts_of({"text": text}, [Column("text")], 64)
    assert [text[part.start : part.end] for part in parts] == words


def test_a_number_is_explained_as_well_and_several_are_not() -> None:
    parts = [explanations.Part("price")]
    told = explanations.explanation({"price": 2.0}, {"prediction": 5.0}, None, parts, [{"prediction": 3.0}])
    assert told == {"output": "prediction", "score": 5.0, "parts": [{"column": "price", "weight": 2.0}]}
    with pytest.raises(RequestError, match="one label or one number"):
        explanations.score_of({"a": 1.0, "b": 2.0})
    spoilt = explanations.explanation({"price": 2.0}, {"prediction": 5.0}, None, parts, [{"error": "no"}])
    assert spoilt["parts"][0]["weight"] is None


def test_of_several_labels_one_is_named_and_a_number_is_explained_without_its_interval() -> None:
    parts, row = [explanations.Part("text", 0, 4)], {"text": "late goods"}
    answer = {"labels": ["late", "broken"], "scores": {"late": 0.75, "broken": 0.5}}
    other = {"labels": [], "scores": {"late": 0.25, "broken": 0.5}}
    with pytest.raises(RequestError, match="several labels; name the one to explain in `label`") as caught:
        explanations.explanation(row, answer, None, parts, [other])
    assert caught.value.code == 400
    told = explanations.explanation(row, answer, "late", parts, [other])
    assert (told["label"], told["score"], told["parts"][0]["weight"]) == ("late", 0.75, 0.5)
    number = {"number": 5.0, "low": 4.0, "high": 6.0}
    told = explanations.explanation(row, number, None, parts, [{"number": 3.0, "low": 2.0, "high": 4.0}])
    assert (told["output"], told["score"], told["parts"][0]["weight"]) == ("number", 5.0, 2.0)
