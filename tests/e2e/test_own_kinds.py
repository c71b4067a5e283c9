"""Pipeline runs with inputs of one's own and other targets than one label, up to a pushed server model."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

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
    """The tiny task with the letters of `source` as a second input, and a number in the place of labels."""
    task = tiny.make(tmp_path_factory.mktemp("own"), rows=200)
    values = yaml.safe_load(task.config.read_text())
    backbone, window = values.pop("backbone"), values.pop("preprocessing")
    values["extensions"] = ["tests.toys.letter_count"]
    values["inputs"] = {
        "body": {"kind": "text", "column": "text", **window, "backbone": backbone},
        "letters": {"kind": "letter_count", "column": "source", "letters": "sw"},
    }
    values["target"] = {"kind": "number", "column": "stars", "min": 1, "max": 6, "coverage": 0.8}
    values["evaluator"] = {
        "thresholds": {"mae": {"max": 1.6, "max_drop": 0.5, "slice_min": 2.0}, "r2": {"min": 0.2}},
        "fairness": {"min_rows": 10, "resamples": 200, "bounds": {"source": {"rmse": {"max_gap": 2.0}}}},
        "beats_baseline": {"margin": -2.0, "resamples": 200},
    }
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
        writer.writerow(["the film was more than all", "7.5", "web"])
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
    good, bad = answer["number"].numpy()
    assert 6 >= good > bad >= 1
    assert (answer["low"].numpy() < answer["high"].numpy()).all()
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
        assert 0 < model["mae"] <= model["rmse"] < 3
        assert 0 < linear["mae"] < 2
        assert set(model["slices"]) == set(linear["slices"]) == {"source:shop", "source:web"}
        gap = outcome.summary["fairness"][split]["columns"]["source"]["gaps"]["rmse"]
        sides = [model["slices"][f"source:{gap[side]['slice']}"]["rmse"] for side in ("worst", "best")]
        assert gap["value"] == pytest.approx(sides[0] - sides[1], abs=1e-4)
        assert sides[0] >= sides[1], "of an error, the largest is the worst"
    compared = outcome.summary["beats_baseline"]["eval"]
    assert compared["metric"] == "rmse"
    assert compared["difference"]["value"] == pytest.approx(compared["baseline"] - compared["model"]), "more is better"
    assert outcome.summary["data_cleaning"]["quarantined"]["unknown_label"] == 2, "no number, and one beyond target.max"


def test_predictions_report_and_card_tell_the_number(own: tiny.TinyTask, outcome: session.Outcome) -> None:
    import pyarrow.parquet as pq

    [file] = (own.root / "pipeline_root" / "TestEvaluator").rglob("predictions.parquet")
    table = pq.read_table(file)
    assert {"label", "predicted", "low", "high", "slice:source"} <= set(table.column_names)
    label, predicted, low, high = (table[name].to_numpy() for name in ("label", "predicted", "low", "high"))
    measured = outcome.summary["metrics"]["test"]
    assert np.abs(label - predicted).mean() == pytest.approx(measured["mae"], abs=1e-4)
    assert np.sqrt(np.mean((label - predicted) ** 2)) == pytest.approx(measured["rmse"], abs=1e-4)
    assert 1 - np.var(label - predicted) / np.var(label) >= measured["r2"] - 1e-6
    page = Path(outcome.summary["report"]).read_text(encoding="utf-8")
    for name in ("slices-rmse", "slices-r2", "predicted-true", "residuals"):
        assert f'id="plot-{name}"' in page
    assert "whose answer is furthest off" in page
    assert "macro-F1" not in page
    [card] = (own.root / "pushed" / "server").rglob("model_card.md")
    text = card.read_text(encoding="utf-8")
    assert "| slice | rows | RMSE | MAE | R² |\n|---|---:|---:|---:|---:|\n| overall |" in text
    assert "| Answer | a number from 1 to 6, and the interval" in text
    assert (
        f"holds the right number of {np.mean((low <= label) & (label <= high)):.1%} of these rows, made for 80%" in text
    )


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


def tagged(folder: Path) -> tiny.TinyTask:
    """Texts of none to three words that each stand for a label of their own."""
    task = tiny.make(folder, rows=1)
    words = {"praise": "great", "blame": "awful", "speed": "fast"}
    chance = random.Random(3)
    with task.rows.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["text", "tags", "source"])
        for number in range(240):
            tags = [tag for tag in words if chance.random() < 0.45]
            said = " and ".join(words[tag] for tag in tags) or "a meal"
            shown = [tag for tag in tags if chance.random() < 0.95]
            writer.writerow([f"the film was {said} {number}", " | ".join(shown), chance.choice(("shop", "web"))])
        writer.writerow(["the film was nothing", "praise | scorn", "web"])
    values = yaml.safe_load(task.config.read_text())
    del values["labels"], values["data"]["columns"]["label"]
    values["target"] = {"kind": "many_labels", "column": "tags", "labels": list(words), "none_allowed": True}
    values["evaluator"] = {
        "thresholds": {"micro_f1": {"min": 0.6, "slice_min": 0.4}, "subset_accuracy": {"min": 0.2}},
        "fairness": {"min_rows": 10, "resamples": 200, "bounds": {"source": {"micro_f1": {"max_gap": 0.5}}}},
        "beats_baseline": {"margin": -1.0, "resamples": 200},
    }
    task.config.write_text(yaml.safe_dump(values, sort_keys=False))
    schema = Path(values["schema_path"])
    lines = schema.read_text().replace('name: "label" type: BYTES domain: "label"', 'name: "tags" type: BYTES')
    schema.write_text("\n".join(line for line in lines.splitlines() if "string_domain" not in line) + "\n")
    return task


def test_several_labels_a_row_are_learned_answered_and_told(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    task = tagged(tmp_path)
    with pytest.raises(loader.ConfigError, match=r"max_accuracy_drop: a target of kind many_labels has no accuracy"):
        loader.load(task.config)
    gate = "{max_accuracy_drop: null, max_drop: {micro_f1: 0.2}, max_slice_drop: null, min_size_ratio: null, "
    options = ("tuner.trials=1", "trainer.epochs=12", "trainer.learning_rate=0.02", "pruner.epochs=4")
    loose = gate + "min_latency_ratio: null, min_agreement: 0.5}"
    outcome = tiny.run_task(task, *options, f"edge_evaluator.gate={loose}")
    assert outcome.error is None, outcome.error
    summary = outcome.summary
    assert summary["blessed"] is True, summary["not_blessed_because"]
    assert summary["tuner_trials"][0]["score"] > 0
    assert summary["data_cleaning"]["quarantined"]["unknown_label"] == 1
    thresholds = summary["training"]["decision"]["thresholds"]
    assert set(thresholds) == {"praise", "blame", "speed"}
    folder = task.root / "pushed" / "server" / summary["pushed"]["server"]["version"]
    served = tf.saved_model.load(str(folder))
    answer = served.signatures["serving_text"](text=tf.constant(["the film was great and fast", "a meal was a meal"]))
    assert [label.decode() for label in answer["label"].numpy()] == ["praise|speed", ""]
    reached = answer["probabilities"].numpy() >= np.float32(list(thresholds.values()))
    assert (answer["decision"].numpy() == reached).all()
    # What TFMA measured of the server is what its answers, row by row, come to; the baseline knows the same rows.
    [file] = (task.root / "pipeline_root" / "TestEvaluator").rglob("predictions.parquet")
    table = pq.read_table(file)
    label, predicted = (np.array(table[name].to_pylist()) for name in ("label", "predicted"))
    measured = summary["metrics"]["test"]
    assert (label == predicted).all(axis=1).mean() == pytest.approx(measured["subset_accuracy"])
    micro = 2 * (label & predicted).sum() / (label.sum() + predicted.sum())
    assert micro == pytest.approx(measured["micro_f1"])
    assert {"macro_f1", "precision_praise", "recall_blame"} <= set(measured)
    assert set(measured["slices"]) == set(summary["baseline"]["splits"]["test"]["slices"])
    assert summary["beats_baseline"]["eval"]["metric"] == "macro_f1"
    page = Path(summary["report"]).read_text(encoding="utf-8")
    for name in ("labels", "slices-micro_f1", "by-label", "several-labels"):
        assert f'id="plot-{name}"' in page
    card = next(folder.rglob("model_card.md")).read_text(encoding="utf-8")
    assert "any number of the labels, separated by" in card
    assert "| label | rows | precision | recall |" in card
    _check_the_bundle(task, summary, page)


def _check_the_bundle(task: tiny.TinyTask, summary: dict[str, Any], page: str) -> None:
    """Of the student: blessed, pushed with a card, told in the report, and answering as its own manifest says."""
    from edgeline_edge import Classifier

    edge = summary["edge"]
    assert edge["blessed"] is True
    assert edge["selected"] == "dynamic_wi8_afp32"
    selected = edge["variants"][edge["selected"]]
    folder = task.root / "pushed" / "edge" / summary["pushed"]["edge"]["version"]
    classifier = Classifier.load(folder / "model.tflite")
    assert classifier.manifest.format_version == 2
    assert classifier.manifest.target == {
        "kind": "many_labels", "output": "probabilities", "labels": ["praise", "blame", "speed"],
    }  # fmt: skip
    assert classifier.manifest.decision == selected["decision"]
    good, nothing = classifier.predict(["the film was great and fast", {"text": "a meal was a meal"}])
    assert (good.labels, nothing.labels) == (("praise", "speed"), ())
    assert classifier.manifest.metrics["micro_f1"] == edge["test"]["selected"]["micro_f1"]
    assert f"micro-F1 {edge['test']['selected']['micro_f1']:.3f} on test" in page
    card = (folder / "model_card.md").read_text(encoding="utf-8")
    assert "- `max_drop.micro_f1`: 0.2" in card
    assert "print(answer.labels, answer.scores)" in card
    probes = [json.loads(line) for line in (folder / "probes.jsonl").read_text(encoding="utf-8").splitlines()]
    assert probes[0]["prediction"] == classifier.predict([probes[0]["instance"]])[0].told()


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
