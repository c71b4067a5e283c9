"""A run that is killed again and again, in every node and at the worst moments, and still comes to one clean push."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import ml_metadata
import pytest
import tiny
import yaml
from ml_metadata.proto import metadata_store_pb2

from pipeline import nodes
from pipeline.history.history import past_runs
from pipeline.history.paths import TaskPaths

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
KILLER = Path(__file__).parent / "killed_runner.py"
# Registers a model with Vertex AI, which no machine of ours is.
ELSEWHERE = {"RegistryPusher"}
# In the middle of a node: before it is killed at its end, or after.
INGESTING = {"at": "pipeline.ingest.example_gen:to_example", "call": 50, "signal": "SIGTERM"}
TRAINING = {"at": "modules.training.resume:BestWeights.on_epoch_end", "call": 3, "signal": "SIGKILL"}
PUSHING = {"at": "pipeline.components.pusher:_point_latest", "call": 1, "signal": "SIGKILL"}
# Stands in the graph in place of Tuner.
REUSING = {"at": "LatestHyperparametersResolver", "signal": "SIGKILL", "more": ["--set", "tuner.reuse=latest"]}
BEFORE = {"ExampleGen": INGESTING, "Trainer": TRAINING, "Pusher": PUSHING}


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> tiny.TinyTask:
    """The tiny task with all that brings a node: a span, what was served, a search, a model to start from."""
    task = tiny.make(tmp_path_factory.mktemp("killed"), rows=240)
    span = task.folder / "span-1" / "rows.csv"
    span.parent.mkdir()
    task.rows.rename(span)
    with span.open(newline="") as stream, (task.folder / "served.jsonl").open("w") as served:
        for row in csv.DictReader(stream):
            served.write(json.dumps({"text": row["text"], "source": row["source"]}) + "\n")
    values = yaml.safe_load(task.config.read_text())
    values["data"] |= {"path": f"{task.folder}/span-{{SPAN}}/*", "serving_logs": str(task.folder / "served.jsonl")}
    values["trainer"] |= {"warm_start": True}
    values["tuner"] |= {"trials": 1}
    task.config.write_text(yaml.safe_dump(values, sort_keys=False))
    return task


@pytest.fixture(scope="module")
def finished(task: tiny.TinyTask) -> tuple[list[dict], list[int], list[str]]:
    """The kills, and the exit codes and screens of the runs, of which the last one is killed by nobody."""
    plan = task.folder / "plan.json"
    plan.write_text(json.dumps({"before": BEFORE, "after": [REUSING]}))
    command = [sys.executable, str(KILLER), str(plan), "run", "--config", str(task.config), "--root", str(task.root)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=1500, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    kills, codes = (json.loads(plan.with_suffix(suffix).read_text()) for suffix in (".kills", ".codes"))
    return kills, codes, [Path(f"{plan}.{number}").read_text() for number in range(len(codes))]


@pytest.fixture(scope="module")
def summary(task: tiny.TinyTask, finished: tuple) -> dict:
    return json.loads((task.root / "history" / "latest" / "summary.json").read_text())


def test_every_node_is_killed_and_the_run_after_the_last_kill_is_done(finished, record_property):
    kills, codes, screens = finished
    record_property("faults", len(kills))
    assert {name for kill in kills if ":" not in (name := kill["at"])} == set(nodes.rows()) - ELSEWHERE
    expected = {"SIGTERM": 1, "SIGKILL": -9}
    for kill, code, screen in zip(kills, codes, screens, strict=False):
        assert code == expected[kill["signal"]], f"{kill['at']} was never reached, or not survived:\n{screen}"
    assert codes[-1] == 0, screens[-1]


def test_each_run_goes_on_where_the_killed_one_was(finished):
    """What a run has published is never done again, and what it has not is."""
    kills, _, screens = finished
    cached = {name for name, row in nodes.rows().items() if row.cached}
    ended: set[str] = set()
    for kill, screen in zip([*kills, {"at": "nowhere"}], screens, strict=True):
        if kill == REUSING:  # another graph
            continue
        for node in ended:
            assert f"= {node}: cached" in screen, f"before the kill at {kill['at']}, {node} was done again"
        ended |= {line.split()[1].rstrip(":") for line in screen.splitlines() if line.startswith("✓")} & cached
    assert ended == {kill["at"] for kill in kills} & cached


def test_a_killed_training_goes_on_from_its_checkpoint(finished):
    kills, _, screens = finished
    assert "resuming after step" in screens[kills.index(TRAINING) + 1]


def test_the_last_run_leaves_one_clean_push(summary, task):
    for kind, content in (("server", "saved_model.pb"), ("edge", "model.tflite")):
        folder = task.root / "pushed" / kind
        names = sorted(path.name for path in folder.iterdir())
        versions = [name for name in names if name.isdigit()]
        assert versions == [summary["pushed"][kind]["version"]]
        assert names == sorted([*versions, "latest"])
        assert (folder / versions[0] / content).is_file()


def test_the_history_says_what_became_of_every_run(finished, task):
    kills, _, screens = finished
    assert "Stopped. The next run goes on from here." in screens[kills.index(INGESTING)]
    past = past_runs(TaskPaths(task.root))
    assert [run.state for run in past] == ["stopped"] * len(kills) + ["done"]
    # One that is told to end comes to a summary, one that is killed does not.
    assert [bool(run.summary) for run in past] == [kill == INGESTING for kill in kills] + [True]


def test_nothing_half_written_is_left_and_no_execution_running(finished, task):
    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = str(task.root / "metadata.db")
    states = {item.id: item.last_known_state for item in ml_metadata.MetadataStore(connection).get_executions()}
    assert metadata_store_pb2.Execution.RUNNING not in states.values()
    left = [path for path in (task.root / "pipeline_root").glob("*/*/*") if path.name.isdigit()]
    assert left
    assert {states[int(path.name)] for path in left} == {metadata_store_pb2.Execution.COMPLETE}
    assert not list((task.root / "pushed").rglob("*.partial"))
