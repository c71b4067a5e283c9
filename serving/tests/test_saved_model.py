"""The SavedModel backend, on models with the signatures that Edgeline exports, made of plain TensorFlow."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from edgeline_serving import cli
from edgeline_serving.backends import saved_model
from edgeline_serving.backends.base import Backend, Column
from edgeline_serving.errors import SettingsError, VersionError
from edgeline_serving.settings import Source
from edgeline_serving.versions.probes import Probe, check
from tests.conftest import serving

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tensorflow() -> Any:
    """TensorFlow with the tokenizer's operations, as the backend imports it, in a shell that is set up for training."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    tf = saved_model.load_tensorflow()
    import tensorflow_text

    tf.text = tensorflow_text
    return tf


@pytest.fixture(scope="module")
def saved(tensorflow: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A push folder, version 5: the share of words that are `good`, counted by an operation of TensorFlow Text."""
    tf = tensorflow

    class Words(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = tf.Variable(1.0)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def serving_text(self, text: Any) -> dict[str, Any]:
            words = tf.text.WhitespaceTokenizer().tokenize(text)
            hits = tf.cast(words.to_tensor(default_value="") == "good", tf.float32)
            count = tf.maximum(tf.cast(words.row_lengths(), tf.float32), 1.0)
            good = tf.reduce_sum(hits, axis=1) / count * self.weight
            label = tf.where(good > 0.5, "schön", "bad")
            return {"probabilities": tf.stack([1 - good, good], axis=1), "label": label}

    folder = tmp_path_factory.mktemp("pushed") / "server"
    module = Words()
    tf.saved_model.save(module, str(folder / "5"), signatures={"serving_text": module.serving_text})
    write_card(folder / "5", labels=["bad", "schön"])
    (folder / "latest").write_text("5\n")
    return folder


def write_card(folder: Path, **card: Any) -> None:
    (folder / "assets.extra").mkdir(exist_ok=True)
    (folder / "assets.extra" / "model_card.json").write_text(json.dumps({"task": "words", **card}), encoding="utf-8")


@pytest.fixture(scope="module")
def numbers(tensorflow: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version with several columns whose answer is a number."""
    tf = tensorflow

    class Number(tf.Module):
        @tf.function(input_signature=[
            tf.TensorSpec([None], tf.string, name="title"), tf.TensorSpec([None], tf.int64, name="year"),
            tf.TensorSpec([None], tf.float32, name="price"),
        ])  # fmt: skip
        def serving_rows(self, title: Any, year: Any, price: Any) -> dict[str, Any]:
            return {"prediction": tf.cast(year, tf.float32) + price + tf.cast(tf.strings.length(title), tf.float32)}

    folder = tmp_path_factory.mktemp("numbers") / "9"
    module = Number()
    tf.saved_model.save(module, str(folder), signatures={"serving_rows": module.serving_rows})
    return folder


@pytest.fixture(scope="module")
def tagged(tensorflow: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version that answers with several labels: those of its words that it knows, `good` from a half on."""
    tf = tensorflow

    class Tags(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def serving_text(self, text: Any) -> dict[str, Any]:
            there = [tf.strings.regex_full_match(text, f".*{word}.*") for word in ("good", "fast")]
            probabilities = tf.where(tf.stack(there, axis=1), [[0.75, 0.625]], [[0.25, 0.125]])
            decision = tf.cast(probabilities >= tf.constant([0.5, 0.7]), tf.float32)
            return {"probabilities": probabilities, "decision": decision, "label": tf.strings.as_string(decision[:, 0])}

    folder = tmp_path_factory.mktemp("tags") / "9"
    module = Tags()
    tf.saved_model.save(module, str(folder), signatures={"serving_text": module.serving_text})
    write_card(folder, labels=["good", "fast"], target="many_labels")
    return folder


def load(folder: Path) -> Backend:
    return saved_model.SavedModelBackend(folder, batch=4)


def test_a_saved_model_is_served_as_a_bundle_is(saved: Path) -> None:
    with serving(Source("server", saved)) as server:
        status, answer = server.predict("good good bad", {"text": "bad"}, "", name="words")
        assert status == 200
        good, bad, empty = answer["predictions"]
        assert good["label"] == "schön"
        assert good["scores"]["schön"] == pytest.approx(2 / 3, abs=1e-6)
        assert bad == {"label": "bad", "score": 1.0, "scores": {"bad": 1.0, "schön": 0.0}}
        assert empty == {"error": "instances[2]: the text is empty"}
        # Half of a surrogate pair: KServe's parser of V1 refuses it, that of V2 does not.
        assert server.predict("\ud800 good", name="words")[0] == 400
        odd = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["\ud800 good good"]}
        assert server.call("POST", "/v2/models/words/infer", {"inputs": [odd]})[1]["outputs"][0]["data"] == ["schön"]
        assert server.call("GET", "/v2/models/words")[1]["platform"] == "tensorflow_savedmodel"


def test_columns_of_any_type_and_answers_that_are_no_labels(numbers: Path) -> None:
    with serving(Source("server", numbers, name="price")) as server:
        row = {"title": "four", "year": 2000, "price": 0.5}
        assert server.predict(row, name="price") == (200, {"predictions": [{"prediction": 2004.5}]})
        said = server.predict({**row, "year": "2000"}, row, name="price")[1]["predictions"]
        assert said[0] == {"error": "instances[0].year must be a whole number, is str"}
        # A number may be missing: the network gets what it was trained with for that, not a number.
        for gone in ({"title": "a", "year": 1}, {"title": "a", "year": 1, "price": None}):
            assert server.predict(gone, name="price") == (200, {"predictions": [{"prediction": None}]})
        assert server.predict({"year": 1, "price": 1}, name="price")[1]["error"] == "instances[0] lacks 'title'"
        tensors = [
            {"name": "title", "shape": [1], "datatype": "BYTES", "data": ["four"]},
            {"name": "year", "shape": [1], "datatype": "INT64", "data": [2000]},
            {"name": "price", "shape": [1], "datatype": "FP32", "data": [0.5]},
        ]
        outputs = server.call("POST", "/v2/models/price/infer", {"inputs": tensors})[1]["outputs"]
        assert [(o["name"], o["datatype"], o["data"]) for o in outputs] == [("prediction", "FP32", [2004.5])]


def test_several_labels_are_told_by_name_and_as_tensors(tagged: Path) -> None:
    with serving(Source("server", tagged, name="tags")) as server:
        status, answer = server.predict("good and fast", "fast", name="tags")
        assert status == 200
        assert answer["predictions"] == [
            {"labels": ["good"], "scores": {"good": 0.75, "fast": 0.625}},
            {"labels": [], "scores": {"good": 0.25, "fast": 0.625}},
        ]
        told = server.call("GET", "/v2/models/tags")[1]["outputs"]
        assert [(output["name"], output["shape"]) for output in told] == [
            ("decision", [-1, 2]), ("probabilities", [-1, 2]),
        ]  # fmt: skip
        text = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["good and fast"]}
        outputs = server.call("POST", "/v2/models/tags/infer", {"inputs": [text]})[1]["outputs"]
        assert [(o["name"], o["data"]) for o in outputs] == [("decision", [1.0, 0.0]), ("probabilities", [0.75, 0.625])]
        assert outputs[0]["parameters"] == {"labels": '["good", "fast"]'}


def test_requests_that_wait_together_are_answered_together_and_each_gets_its_own(saved: Path) -> None:
    backend = load(saved / "5")
    texts = [" ".join(["good"] * (n % 7) + ["bad"] * (n % 3)) or "none" for n in range(60)]
    alone = [backend.submit([{"text": text}], lambda: False).result(20)[0] for text in texts]
    with ThreadPoolExecutor(12) as pool:
        together = list(pool.map(lambda text: backend.submit([{"text": text}], lambda: False).result(20)[0], texts))
    backend.close()
    assert together == alone


def test_probes_are_compared_within_the_tolerance(saved: Path) -> None:
    backend = load(saved / "5")
    [exact] = backend.submit([{"text": "good good bad"}], lambda: False).result(20)
    near = {"label": "schön", "score": 0.66, "scores": {"bad": 0.34, "schön": 0.66}}
    assert check(backend, [Probe("good good bad", exact), Probe("good good bad", near)], 0.01) == 2
    for probe, said in (({**exact, "label": "bad"}, "label is another one"), (near, "score is 0.6667, expected 0.66")):
        with pytest.raises(VersionError, match=f"probe 2 of 2: {said}"):
            check(backend, [Probe("good good bad", exact), Probe("good good bad", probe)], 0.001)
    backend.close()


def test_a_version_in_a_bucket_is_copied_once_and_keeps_its_number(
    tensorflow: Any, saved: Path, tmp_path: Path
) -> None:
    files, uri = tensorflow.io.gfile, "ram://bucket/pushed/server/7"  # a file system of TensorFlow's own, as gs:// is
    version = saved / "5"
    for path in version.rglob("*"):
        if path.is_file():
            files.makedirs(f"{uri}/{path.relative_to(version).parent}")
            files.copy(str(path), f"{uri}/{path.relative_to(version)}", overwrite=True)
    options = cli._parser().parse_args(["--server", f"mine={uri}/"])
    [source] = cli.settings_of(options, tmp_path).sources
    assert (source.name, source.folder.name) == ("mine", "7")
    with serving(source) as server:
        assert server.predict("good", name="mine")[1]["predictions"][0]["label"] == "schön"
        assert server.call("GET", "/v2/models/mine")[1]["versions"] == ["7"]
    with pytest.raises(SettingsError, match="ram://bucket/none: "):
        cli.settings_of(cli._parser().parse_args(["--server", "ram://bucket/none"]), tmp_path)


def test_what_cannot_be_served_says_why(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"damaged")
    with pytest.raises(VersionError, match="TensorFlow cannot load it"):
        load(tmp_path)
    with pytest.raises(VersionError, match=r"no saved_model.pb"):
        load(saved)
    card = saved / "5" / "assets.extra" / "model_card.json"
    before = card.read_text("utf-8")
    write_card(saved / "5", labels=["a", "b", "c"])
    with pytest.raises(VersionError, match="the card names 3 labels, the model answers with 2"):
        load(saved / "5")
    card.unlink()
    backend = load(saved / "5")
    assert (backend.task, backend.columns, len(backend.labels)) == ("", (Column("text"),), 2)
    backend.close()
    card.write_text(before, encoding="utf-8")
