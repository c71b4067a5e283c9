"""A pipeline run with an input of one's own beside the text, up to a pushed server model."""

from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the tokenizer's ops)
import tiny
import yaml

from pipeline.config import loader

pytestmark = pytest.mark.slow
OVERRIDES = (
    "extensions=[tests.toys.letter_count]",
    "tuner.enabled=false",
    "trainer.epochs=2",
    "evaluator.thresholds={accuracy: {min: 0.1}}",
    "evaluator.beats_baseline=null",
)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> tiny.TinyTask:
    """The tiny task with its inputs and its target written out, and the letters of `source` as a second input."""
    task = tiny.make(tmp_path_factory.mktemp("own"), rows=200)
    values = yaml.safe_load(task.config.read_text())
    backbone, window = values.pop("backbone"), values.pop("preprocessing")
    values["inputs"] = {
        "body": {"kind": "text", "column": "text", **window, "backbone": backbone},
        "letters": {"kind": "letter_count", "column": "source", "letters": "sw"},
    }
    values["target"] = {"kind": "one_label", "column": "label", "labels": values.pop("labels")}
    del values["data"]["columns"]["text"], values["data"]["columns"]["label"]
    task.config.write_text(yaml.safe_dump(values, sort_keys=False))
    return task


def test_the_server_model_is_pushed_and_answers_rows_of_all_columns(own: tiny.TinyTask) -> None:
    outcome = tiny.run_task(own, *OVERRIDES, "edge=false")
    assert outcome.error is None, outcome.error
    assert outcome.summary["blessed"] is True
    assert not {"Pruner", "TFLiteConverter", "EdgePusher"} & set(outcome.summary["states"])
    folder = own.root / "pushed" / "server"
    served = tf.saved_model.load(str(folder / outcome.summary["pushed"]["server"]["version"]))
    answer = served.signatures["serving_rows"](
        text=tf.constant(["the film was great", "the film was awful"]), source=tf.constant(["shop", "web"])
    )
    assert answer["probabilities"].shape == (2, 2)
    assert {label.decode() for label in answer["label"].numpy()} <= {"negative", "positive"}
    assert Path(outcome.summary["report"]).is_file()
    again = tiny.run_task(own, *OVERRIDES, "edge=false")
    assert {node for node, state in again.summary["states"].items() if state == "executed"} <= {"Reporter"}


def test_an_input_without_a_device_step_is_refused_where_bundles_are_made(own: tiny.TinyTask) -> None:
    with pytest.raises(loader.ConfigError, match=r"inputs\.letters: no device can compute .*letter_count.*edge: false"):
        loader.load(own.config, overrides=OVERRIDES)
