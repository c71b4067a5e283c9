"""Bundles that read a number and a category beside the text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgeline_edge import Classifier
from edgeline_serving.errors import VersionError
from edgeline_serving.settings import Settings, Source
from edgeline_serving.versions.follower import Follower
from edgeline_serving.versions.push_folder import PushFolder
from tests.conftest import Running, push, serving

INPUTS = (
    {"name": "text", "kind": "text", "column": "text", "tensors": ["token_ids", "padding_mask"]},
    {
        "name": "price",
        "kind": "number",
        "column": "price",
        "tensors": ["price"],
        "mean": 2.5,
        "factor": 2.0,
        "limit": 10.0,
    },
    {"name": "shop", "kind": "category", "column": "store", "tensors": ["shop"], "values": ["web", "köln", "x"]},
)
RECORDS: list[dict[str, Any]] = [
    {"text": "a good film", "price": 3.5, "store": "web"},
    {"text": "a good film", "price": None, "store": "nowhere"},
    {"text": "bad"},
]
BUNDLE: dict[str, Any] = {"model": "table.tflite", "inputs": INPUTS, "records": RECORDS, "task": "offers"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("push")
    push(folder, "100", **BUNDLE)
    with serving(Source("edge", folder)) as server:
        server.folder = folder  # type: ignore[attr-defined]
        yield server


def wanted(server: Running) -> list[dict[str, float]]:
    classifier = Classifier.load(server.folder / "100" / "model.tflite")  # type: ignore[attr-defined]
    return [answer.scores for answer in classifier.predict(RECORDS)]


def test_a_record_is_answered_and_what_it_lacks_is_missing(running: Running) -> None:
    status, answer = running.predict(*RECORDS, {**RECORDS[0], "source": "tweet"}, name="offers")
    assert status == 200
    scores = [one["scores"] for one in answer["predictions"]]
    assert scores == [*wanted(running), wanted(running)[0]]
    assert scores[0] != scores[1]


def test_v2_takes_a_tensor_for_each_column_and_none_for_what_all_rows_lack(running: Running) -> None:
    metadata = running.call("GET", "/v2/models/offers")[1]
    assert [(one["name"], one["datatype"]) for one in metadata["inputs"]] == [
        ("text", "BYTES"), ("price", "FP32"), ("store", "BYTES")
    ]  # fmt: skip
    text = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["bad"]}
    answer = running.call("POST", "/v2/models/offers/infer", {"inputs": [text]})[1]
    assert answer["outputs"][1]["data"] == pytest.approx(list(wanted(running)[2].values()), abs=1e-6)
    price = {"name": "price", "shape": [2], "datatype": "FP32", "data": [1.0, 2.0]}
    said = running.call("POST", "/v2/models/offers/infer", {"inputs": [text, price]})[1]
    assert said == {"error": "the inputs have different numbers of rows: 1, 2"}


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ("a text alone", "instances[0] must be an object with text, price, store"),
        ({"price": 1.0}, "instances[0] lacks 'text'"),
        ({"text": "a", "price": "1"}, "instances[0].price must be a number, is str"),
        ({"text": "a", "store": 1}, "instances[0].store must be a string, is int"),
    ],
)
def test_a_wrong_record_is_told_where(running: Running, record: Any, said: str) -> None:
    assert running.predict(record, name="offers") == (400, {"error": said})


def test_the_probes_of_the_manifest_are_asked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    source = Source("edge", tmp_path)
    push(tmp_path, "100", **BUNDLE)
    follower = Follower(PushFolder(source), Settings(sources=(source,)))
    follower.start()
    assert "3 probes answered" in caplog.text
    live = follower.deployment.live
    assert live
    live.backend.probes = tuple(
        (row, {"scores": {**told["scores"], "neutral": 0.9}}) for row, told in live.backend.probes
    )
    other = Follower(PushFolder(source), Settings(sources=(source,)))
    other.folder.load = lambda *_: live.backend  # type: ignore[method-assign]
    with pytest.raises(VersionError, match="none of its versions can be served"):
        other.start()
    assert "probe 1 of 3: scores.neutral is" in caplog.text


def test_a_version_that_reads_other_columns_waits_for_a_new_start(
    pushed: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = Source("edge", pushed)
    follower = Follower(PushFolder(source), Settings(sources=(source,)))
    follower.start()
    push(pushed, "101", **BUNDLE)
    follower.tick()
    assert follower.deployment.live
    assert follower.deployment.live.number == "100"
    assert "it reads other columns than version 100" in caplog.text
