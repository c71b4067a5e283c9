"""A pipeline run with an input and a target of one's own, no label among them, up to a pushed server model."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the tokenizer's ops)
import tiny
import yaml

from pipeline.config import loader
from pipeline.local import session

pytestmark = pytest.mark.slow
OVERRIDES = ("tuner.enabled=false", "trainer.epochs=4", "edge=false")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> tiny.TinyTask:
    """The tiny task with the letters of `source` as a second input, and stars in the place of labels."""
    task = tiny.make(tmp_path_factory.mktemp("own"), rows=200)
    values = yaml.safe_load(task.config.read_text())
    backbone, window = values.pop("backbone"), values.pop("preprocessing")
    values["extensions"] = ["tests.toys.letter_count", "tests.toys.stars"]
    values["inputs"] = {
        "body": {"kind": "text", "column": "text", **window, "backbone": backbone},
        "letters": {"kind": "letter_count", "column": "source", "letters": "sw"},
    }
    values["target"] = {"kind": "stars", "column": "stars"}
    values["evaluator"] = {"thresholds": {"mae": {"max": 1.6, "max_drop": 0.5, "slice_min": 2.0}}}
    del values["labels"], values["data"]["columns"]["text"], values["data"]["columns"]["label"]
    task.config.write_text(yaml.safe_dump(values, sort_keys=False))
    chance = random.Random(3)
    with task.rows.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with task.rows.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "stars", "source"])
        for row in rows:
            stars = (4.0 if row["label"] == "positive" else 1.0) + chance.uniform(0, 0.5)
            writer.writerow([row["text"], f"{stars:.2f}", row["source"]])
        writer.writerow(["the film was nothing", "many", "web"])
    schema = Path(values["schema_path"])
    number = (
        'feature { name: "stars" type: FLOAT presence { min_fraction: 1.0 min_count: 1 } shape { dim { size: 1 } } }'
    )
    kept = [line for line in schema.read_text().splitlines() if '"label"' not in line]
    schema.write_text("\n".join([*kept, number]) + "\n")
    return task


@pytest.fixture(scope="module")
def outcome(own: tiny.TinyTask) -> session.Outcome:
    found = tiny.run_task(own, *OVERRIDES)
    assert found.error is None, found.error
    return found


def test_the_server_model_is_pushed_and_answers_rows_of_all_columns(
    own: tiny.TinyTask, outcome: session.Outcome
) -> None:
    assert outcome.summary["blessed"] is True
    assert not {"Pruner", "TFLiteConverter", "EdgePusher"} & set(outcome.summary["states"])
    folder = own.root / "pushed" / "server"
    served = tf.saved_model.load(str(folder / outcome.summary["pushed"]["server"]["version"]))
    answer = served.signatures["serving_rows"](
        text=tf.constant(["the film was great", "the film was awful"]), source=tf.constant(["shop", "web"])
    )
    good, bad = answer["stars"].numpy()
    assert good > bad
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


def test_a_number_is_measured_beside_its_baseline_on_every_slice(outcome: session.Outcome) -> None:
    for split in ("eval", "test"):
        model, linear = outcome.summary["metrics"][split], outcome.summary["baseline"]["splits"][split]
        assert 0 < model["mae"] < 2
        assert model["mse"] >= model["mae"] ** 2
        assert 0 < linear["mae"] < 2
        assert set(model["slices"]) == set(linear["slices"]) == {"source:shop", "source:web"}
    assert outcome.summary["data_cleaning"]["quarantined"]["unknown_label"] == 1


def test_predictions_report_and_card_tell_the_number(own: tiny.TinyTask, outcome: session.Outcome) -> None:
    import pyarrow.parquet as pq

    [file] = (own.root / "pipeline_root" / "TestEvaluator").rglob("predictions.parquet")
    table = pq.read_table(file)
    assert {"label", "predicted", "shown", "slice:source"} <= set(table.column_names)
    error = np.abs(table["label"].to_numpy() - table["predicted"].to_numpy()).mean()
    assert error == pytest.approx(outcome.summary["metrics"]["test"]["mae"], abs=1e-4)
    page = Path(outcome.summary["report"]).read_text(encoding="utf-8")
    assert 'id="plot-slices-mae"' in page
    assert "macro-F1" not in page
    [card] = (own.root / "pushed" / "server").rglob("model_card.md")
    assert "| slice | rows | mean error |\n|---|---:|---:|\n| overall |" in card.read_text(encoding="utf-8")


def test_a_missed_bound_of_its_own_metric_keeps_the_model_back_and_runs_nothing_else(
    own: tiny.TinyTask, outcome: session.Outcome
) -> None:
    again = tiny.run_task(own, *OVERRIDES, "evaluator.thresholds.mae={max: 0.0001}")
    assert again.summary["blessed"] is False
    [missed] = again.summary["not_blessed_because"]
    assert missed["message"].startswith("mae on overall is ")
    executed = {node for node, state in again.summary["states"].items() if state == "executed"}
    assert executed <= {"Evaluator", "ModelCard", "Pusher", "Reporter"}


def test_an_input_without_a_device_step_is_refused_where_bundles_are_made(own: tiny.TinyTask) -> None:
    with pytest.raises(loader.ConfigError, match=r"inputs\.letters: no device can compute .*letter_count.*edge: false"):
        loader.load(own.config, overrides=OVERRIDES[:-1])


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
        "inputs": {"score": {"kind": "powers", "column": "score"}},
        "target": {"kind": "one_label", "column": "label", "labels": values.pop("labels")},
        "extensions": ["tests.toys.powers"],
    }
    task.config.write_text(yaml.safe_dump(values, sort_keys=False))
    schema = Path(values["schema_path"])
    schema.write_text(schema.read_text().replace('name: "text" type: BYTES', 'name: "score" type: FLOAT'))
    return task


def test_a_task_without_text_and_backbone_is_trained_judged_and_pushed(tmp_path: Path) -> None:
    task = numbers(tmp_path)
    with pytest.raises(loader.ConfigError, match=r"inputs\.score: no device can compute .*powers.*edge: false"):
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
