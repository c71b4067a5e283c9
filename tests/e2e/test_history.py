"""What can be said about a run afterwards: its card, its gaps between slices, where it comes from, what changed."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from modules.quality import predictions

import pytest
import tiny
from click.testing import CliRunner

import local_runner
from edgeline_edge import Classifier
from pipeline.history import training_logs
from pipeline.history.paths import TaskPaths
from pipeline.history.store import RunOutputs, connection

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def unfair(run):
    """A run whose model meets every other bound of the gate."""
    return run("evaluator.fairness.bounds.source.accuracy.max_gap=0.0")


def command(task: tiny.TinyTask, name: str, *arguments: str) -> str:
    common = [name, "--config", str(task.config), "--root", str(task.root)]
    result = CliRunner().invoke(local_runner.cli, [*common, *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def run_python(page: Path, **replaced: str) -> None:
    """Runs the Python that a card says loads the model."""
    [code] = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    for name, value in replaced.items():
        assert name in code
        code = code.replace(name, value)
    exec(compile(code, str(page), "exec"), {})


# Gaps between slices


def test_the_gaps_are_shown_on_both_splits_and_gate_nothing_unless_they_are_asked_to(first_run):
    for split in ("eval", "test"):
        found = first_run.summary["fairness"][split]
        assert found["rows"] == first_run.summary["metrics"][split]["rows"]
        gap = found["columns"]["source"]["gaps"]["accuracy"]
        slices = first_run.summary["metrics"][split]["slices"]
        accuracies = [slices[f"source:{name}"]["accuracy"] for name in ("shop", "web")]
        assert gap["value"] == pytest.approx(max(accuracies) - min(accuracies), abs=1e-6)  # as TFMA measures them
        assert gap["low"] <= gap["value"] <= gap["high"]
        assert found["missed"] == []
    assert first_run.summary["blessed"] is True


def test_a_gap_that_is_too_wide_is_told_and_nothing_is_pushed(unfair, task, first_run):
    summary = unfair.summary
    assert summary["fairness"]["eval"]["columns"]["source"]["gaps"]["accuracy"]["value"] > 0.0
    assert summary["blessed"] is False
    [reason] = summary["not_blessed_because"]
    assert "the gap of accuracy between the slices of source is" in reason["message"]
    assert summary["pushed"] == {"server": None, "edge": None}
    assert "not blessed" in summary["edge"]["skipped"]
    assert len([path for path in (task.root / "pushed" / "server").iterdir() if path.name.isdigit()]) == 1
    # TestEvaluator has no bounds, so that a new one measures nothing anew there.
    assert summary["states"]["TestEvaluator"] == "cached"


def test_a_blessing_that_was_taken_back_is_no_baseline_of_the_next_run(unfair, task):
    """The files and the property that resolvers and Pusher look at."""
    blessing = RunOutputs(connection(TaskPaths(task.root)), unfair.run_id).artifact("Evaluator", "blessing")
    assert blessing.custom_properties["blessed"].int_value == 0
    assert [path.name for path in Path(blessing.uri).iterdir()] == ["NOT_BLESSED"]


# The card


def test_the_card_travels_with_the_savedmodel_and_says_how_to_load_it(first_run):
    folder = Path(first_run.summary["pushed"]["server"]["path"])
    card = json.loads((folder / "assets.extra" / "model_card.json").read_text(encoding="utf-8"))
    test = first_run.summary["metrics"]["test"]
    assert card["metrics"]["test"]["rows"] == test["rows"]
    assert card["metrics"]["test"]["accuracy"]["value"] == pytest.approx(test["accuracy"], abs=1e-6)
    for name, values in test["slices"].items():
        assert card["metrics"]["test"]["slices"][name]["macro_f1"]["value"] == pytest.approx(
            values["macro_f1"], abs=1e-6
        )
    assert card["size"]["parameters"] == first_run.summary["training"]["parameters"]
    assert card["sources"] == []
    run_python(folder / "assets.extra" / "model_card.md", FOLDER=str(folder))


def test_rows_of_the_test_split_travel_with_the_savedmodel_and_are_answered_as_they_say(first_run):
    folder = Path(first_run.summary["pushed"]["server"]["path"])
    lines = (folder / "assets.extra" / "probes.jsonl").read_text(encoding="utf-8").splitlines()
    probes = [json.loads(line) for line in lines]
    assert 1 < len(probes) <= 8
    answers = predictions.served(str(folder))([probe["instance"] for probe in probes])
    for probe, label, scores in zip(probes, answers["label"], answers["probabilities"], strict=True):
        assert probe["prediction"]["label"] == label.decode()
        assert list(probe["prediction"]["scores"].values()) == pytest.approx(scores.tolist(), abs=1e-5)
        assert probe["prediction"]["score"] == pytest.approx(scores.max(), abs=1e-5)


def test_rows_of_the_test_split_travel_with_the_bundle_too(first_run):
    folder = Path(first_run.summary["pushed"]["edge"]["path"])
    lines = (folder / "probes.jsonl").read_text(encoding="utf-8").splitlines()
    probes = [json.loads(line) for line in lines]
    assert 1 < len(probes) <= 8
    answers = Classifier.load(folder / "model.tflite").predict([probe["instance"] for probe in probes])
    assert [probe["prediction"]["scores"] for probe in probes] == [answer.scores for answer in answers]


def test_the_card_travels_with_the_bundle_and_names_it_by_its_digest(first_run, monkeypatch):
    folder = Path(first_run.summary["pushed"]["edge"]["path"])
    card = json.loads((folder / "model_card.json").read_text(encoding="utf-8"))
    content = (folder / "model.tflite").read_bytes()
    assert card["size"]["sha256"] == hashlib.sha256(content).hexdigest()
    edge = first_run.summary["edge"]
    assert card["metrics"]["test"]["accuracy"]["value"] == edge["test"]["selected"]["accuracy"]
    assert card["recipe"] == edge["selected"]
    monkeypatch.chdir(folder)
    run_python(folder / "model_card.md")


# Looking back


def test_the_answers_to_every_row_are_kept_with_what_they_were_measured_by(first_run, task):
    outputs = RunOutputs(connection(TaskPaths(task.root)), first_run.run_id)
    for node, split in (("Evaluator", "eval"), ("TestEvaluator", "test")):
        found, labels = predictions.read(f"{outputs.uri(node, 'evaluation')}/predictions.parquet")
        assert labels == ["negative", "positive"]
        rows = found[split]
        assert float((rows.label == rows.predicted).mean()) == pytest.approx(
            first_run.summary["metrics"][split]["accuracy"], abs=1e-6
        )
        assert all(rows.text_hash)


def test_a_push_leads_back_to_the_rows(first_run, task):
    for kind in ("server", "edge"):
        version = first_run.summary["pushed"][kind]["version"]
        found = json.loads(command(task, "lineage", f"{kind}/{version}", "--json"))
        assert found["run"]["id"] == first_run.run_id
        assert found["run"]["config_digest"] == first_run.summary["config_digest"]
        [rows] = found["rows"]
        assert rows["input_base"] == str(task.rows.parent)
        assert f"total_bytes:{task.rows.stat().st_size}" in rows["input_fingerprint"]
    drawn = command(task, "lineage", "edge/latest")
    for node in ("EdgePusher", "EdgeEvaluator", "TFLiteConverter", "Pruner", "Trainer", "Transform", "ExampleGen"):
        assert node in drawn


def test_two_runs_are_compared_on_their_test_rows(first_run, unfair, task):
    found = json.loads(command(task, "compare", first_run.run_id, unfair.run_id, "--json"))
    assert [item["field"] for item in found["config"]] == [
        "evaluator.fairness.bounds.source.accuracy.max_gap",
        "evaluator.fairness.bounds.source.accuracy.decided_by",
    ]
    assert found["test"]["rows"]["common"] == first_run.summary["metrics"]["test"]["rows"]
    assert found["test"]["agreement"] == 1.0
    assert found["blessed"] == {"one": True, "other": False}
    assert "no more than chance explains" in command(task, "compare", first_run.run_id, unfair.run_id)


def test_tensorboard_finds_the_curves_and_the_hyperparameters_of_training_and_search(first_run, task):
    from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

    folder = training_logs.gather(TaskPaths(task.root), first_run.run_id)
    assert folder is not None
    logs = EventMultiplexer().AddRunsFromDirectory(str(folder)).Reload()
    assert "epoch_loss" in logs.Runs()["trainer/train"]["tensors"]
    hparams = logs.PluginRunToTagToContent("hparams")
    assert "_hparams_/session_start_info" in hparams["trainer"]
    trials = {name.split("/")[1] for name in hparams if name.startswith("search-")}
    assert len(trials) == len(first_run.summary["tuner_trials"])
