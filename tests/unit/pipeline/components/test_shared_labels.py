"""`evaluator.other_labels: shared`: a model with a third label against a blessed one without it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.quality import shared_labels
from modules.quality.settings import Bound, FairnessSettings
from modules.quality.tfma import config as tfma_config
from modules.rows.settings import Columns
from modules.targets.one_label.metric_specs import metric
from modules.targets.one_label.target import OneLabel

import pytest
import tensorflow as tf
from tfx.types import standard_artifacts
from tfx.utils import json_utils, proto_utils

from pipeline.components.evaluator import EvaluatorNodeSettings, Executor, comparison

OLD, NEW = ["bad", "good"], ["meh", "good", "bad"]
# The right label, what the old model answers, and what the new one does: its first and its second choice.
ROWS = [
    *[("bad", "bad", "bad,good")] * 6,
    *[("good", "good", "meh,good")] * 6,  # the new model is right as soon as it may not say `meh`
    *[("good", "good", "bad,good")] * 2,  # it is wrong
    *[("meh", "bad", "meh,bad")] * 6,  # the old model cannot know
]


class Model(tf.Module):
    """Answers what the text says that it should."""

    def __init__(self, labels: list[str], part: int) -> None:
        super().__init__()
        self._labels, self._part = tuple(labels), part

    def signatures(self) -> dict[str, Any]:
        """Those that Evaluator calls."""
        examples, texts = tf.TensorSpec([None], tf.string, name="examples"), tf.TensorSpec([None], tf.string, "text")
        return {
            "serving_default": tf.function(lambda rows: self._answer(self._column(rows, "text")), [examples]),
            "serving_text": tf.function(self._answer, [texts]),
            "transform_features": tf.function(
                lambda rows: {"label_id": self._places(self._column(rows, "label"))}, [examples]
            ),
        }

    def _answer(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        said = tf.strings.split(texts, "|").to_tensor()[:, self._part]
        choices = tf.strings.split(said, ",").to_tensor(shape=[None, 2])
        first, second = (tf.one_hot(self._places(choices[:, place]), len(self._labels)) for place in (0, 1))
        probabilities = 0.1 + 0.6 * first + 0.3 * second
        return {"probabilities": probabilities / tf.reduce_sum(probabilities, 1, keepdims=True)}

    def _places(self, names: tf.Tensor) -> tf.Tensor:
        match = tf.cast(tf.equal(names[:, tf.newaxis], tf.constant(self._labels)), tf.int64)
        return tf.where(tf.reduce_sum(match, 1) > 0, tf.argmax(match, 1), tf.constant(-1, tf.int64))

    @staticmethod
    def _column(rows: tf.Tensor, name: str) -> tf.Tensor:
        return tf.io.parse_example(rows, {name: tf.io.FixedLenFeature([], tf.string)})[name]


def artifact(kind: Any, folder: Path, number: int) -> Any:
    found = kind()
    found.id, found.uri = number, str(folder)
    found.set_string_custom_property("tfx_version", "1.21.0")
    return found


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    folder = tmp_path_factory.mktemp("shared")
    found: dict[str, list[Any]] = {"examples": [artifact(standard_artifacts.Examples, folder / "examples", 1)]}
    found["examples"][0].split_names = '["eval"]'
    (folder / "examples" / "Split-eval").mkdir(parents=True)
    with tf.io.TFRecordWriter(str(folder / "examples" / "Split-eval" / "rows.gz"), "GZIP") as writer:
        for number, (label, old, new) in enumerate(ROWS):
            values = {"text": f"{old}|{new}|{number}", "label": label, "shop": "a" if number % 2 else ""}
            features = {
                name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
                for name, value in values.items()
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    for key, labels, part in (("model", NEW, 1), ("baseline_model", OLD, 0)):
        model = Model(labels, part)
        tf.saved_model.save(model, str(folder / key / "Format-Serving"), signatures=model.signatures())
        (folder / key / "training").mkdir()
        (folder / key / "training" / "labels.json").write_text(json.dumps(labels))
        found[key] = [artifact(standard_artifacts.Model, folder / key, 2 + part)]
    return found


BOUNDS = {"accuracy": Bound(min=0.3, max_drop=0.1)}


def settings(labels: list[str], other_labels: str) -> EvaluatorNodeSettings:
    return EvaluatorNodeSettings(
        columns=Columns(text="text", slices=["shop"]),
        target=OneLabel(labels=labels),
        fairness=FairnessSettings(resamples=100),
        gated=True,
        other_labels=other_labels,
        max_drops=shared_labels.drops(BOUNDS),
    )


def evaluated(inputs: dict[str, list[Any]], folder: Path) -> tuple[bool, Any]:
    """What Evaluator says of the new model: whether it is blessed, and what it compared."""
    told = settings(NEW, "shared")
    outputs = {
        "evaluation": [artifact(standard_artifacts.ModelEvaluation, folder / "evaluation", 8)],
        "blessing": [artifact(standard_artifacts.ModelBlessing, folder / "blessing", 9)],
    }
    properties = {
        "settings": told.to_json(),
        "example_splits": json_utils.dumps(["eval"]),
        "eval_config": proto_utils.proto_to_json(tfma_config.eval_config(told.target, ["shop"], BOUNDS, gated=True)),
        "fairness_indicator_thresholds": json_utils.dumps(None),
    }
    Executor().Do(inputs, outputs, properties)
    compared = json.loads((folder / "evaluation" / "shared_labels.json").read_text())
    return (folder / "blessing" / "BLESSED").exists(), compared


def test_both_answer_the_rows_that_both_can_and_the_drop_holds_there(
    inputs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {"accuracy": metric("SparseCategoricalAccuracy", name="accuracy"), "rows": metric("ExampleCount")}
    monkeypatch.setattr(OneLabel, "metric_specs", lambda self: [(few, {})])  # all of them take three times as long
    blessed, found = evaluated(inputs, tmp_path)
    assert not blessed
    assert (found["labels"], found["only_new"], found["only_previous"]) == (["good", "bad"], ["meh"], [])
    assert (found["rows"], found["compared"], found["of"]) == ({"good": 8, "bad": 6}, 14, 20)
    assert found["model"]["accuracy"] == pytest.approx(12 / 14)
    assert found["previous"]["accuracy"] == 1.0
    assert found["model"]["slices"]["shop:"]["rows"] == 7
    [missed] = found["missed"]
    assert "on the rows of the shared labels, accuracy against the latest blessed model on overall" in missed["message"]
    assert (
        "on the 14 of 20 rows of eval whose label both know (good, bad): accuracy 0.8571 against 1.0" in found["told"]
    )
    assert not list(tmp_path.rglob("saved_model.pb")), "the models that were cut down are gone"


def test_other_labels_are_compared_only_where_that_was_asked_for_and_otherwise_told(
    inputs: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert comparison(settings(OLD, "not_compared"), inputs) == "whole"
    assert comparison(settings(NEW, "not_compared"), {"model": inputs["model"]}) == "whole"
    assert comparison(settings(NEW, "shared"), inputs) == "shared"
    assert not caplog.text
    with caplog.at_level("INFO", "edgeline.progress"):
        assert comparison(settings(NEW, "not_compared"), inputs) == "none"
        assert comparison(settings(["meh", "good"], "shared"), inputs) == "none"
    assert "it has other labels: bad, good instead of meh, good, bad" in caplog.text


def test_one_label_that_both_know_is_no_comparison() -> None:
    assert shared_labels.shared(["a", "b"], ["b", "c"]) == []
    assert shared_labels.shared(["a", "b", "c"], ["c", "x", "a"]) == ["a", "c"]
