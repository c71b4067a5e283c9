"""One small pipeline, run in this process, and what the next runs take from its cache."""

from __future__ import annotations

import html
import json
from pathlib import Path

from modules.rows.raw import read_raw_split
from modules.targets.one_label.target import OneLabel

import edge_parity
import ml_metadata
import numpy as np
import pytest
import tensorflow as tf
import tiny
from click.testing import CliRunner
from ml_metadata.proto import metadata_store_pb2
from plotly.offline import get_plotlyjs

import local_runner
from pipeline.config import loader
from pipeline.graph import code_digest
from pipeline.history import history
from pipeline.history.paths import TaskPaths
from pipeline.history.states import CACHED, EXECUTED, RESOLVED

pytestmark = pytest.mark.slow

RESOLVERS = {"LatestBlessedModelResolver"}
NODES = {
    "ExampleGen",
    "StatisticsGen",
    "ImportSchemaGen",
    "ExampleValidator",
    "Transform",
    "LinearBaseline",
    "Tuner",
    "Trainer",
    "Evaluator",
    "TestEvaluator",
    "ModelCard",
    "Pusher",
    "Pruner",
    "TFLiteConverter",
    "EdgeEvaluator",
    "EdgeModelCard",
    "EdgePusher",
    "Reporter",
}


def executed(outcome) -> set[str]:
    return {node for node, state in outcome.summary["states"].items() if state == EXECUTED}


def execution_counts(task: tiny.TinyTask) -> dict[str, int]:
    """Executions that really ran, by node type, as the metadata store counts them."""
    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = str(TaskPaths(task.root).metadata)
    counts: dict[str, int] = {}
    for execution in ml_metadata.MetadataStore(connection).get_executions():
        if execution.last_known_state == metadata_store_pb2.Execution.COMPLETE:
            counts[execution.type] = counts.get(execution.type, 0) + 1
    return counts


def test_every_component_runs_and_the_blessed_model_is_pushed(first_run, task):
    summary = first_run.summary
    assert executed(first_run) >= NODES
    assert summary["state"] == "done"
    assert summary["blessed"] is True
    assert summary["not_blessed_because"] == []
    version = summary["pushed"]["server"]["version"]
    folder = task.root / "pushed" / "server"
    assert (folder / version / "saved_model.pb").is_file()
    assert (folder / "latest").read_text().strip() == version


def test_the_summary_has_metrics_overall_and_by_slice_on_eval_and_test(first_run):
    metrics = first_run.summary["metrics"]
    for split in ("eval", "test"):
        assert metrics[split]["rows"] == sum(part["rows"] for part in metrics[split]["slices"].values())
        assert set(metrics[split]["slices"]) == {"source:shop", "source:web"}
        for name in ("accuracy", "macro_f1", "auc", "calibration_error", "precision_positive", "recall_negative"):
            assert 0.0 <= metrics[split][name] <= 1.0, name
    assert first_run.summary["baseline"]["splits"]["test"]["rows"] == metrics["test"]["rows"]


def test_model_and_linear_baseline_are_compared_row_by_row_on_both_splits(first_run):
    summary = first_run.summary
    for split in ("eval", "test"):
        found, scores = summary["beats_baseline"][split], summary["metrics"][split]
        assert found["rows"] == scores["rows"]
        assert found["model"] == pytest.approx(scores["macro_f1"], abs=1e-6)
        assert found["baseline"] == pytest.approx(summary["baseline"]["splits"][split]["macro_f1"])
        assert found["difference"]["low"] <= found["model"] - found["baseline"] <= found["difference"]["high"]
        assert found["name"] == summary["baseline"]["model"]


def test_the_summary_says_what_cleaning_did_with_every_row(first_run, task):
    cleaning = first_run.summary["data_cleaning"]
    lines = task.rows.read_text().splitlines()
    assert cleaning["rows"] == len(lines) - 1
    assert cleaning["rows"] == cleaning["kept"] + sum(cleaning["quarantined"].values())
    assert Path(cleaning["file"]).is_file()


def test_summary_and_cards_say_in_which_language_the_rows_are(first_run):
    found = first_run.summary["language"]
    assert next(iter(found["texts"])) == "en"
    assert (found["backbone"], found["problem"]) == ([], "")  # of random weights
    pushed = first_run.summary["pushed"]
    for card in (
        Path(pushed["server"]["path"]) / "assets.extra" / "model_card.json",
        Path(pushed["edge"]["path"]) / "model_card.json",
    ):
        assert json.loads(card.read_text(encoding="utf-8"))["languages"]["texts"] == found["texts"]


def test_the_summary_on_disk_is_the_one_of_the_latest_run(first_run, task):
    on_disk = json.loads((task.root / "history" / first_run.run_id / "summary.json").read_text())
    assert on_disk == first_run.summary
    assert (task.root / "history" / "latest").exists()
    assert (first_run.run_dir / "config.yaml").is_file()


def test_the_noise_of_tensorflow_and_tfx_is_in_the_log(first_run):
    log = (first_run.run_dir / "run.log").read_text()
    assert "Going to run a new execution" in log


def page_of(outcome) -> str:
    """What the report of a run says, without Plotly's own code."""
    assert outcome.summary["report"] == str(outcome.run_dir / "report.html")
    return Path(outcome.summary["report"]).read_text(encoding="utf-8").replace(get_plotlyjs(), "")


def gathered(task: tiny.TinyTask) -> dict:
    """What Reporter wrote in the session's first run; other files' tests may have run the task again."""
    reports = (task.root / "pipeline_root" / "Reporter" / "report").glob("*/report.json")
    return json.loads(min(reports, key=lambda path: int(path.parent.name)).read_text(encoding="utf-8"))


def test_a_run_ends_with_a_report_in_which_every_section_is_filled(first_run, task):
    page = page_of(first_run)
    assert 'class="absent"' not in page
    assert first_run.run_id in page
    assert first_run.summary["revision"] in page
    for name in ("lengths", "parallel", "slices-accuracy", "confusion", "calibration", "pareto-size", "sparsity",
                 "times"):  # fmt: skip
        assert f'id="plot-{name}"' in page
    assert {path.name for path in (task.root / "pipeline_root" / "Reporter" / "report").glob("*/*")} == {
        "report.json", "report.html"
    }  # fmt: skip


def test_the_report_says_what_the_summary_says(first_run, task):
    found = gathered(task)
    for split in ("eval", "test"):
        metrics, scores = first_run.summary["metrics"][split], found["quality"]["splits"][split]
        assert scores["model"] == metrics
        assert scores["intervals"][""]["accuracy"]["value"] == pytest.approx(metrics["accuracy"], abs=1e-6)
        assert scores["calibration"]["error"] == pytest.approx(metrics["calibration_error"], abs=1e-4)
        assert sum(map(sum, scores["confusion"])) == metrics["rows"]
        assert scores["intervals"]["source:web"]["accuracy"]["low"] <= metrics["slices"]["source:web"]["accuracy"]
    assert found["compression"]["selected"] == first_run.summary["edge"]["selected"]
    assert found["pushed"] == first_run.summary["pushed"]
    graph = dict(found["graph"])
    assert set(graph) == set(first_run.summary["states"])
    assert "Evaluator" in graph["Pusher"]
    order = list(graph)
    assert all(order.index(other) < order.index(name) for name, after in graph.items() for other in after)
    wrong = round((1 - first_run.summary["metrics"]["eval"]["accuracy"]) * first_run.summary["metrics"]["eval"]["rows"])
    assert found["errors"]["errors"] == wrong
    assert sum(map(sum, zip(*found["data"]["lengths"]["splits"].values(), strict=True))) == 400


def test_all_four_signatures_give_the_same_answer(first_run):
    served = tf.saved_model.load(first_run.summary["pushed"]["server"]["path"])
    texts = ["the film was great", "my order was awful and slow 3", "", "¿qué? [CLS] ☃"]
    examples = [
        tf.train.Example(
            features=tf.train.Features(
                feature={
                    name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
                    for name, value in (("text", text), ("label", "positive"), ("source", "web"), ("text_hash", "0"))
                }
            )
        ).SerializeToString()
        for text in texts
    ]
    by_text = served.signatures["serving_text"](text=tf.constant(texts))
    by_example = served.signatures["serving_default"](examples=tf.constant(examples))
    features = served.signatures["transform_features"](examples=tf.constant(examples))
    by_tokens = served.signatures["tokens"](
        token_ids=tf.cast(features["token_ids"], tf.int32), padding_mask=tf.cast(features["padding_mask"], tf.int32)
    )
    assert features["label_id"].numpy().tolist() == [1, 1, 1, 1]
    for other in (by_example, by_tokens):
        np.testing.assert_allclose(by_text["probabilities"], other["probabilities"], atol=1e-6)
    assert by_text["label"].numpy()[0] == b"positive"


def test_a_second_run_with_nothing_changed_executes_nothing(run, task):
    before = execution_counts(task)
    again = run()
    states = again.summary["states"]
    assert {node for node, state in states.items() if state == RESOLVED} == RESOLVERS
    assert {node for node, state in states.items() if state == CACHED} == set(states) - RESOLVERS
    page = page_of(again)
    assert f"{len(states) - len(RESOLVERS)} came from the cache" in page
    assert 'class="absent"' not in page
    after = execution_counts(task)
    assert {kind for kind in after if after[kind] != before.get(kind)} == {
        "tfx.dsl.components.common.resolver.Resolver"
    }
    versions = [path.name for path in (task.root / "pushed" / "server").iterdir() if path.name.isdigit()]
    assert len(versions) == 1


def test_the_nodes_command_foretells_what_a_run_would_do(first_run, task):
    cli = CliRunner()
    common = ["nodes", "--config", str(task.config), "--root", str(task.root)]
    unchanged = cli.invoke(local_runner.cli, common)
    assert unchanged.exit_code == 0, unchanged.output
    assert "to run" not in unchanged.output
    changed = cli.invoke(local_runner.cli, [*common, "--set", "trainer.epochs=1"])
    lines = {line.split()[0]: line for line in changed.output.splitlines() if line.strip()}
    assert "cached" in lines["Transform"]
    assert "to run" in lines["Trainer"]
    assert "to run" in lines["Pusher"]


REFUSED = ("evaluator.thresholds.accuracy.min=1.0", "evaluator.beats_baseline.margin=0.9")


def test_a_model_that_misses_a_bound_is_not_pushed_and_the_run_says_why(run, task):
    outcome = run(*REFUSED)
    assert outcome.error is None
    assert outcome.summary["blessed"] is False
    assert "Trainer" not in executed(outcome)
    assert outcome.summary["pushed"]["server"] is None
    reasons = {(item["metric"], item["slice"]): item for item in outcome.summary["not_blessed_because"]}
    missed = reasons["accuracy", "overall"]
    assert "at least 1 was" in missed["message"]
    behind = reasons["macro_f1 against the linear baseline", "overall"]
    assert "than the linear baseline plus 0.9 (evaluator.beats_baseline)" in behind["message"]
    assert behind["value"] == pytest.approx(outcome.summary["beats_baseline"]["eval"]["difference"]["value"])
    advice = outcome.summary["try"]
    assert bool(advice) == (outcome.summary["beats_baseline"]["eval"]["verdict"] != "better")
    assert all(line in html.unescape(page_of(outcome)) for line in advice)
    # TestEvaluator has no bounds, so that a new one measures nothing anew there.
    assert outcome.summary["states"]["TestEvaluator"] == "cached"
    versions = [path.name for path in (task.root / "pushed" / "server").iterdir() if path.name.isdigit()]
    assert len(versions) == 1


def test_an_unblessed_server_model_ships_no_bundle_either(run, task):
    outcome = run(*REFUSED)
    assert outcome.summary["pushed"]["edge"] is None
    assert "not blessed" in outcome.summary["edge"]["skipped"]
    page = page_of(outcome)
    for reason in outcome.summary["not_blessed_because"]:
        assert reason["message"] in html.unescape(page)
    assert "Nothing was compressed: the server model is not blessed." in page


def test_the_blessed_bundle_is_pushed_and_answers_from_raw_text(first_run, task):
    from edgeline_edge import Classifier

    edge = first_run.summary["edge"]
    assert edge["blessed"] is True
    assert first_run.summary["pushed"]["edge"]["path"].startswith(str(task.root))
    bundle = Classifier.load(f"{first_run.summary['pushed']['edge']['path']}/model.tflite")
    assert bundle.labels == ("negative", "positive")
    assert bundle.manifest.recipe == edge["selected"]
    assert bundle.predict(["the film was great"])[0].label == "positive"
    for name, variant in edge["variants"].items():
        for field in (
            "bytes",
            "size_ratio",
            "accuracy",
            "accuracy_drop",
            "latency_p50_ms",
            "latency_ratio",
            "agreement",
        ):
            assert field in variant, f"{name} has no {field}"
    assert sum(bool(variant.get("selected")) for variant in edge["variants"].values()) == 1


def test_rows_that_were_in_no_file_are_answered_by_the_server_model_and_by_the_bundle(first_run, task):
    from benchmarks.ours import drafted

    texts = ["the film was awful and ugly and slow", "the plot was great and lovely and fine"] * 40
    found = drafted.answers(loader.load(task.config), task.root, first_run.run_id, texts)
    for answers in (found["server"], found["bundle"]):
        assert answers == ["negative", "positive"] * 40
    assert found["blessed"]
    assert not found["why"]
    assert found["bytes"] > 1000
    assert not found["variants"][found["variant"]], "what shipped missed no bound"


def test_a_device_gives_the_answers_of_the_interpreter_here_on_the_whole_test_split(first_run, task):
    files = list((task.root / "pipeline_root" / "ExampleGen" / "examples").glob("*/Split-test/*"))
    split = read_raw_split(
        [str(file) for file in files], text="text", target=OneLabel(labels=["negative", "positive"]), slices=[]
    )
    bundle = Path(first_run.summary["pushed"]["edge"]["path"]) / "model.tflite"
    equal_labels, difference, tolerance = edge_parity.compare(bundle, split.texts)
    assert len(split.texts) == first_run.summary["metrics"]["test"]["rows"]
    assert equal_labels == 1.0
    assert difference <= tolerance


def test_a_new_edge_gate_measures_again_but_neither_prunes_nor_converts(run):
    outcome = run("edge_evaluator.gate.max_bytes=1")
    assert executed(outcome) == {"EdgeEvaluator", "EdgeModelCard", "EdgePusher", "Reporter"}
    assert outcome.error is None
    assert outcome.summary["edge"]["selected"] is None
    assert outcome.summary["pushed"]["edge"] is None


def test_the_last_best_hyperparameters_can_be_used_again(run, first_run):
    outcome = run("tuner.reuse=latest")
    taken = first_run.summary["training"]["settings"]
    assert outcome.summary["reused"]
    assert outcome.summary["reused"] == {name: taken[name] for name in outcome.summary["reused"]}
    assert "Tuner" not in outcome.summary["states"]
    assert "Nothing was searched" in page_of(outcome)
    assert outcome.summary["states"]["Trainer"] == CACHED  # the same values lead to the same model


def test_a_training_can_start_from_the_latest_blessed_model(run):
    outcome = run("trainer.warm_start=true", "trainer.epochs=1", only="Trainer")
    assert outcome.error is None
    assert outcome.summary["training"]["warm_start"] is True
    assert outcome.summary["training"]["history"]["val_accuracy"][0] > 0.7  # after one epoch


def test_require_blessing_exits_with_3(first_run, task):
    arguments = ["run", "--config", str(task.config), "--root", str(task.root), "--require-blessing"]
    result = CliRunner().invoke(local_runner.cli, [*arguments, "--set", "evaluator.thresholds.accuracy.min=1.0"])
    assert result.exit_code == local_runner.NOT_BLESSED, result.output
    assert "Not blessed" in result.output


def test_editing_the_trainer_runs_it_again_and_what_depends_on_it_and_nothing_else(run, monkeypatch, task):
    original = code_digest.of
    monkeypatch.setattr(
        code_digest, "of", lambda config, *names: "edited" if names == ("Trainer",) else original(config, *names)
    )
    outcome = run(only="Trainer")
    assert executed(outcome) == {"Trainer"}
    assert outcome.summary["states"]["Tuner"] == CACHED
    monkeypatch.undo()


def test_the_history_lists_the_runs_with_state_and_pushed_version(first_run, task):
    past = history.past_runs(TaskPaths(task.root))
    assert past[0].run_id == first_run.run_id
    assert past[0].state == "done"
    assert past[0].executed >= len(NODES)
    assert past[0].pushed["server"] == first_run.summary["pushed"]["server"]["version"]


def test_an_anomaly_stops_the_run_and_names_the_feature_and_the_reason(tmp_path):

    task = tiny.make(tmp_path / "anomaly", rows=60)
    schema = tmp_path / "anomaly" / "schema.pbtxt"
    schema.write_text(
        schema.read_text().replace(
            'name: "source" type: BYTES ',
            'name: "source" type: BYTES domain: "source" distribution_constraints { min_domain_mass: 0.9 } ',
        )
        + 'string_domain { name: "source" value: "shop" }\n'
    )
    outcome = tiny.run_task(task)
    assert outcome.summary["state"] == "failed"
    assert outcome.summary["failed_node"] == "ExampleValidator"
    assert "source" in outcome.summary["error"]
    assert "web" in outcome.summary["error"]
    assert "Trainer" not in outcome.summary["states"]
    page = page_of(outcome)
    assert "<strong>ExampleValidator failed.</strong>" in page
    assert "Rows by source" in page, "what was counted before the failure is shown"
    assert page.count('class="absent"') == 5
