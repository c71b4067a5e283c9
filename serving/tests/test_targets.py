"""Bundles that answer with several labels or with a number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from edgeline_serving.settings import Source
from edgeline_serving.versions.probes import difference
from edgeline_serving.wire.model import _agree
from tests.conftest import TEXTS, Running, expected, push, serving

TEXT = {"name": "text", "kind": "text", "column": "review", "tensors": ["token_ids", "padding_mask"]}
STARS: dict[str, Any] = {
    "model": "number.tflite", "labels": (), "inputs": (TEXT,), "records": [{"review": "meh"}], "task": "stars",
    "target": {"kind": "number", "min": 1, "max": 5, "deviation": 1.25}, "decision": {"half_width": 0.75},
}  # fmt: skip
TAGS: dict[str, Any] = {
    "inputs": (TEXT,), "records": [{"review": "meh"}], "task": "tags", "target": {"kind": "many_labels"},
    "decision": {"thresholds": {"negative": 0.2, "neutral": 0.3, "positive": 0.4}},
}  # fmt: skip


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server of both."""
    folder = tmp_path_factory.mktemp("push")
    sources = []
    for name, bundle in (("stars", STARS), ("tags", TAGS)):
        push(folder / name, "100", **bundle)
        path = folder / name / "100"
        path.joinpath("probes.jsonl").write_text("", encoding="utf-8")
        sources.append(Source("edge", folder / name, name=name))
    with serving(*sources) as server:
        server.folder = folder  # type: ignore[attr-defined]
        yield server


@pytest.mark.parametrize("name", ["stars", "tags"])
def test_an_answer_has_the_form_that_a_device_gives(running: Running, name: str) -> None:
    wanted = expected(running.folder / name / "100", TEXTS)  # type: ignore[attr-defined]
    status, answer = running.predict(*TEXTS, {"review": TEXTS[0]}, name=name)
    assert (status, answer["predictions"]) == (200, [*wanted, wanted[0]])
    assert len({str(one) for one in wanted}) > 1


def test_both_forms_are_tensors_of_the_open_protocol(running: Running) -> None:
    text = {"name": "review", "shape": [len(TEXTS)], "datatype": "BYTES", "data": TEXTS}
    found = {}
    for name in ("stars", "tags"):
        outputs = running.call("POST", f"/v2/models/{name}/infer", {"inputs": [text]})[1]["outputs"]
        found[name] = {output["name"]: (output["shape"], output["data"]) for output in outputs}
    wanted = expected(running.folder / "stars" / "100", TEXTS)  # type: ignore[attr-defined]
    for name in ("number", "low", "high"):
        assert found["stars"][name] == ([4], pytest.approx([answer[name] for answer in wanted]))
    wanted = expected(running.folder / "tags" / "100", TEXTS)  # type: ignore[attr-defined]
    decided = [float(label in answer["labels"]) for answer in wanted for label in answer["scores"]]
    assert found["tags"]["decision"] == ([4, 3], decided)


def test_labels_are_counted_one_by_one(running: Running) -> None:
    running.predict(*TEXTS, name="tags")
    told = running.call("GET", "/metrics")[1]
    assert 'edgeline_serving_predictions_total{label="negative",model="tags",version="100"}' in told
    assert 'model="stars",version="100"} ' in told


def test_versions_agree_by_their_labels_and_a_number_within_its_size() -> None:
    one = {"labels": ["a"], "scores": {"a": 0.9, "b": 0.2}}
    assert _agree(one, {"labels": ["a"], "scores": {"a": 0.6, "b": 0.4}}, 0.02)
    assert not _agree(one, {"labels": ["a", "b"], "scores": {"a": 0.9, "b": 0.2}}, 0.02)
    assert difference(one, {"labels": [], "scores": {"a": 0.9, "b": 0.2}}, 0.02) == "labels is another one"
    assert difference(one, {"labels": [], "scores": {"a": 0.89, "b": 0.2}}, 0.02) == "", "it was a close decision"
    assert difference({"number": 2000.0}, {"number": 2030.0}, 0.02) == ""
    assert "number is 2050.0000" in difference({"number": 2000.0}, {"number": 2050.0}, 0.02)
