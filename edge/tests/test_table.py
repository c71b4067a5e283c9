"""Bundles of format version 2: a number and a category beside the text, from records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeline_edge import (
    BundleError,
    Classifier,
    archive,
    consistency,
    normalization,
    read_bundle,
    update_manifest,
    write_bundle,
)
from edgeline_edge import cli as command
from edgeline_edge.inputs.category import Category
from edgeline_edge.inputs.number import Number
from edgeline_edge.manifest import Manifest
from edgeline_edge.server import Server

DATA = Path(__file__).parent / "data"
LABELS = ("negative", "neutral", "positive")
MANIFEST: dict[str, Any] = {"task": "offers", "recipe": "float32", "run_id": "r1", "licence": "Apache-2.0"}
TEXT = {"name": "text", "kind": "text", "column": "text", "tensors": ["token_ids", "padding_mask"]}
PRICE = {
    "name": "price", "kind": "number", "column": "price", "tensors": ["price"],
    "mean": 2.5, "factor": 2.0, "limit": 10.0,
}  # fmt: skip
SHOP = {"name": "shop", "kind": "category", "column": "store", "tensors": ["shop"], "values": ["web", "köln", "x"]}
RECORDS: list[dict[str, Any]] = [
    {"text": "a good film", "price": 3.5, "store": "web"},
    {"text": "a good film", "price": None, "store": "nowhere"},
    {"text": "bad"},
]


def written(path: Path, vocabulary: list[str], inputs: Any = (TEXT, PRICE, SHOP), **more: Any) -> Path:
    model = (DATA / "table.tflite").read_bytes()
    write_bundle(model, path, vocabulary=vocabulary, labels=LABELS, manifest=MANIFEST, inputs=inputs, **more)
    return path


@pytest.fixture(scope="module")
def table_path(tmp_path_factory: pytest.TempPathFactory, vocabulary: list[str]) -> Path:
    return written(tmp_path_factory.mktemp("table") / "model.tflite", vocabulary, probes=RECORDS)


@pytest.fixture(scope="module")
def table(table_path: Path) -> Classifier:
    return Classifier.load(table_path)


def by_hand(vocabulary: list[str], text: str, price: list[float], shop: int) -> np.ndarray:
    """What the model itself gives to the tensors of a record."""
    from ai_edge_litert.interpreter import Interpreter

    from edgeline_edge.tokenizer import Tokenizer

    runner = Interpreter(model_path=str(DATA / "table.tflite")).get_signature_runner("serving_default")
    ids, mask = Tokenizer(vocabulary, 32).encode([text])
    feed = {"token_ids": ids, "padding_mask": mask, "price": np.array([price], np.float32)}
    answer: np.ndarray = runner(**feed, shop=np.array([shop], np.int32))["probabilities"][0]
    return answer


def test_every_field_of_a_record_reaches_the_model(table: Classifier, vocabulary: list[str]) -> None:
    expected = [
        by_hand(vocabulary, "a good film", [2.0, 0.0], 2),
        by_hand(vocabulary, "a good film", [0.0, 1.0], 1),
        by_hand(vocabulary, "bad", [0.0, 1.0], 0),
    ]
    got = [list(answer.scores.values()) for answer in table.predict(RECORDS)]
    np.testing.assert_allclose(got, expected, atol=1e-6)
    assert table.columns == ("text", "price", "store")
    [shop] = [answer.scores for answer in table.predict([{"text": "bad", "store": "köln"}])]
    assert shop != table.predict([{"text": "bad", "store": "x"}])[0].scores


def test_the_section_of_the_text_says_what_is_read_of_a_long_one(
    table: Classifier, vocabulary: list[str], tmp_path: Path
) -> None:
    said = {"long_text": "windows", "max_windows": 2}
    path = written(tmp_path / "model.tflite", vocabulary, ({**TEXT, **said}, PRICE, SHOP))
    update_manifest(path, path, metrics={"accuracy": 1.0})
    own = Classifier.load(path)
    assert (own.manifest.long_text, own.manifest.max_windows) == ("windows", 2)
    assert said.items() <= own.manifest.to_dict()["inputs"][0].items()
    assert not said.keys() & own.manifest.to_dict().keys()
    record = {"text": "good film " * 40 + "bad " * 40, "price": 3.5}
    expected = table.predict([record], long_text="windows", max_windows=2)
    assert own.predict([record]) == expected != table.predict([record])
    with pytest.raises(BundleError, match="max_windows goes with long_text: windows"):
        written(tmp_path / "other.tflite", vocabulary, ({**TEXT, "max_windows": 2}, PRICE, SHOP))


def test_a_record_may_lack_an_optional_text_and_no_other(
    table: Classifier, vocabulary: list[str], tmp_path: Path
) -> None:
    own = Classifier.load(written(tmp_path / "model.tflite", vocabulary, ({**TEXT, "optional": True}, PRICE, SHOP)))
    for lacks in ({"price": 3.5}, {"text": None, "price": 3.5}, {"text": "", "price": 3.5}):
        [answer] = own.predict([lacks])
        expected = by_hand(vocabulary, "", [2.0, 0.0], 0)
        np.testing.assert_allclose(list(answer.scores.values()), expected, atol=1e-6)
        with pytest.raises((TypeError, ValueError), match=r"texts\[0\]"):
            table.predict([lacks])
    assert own.predict(RECORDS) == table.predict(RECORDS)


def test_a_long_text_has_the_same_table_in_each_window(table: Classifier, vocabulary: list[str]) -> None:
    text = "good " * 100
    [answer] = table.predict([{"text": text, "price": 3.5, "store": "web"}], long_text="windows")
    windows = table.tokenizer.cut(text, "windows")
    expected = [by_hand(vocabulary, "good " * len(window), [2.0, 0.0], 2) for window in windows]
    np.testing.assert_allclose(list(answer.scores.values()), np.mean(expected, axis=0), atol=1e-6)


@pytest.mark.parametrize(
    ("row", "error", "says"),
    [
        ("a good film", TypeError, r"texts\[0\] must be a record with the fields text, price, store, is str"),
        ({"price": 3.5}, ValueError, r"texts\[0\] has no field 'text'"),
        ({"text": "a", "prize": 3.5}, ValueError, r"has the field 'prize'; the model reads text, price, store"),
        ({"text": "a", "price": "3.5"}, TypeError, r"texts\[0\]: price must be a number or None, is str"),
        ({"text": "a", "price": True}, TypeError, "price must be a number or None, is bool"),
        ({"text": "a", "store": 3}, TypeError, "store must be a string or None, is int"),
        ({"text": ""}, ValueError, r"texts\[0\] is empty"),
        ({"text": 7}, TypeError, r"texts\[0\] must be a string, is int"),
    ],
)
def test_what_is_wrong_with_a_record_is_told_by_field(
    table: Classifier, row: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        table.predict([row])


def test_a_number_is_scaled_in_float32_and_what_is_none_is_flagged() -> None:
    number = Number({**PRICE, "mean": 0.1, "factor": 3.3})
    for value in (0.7, -3, 16777217, np.float32(1.5), np.int64(4)):
        expected = (np.float32(value) - np.float32(0.1)) * np.float32(3.3)
        assert number.encode(value)["price"].tolist() == [[float(np.clip(expected, -10, 10)), 0.0]]
    assert number.encode(10**400)["price"].tolist() == [[10.0, 0.0]]
    assert number.encode(float("-inf"))["price"].tolist() == [[-10.0, 0.0]]
    for nothing in (None, float("nan")):
        assert number.encode(nothing)["price"].tolist() == [[0.0, 1.0]]


def test_a_category_has_a_number_for_none_and_one_for_what_is_unknown() -> None:
    category = Category(SHOP)
    values = [category.encode(value)["shop"].tolist() for value in (None, "", "WEB", "web", "köln", "x")]
    assert values == [[0], [0], [1], [2], [3], [4]]


def test_the_manifest_lists_inputs_target_runtime_and_probes(table_path: Path) -> None:
    said = json.loads(archive.split(table_path.read_bytes())[1]["manifest.json"])
    assert said["format_version"] == archive.version_of(table_path.read_bytes()) == 2
    assert [(item["name"], item["kind"]) for item in said["inputs"]] == [
        ("text", "text"), ("price", "number"), ("shop", "category"),
    ]  # fmt: skip
    assert said["inputs"][0]["sequence_length"] == 32
    assert said["signature"]["inputs"]["shop"] == {"dtype": "int32", "shape": [1]}
    assert said["target"]["labels"] == list(LABELS)
    assert not {"labels", "sequence_length", "normalization"} & set(said)
    assert said["runtime"]["operators"]["GATHER"] >= 1
    assert [probe["record"] for probe in said["probes"]] == RECORDS
    scores = [list(answer.scores.values()) for answer in Classifier.load(table_path).predict(RECORDS)]
    np.testing.assert_allclose([probe["scores"] for probe in said["probes"]], scores, atol=1e-6)


def test_an_update_answers_the_probes_anew(tmp_path: Path, table_path: Path) -> None:
    before = read_bundle(table_path).manifest
    after = update_manifest(table_path, tmp_path / "b", calibration={"temperature": 5.0})
    assert (after.inputs, after.target, after.labels) == (before.inputs, before.target, before.labels)
    [one], [other] = ([probe["scores"] for probe in made.probes or ()][:1] for made in (before, after))
    assert max(other) < max(one), "a higher temperature makes scores more alike"


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ([TEXT, PRICE], "must take"),
        ([TEXT, PRICE, {**SHOP, "values": ["a", "b", "c", "d", "e", "f"]}], "more values than the model has embedd"),
        ([TEXT, {**PRICE, "factor": 0.0}, SHOP], "scaled by"),
        ([TEXT, {name: PRICE[name] for name in PRICE if name != "mean"}, SHOP], "says nothing of its mean"),
        ([TEXT, PRICE, {**SHOP, "column": "price"}], "two inputs have one column"),
        ([TEXT, PRICE, {**SHOP, "kind": "smell"}], "of kind 'smell', this edgeline-edge knows text, number, category"),
        ([TEXT, {**TEXT, "name": "b", "column": "b"}, PRICE], "2 inputs of kind text"),
        ([PRICE, SHOP], "holds 352 tokens, but no input is a text"),
        ([TEXT, {**PRICE, "tensors": ["shop"]}, {**SHOP, "tensors": ["price"]}], "must be float32"),
        ([TEXT, {**PRICE, "tensors": ["price", "more"]}, SHOP], "'price' of kind number has the tensors price, more"),
        ([TEXT, PRICE, {**SHOP, "tensors": ["a", "b"]}], "'shop' of kind category has the tensors a, b"),
    ],
)
def test_inputs_that_do_not_fit_the_model_are_refused(
    tmp_path: Path, vocabulary: list[str], inputs: Any, says: str
) -> None:
    with pytest.raises(BundleError, match=says):
        written(tmp_path / "model.tflite", vocabulary, inputs)


def test_a_bundle_without_a_text_needs_no_table_of_a_tokenizer(
    table_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read_bundle(table_path).manifest
    signature = {**whole.signature, "inputs": {name: whole.signature["inputs"][name] for name in ("price", "shop")}}
    sections = [section for section in whole.to_dict()["inputs"] if section["kind"] != "text"]
    manifest = Manifest.from_dict({**whole.to_dict(), "signature": signature, "inputs": sections})

    def read(name: str) -> None:
        raise AssertionError(f"{name} was read")

    monkeypatch.setattr(normalization, "_shipped", read)
    consistency.check(manifest)
    with pytest.raises(AssertionError, match="bert-uncased was read"):
        consistency.check(whole)


def test_the_command_line_takes_records(table_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(f"{json.dumps(record)}\n" for record in [*RECORDS, {"text": "a", "price": "dear"}]))
    arguments = ["--input", "jsonl", "--output", "jsonl", "--file", str(rows), "--keep-going"]
    assert command.main(["predict", str(table_path), *arguments]) == 1
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [item.get("label") for item in found[:3]] == [
        answer.label for answer in Classifier.load(table_path).predict(RECORDS)
    ]
    assert "price must be a number" in found[3]["error"]
    assert command.main(["predict", str(table_path), "a text"]) == 1
    assert "records with the fields text, price, store" in capsys.readouterr().err
    assert command.main(["verify", str(table_path)]) == 0
    assert command.main(["info", str(table_path)]) == 0
    shown = capsys.readouterr().out
    assert '"factor": 2.0' in shown
    assert "3 values" in shown
    assert command.main(["info", "--markdown", str(table_path)]) == 0
    assert "`store`, a category, becomes `shop`" in capsys.readouterr().out


def test_verify_refuses_a_runtime_that_answers_the_probes_otherwise(
    table_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = Classifier.outputs

    def shifted(self: Classifier, rows: Any, **more: Any) -> Any:
        return real(self, [{**row, "store": "x"} for row in rows], **more)

    monkeypatch.setattr(Classifier, "outputs", shifted)
    assert command.main(["verify", str(table_path)]) == 1
    assert "answers the bundle's own records otherwise" in capsys.readouterr().err


def test_the_server_takes_records(table: Classifier) -> None:
    with Server(("127.0.0.1", 0), table) as server:
        body = json.dumps({"instances": [*RECORDS, "only a text"]}).encode()
        predictions = server.predict(body)["predictions"]
    assert [item["label"] for item in predictions[:3]] == [answer.label for answer in table.predict(RECORDS)]
    assert "instances[3] must be a record" in predictions[3]["error"]
