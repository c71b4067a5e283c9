"""A pipeline run with an input of one's own beside the text, up to a pushed server model."""

from __future__ import annotations

import csv
import json
import random
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
    # What the kinds found for drift, and what they tell the report, each by its own name.
    statistics = own.root / "pipeline_root" / "StatisticsGen" / "statistics"
    assert {path.name for path in statistics.glob("*/Split-train/*_profile.json")} == {
        "body_profile.json", "letters_profile.json",
    }  # fmt: skip
    [written] = (own.root / "pipeline_root" / "Reporter" / "report").glob("*/report.json")
    facts = json.loads(written.read_text(encoding="utf-8"))
    means = facts["data"]["inputs"]["letters"]["means"]["train"]
    assert means["w"] == pytest.approx(1.0 - means["s"]), "shop or web: one of both letters"
    assert facts["data"]["lengths"]["window"] == 24
    assert 'id="plot-letters-letters"' in Path(outcome.summary["report"]).read_text(encoding="utf-8")
    # The words of the worst errors, with the letters held fixed.
    assert facts["errors"]["held"] == ["letters"]
    assert any(weight for item in facts["errors"]["items"] for _, weight in item["spans"])
    again = tiny.run_task(own, *OVERRIDES, "edge=false")
    assert {node for node, state in again.summary["states"].items() if state == "executed"} <= {"Reporter"}


def test_an_input_without_a_device_step_is_refused_where_bundles_are_made(own: tiny.TinyTask) -> None:
    with pytest.raises(loader.ConfigError, match=r"inputs\.letters: no device can compute .*letter_count.*edge: false"):
        loader.load(own.config, overrides=OVERRIDES)


def numbers(folder: Path) -> tiny.TinyTask:
    """A task without any text: a number that tells the label, but for a few."""
    task = tiny.make(folder, rows=1)
    chance = random.Random(3)
    with task.rows.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["score", "label", "source"])
        for _ in range(200):
            score = round(chance.uniform(-1, 1), 4)
            label = "positive" if (score > 0) != (chance.random() < 0.15) else "negative"
            writer.writerow([score, label, chance.choice(("shop", "web"))])
    values = yaml.safe_load(task.config.read_text())
    for name in ("backbone", "preprocessing"):
        del values[name]
    del values["data"]["columns"]["text"], values["data"]["columns"]["label"]
    values |= {
        "inputs": {"score": {"kind": "number", "column": "score"}},
        "target": {"kind": "one_label", "column": "label", "labels": values.pop("labels")},
        "extensions": ["tests.toys.number"],
    }
    task.config.write_text(yaml.safe_dump(values, sort_keys=False))
    schema = Path(values["schema_path"])
    schema.write_text(schema.read_text().replace('name: "text" type: BYTES', 'name: "score" type: FLOAT'))
    return task


def test_a_task_without_text_and_backbone_is_trained_judged_and_pushed(tmp_path: Path) -> None:
    task = numbers(tmp_path)
    with pytest.raises(loader.ConfigError, match=r"inputs\.score: no device can compute .*number.*edge: false"):
        loader.load(task.config)
    outcome = tiny.run_task(
        task,
        "edge=false",
        "tuner.enabled=false",
        "trainer.epochs=8",
        "trainer.learning_rate=0.05",
        "evaluator.thresholds={accuracy: {min: 0.6}}",
    )
    assert outcome.error is None, outcome.error
    assert outcome.summary["blessed"] is True
    assert "LinearBaseline" not in outcome.summary["states"], "it reads texts"
    folder = task.root / "pushed" / "server" / outcome.summary["pushed"]["server"]["version"]
    signature = tf.saved_model.load(str(folder)).signatures["serving_rows"]
    answer = signature(score=tf.constant([-0.9, 0.9]))
    assert [label.decode() for label in answer["label"].numpy()] == ["negative", "positive"]
    card = next(folder.rglob("*.md")).read_text(encoding="utf-8")
    assert "the columns score" in card
    assert "tokens" not in card
    page = Path(outcome.summary["report"]).read_text(encoding="utf-8")
    assert "score=" in page, "an error is shown by what its inputs read"
    assert "Marked are the words" not in page
