"""A pipeline run with an input and a target of one's own, no label among them, up to a pushed server model."""

from __future__ import annotations

import csv
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
