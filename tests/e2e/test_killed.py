"""A run that is killed again and again, at the worst moments, and still comes to one clean push."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import ml_metadata
import pytest
import tiny
from ml_metadata.proto import metadata_store_pb2

from pipeline.history.history import past_runs
from pipeline.history.paths import TaskPaths

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
KILLER = Path(__file__).parent / "killed_runner.py"

# Where it is killed and how, and which nodes the next run must find in the cache.
KILLS = [
    ("pipeline.ingest.example_gen:to_example", 50, signal.SIGTERM, set()),
    # The second time: the first is StatisticsGen's, which looks at texts as well.
    ("modules.text.tokenization:wordpiece", 2, signal.SIGKILL, {"ExampleGen", "StatisticsGen", "ExampleValidator"}),
    ("modules.training.resume:BestWeights.on_epoch_end", 3, signal.SIGKILL, {"ExampleGen", "Transform", "Tuner"}),
    ("pipeline.components.pusher:_point_latest", 1, signal.SIGKILL, {"Trainer", "Evaluator"}),
]


def start(task: tiny.TinyTask, *before: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *before, "run", "--config", str(task.config), "--root", str(task.root)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=600, check=False
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[tiny.TinyTask, list[str], dict]:
    task = tiny.make(tmp_path_factory.mktemp("killed"))
    screens = []
    for target, call, number, _ in KILLS:
        done = start(task, str(KILLER), target, str(call), number.name)
        expected = 1 if number == signal.SIGTERM else -number
        assert done.returncode == expected, f"{target} was never reached:\n{done.stdout}\n{done.stderr}"
        screens.append(done.stdout)
    done = start(task, "local_runner.py")
    assert done.returncode == 0, done.stdout + done.stderr
    screens.append(done.stdout)
    return task, screens, json.loads((task.root / "history" / "latest" / "summary.json").read_text())


def test_each_run_goes_on_where_the_killed_one_was(finished):
    _, screens, _ = finished
    for (target, *_, cached), next_screen in zip(KILLS, screens[1:], strict=True):
        for node in cached:
            assert f"= {node}: cached" in next_screen, f"after the kill in {target}, {node} was done again"


def test_a_killed_training_goes_on_from_its_checkpoint(finished):
    _, screens, _ = finished
    assert "resuming after step" in screens[3]


def test_the_last_run_leaves_one_clean_push(finished):
    task, _, summary = finished
    folder = task.root / "pushed" / "server"
    names = sorted(path.name for path in folder.iterdir())
    versions = [name for name in names if name.isdigit()]
    assert versions == [summary["pushed"]["server"]["version"]]
    assert names == sorted([*versions, "latest"])
    assert (folder / versions[0] / "saved_model.pb").is_file()


def test_the_history_says_what_became_of_every_run(finished):
    task, screens, _ = finished
    assert "Stopped. The next run goes on from here." in screens[0]
    past = past_runs(TaskPaths(task.root))
    assert [run.state for run in past] == ["stopped"] * len(KILLS) + ["done"]
    # One that is told to end comes to a summary, one that is killed does not.
    assert [bool(run.summary) for run in past] == [True, False, False, False, True]


def test_nothing_half_written_is_left_and_no_execution_running(finished):
    task, _, _ = finished
    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = str(task.root / "metadata.db")
    states = {item.id: item.last_known_state for item in ml_metadata.MetadataStore(connection).get_executions()}
    assert metadata_store_pb2.Execution.RUNNING not in states.values()
    left = [path for path in (task.root / "pipeline_root").glob("*/*/*") if path.name.isdigit()]
    assert left
    assert {states[int(path.name)] for path in left} == {metadata_store_pb2.Execution.COMPLETE}
    assert not list((task.root / "pushed").rglob("*.partial"))
