"""What lies at a place is not what lay there before: pushes, cached outputs and rows are known by their content."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from modules import content

import pytest
import tiny
from tiny import run_task

from pipeline.components import pusher

pytestmark = pytest.mark.slow

# The server's branch alone, quickly: what is asked here is not how good a model is.
SHORT = ("edge=false", "tuner.enabled=false", "trainer.epochs=2", "trainer.early_stopping_patience=1")
BOUNDS = ("evaluator.thresholds={accuracy: {min: 0.1}}",)


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> tiny.TinyTask:
    return tiny.make(tmp_path_factory.mktemp("identity"), rows=200)


def run(task: tiny.TinyTask, *overrides: str, **options: Any) -> dict[str, Any]:
    outcome = run_task(task, *SHORT, *BOUNDS, *overrides, **options)
    assert outcome.error is None, outcome.error
    return outcome.summary


def executed(summary: dict[str, Any]) -> set[str]:
    return {node for node, state in summary["states"].items() if state == "executed"}


def test_a_root_that_loses_things_gets_them_back_and_nothing_old_passes_for_new(
    task: tiny.TinyTask, record_property: Any
) -> None:
    record_property("faults", 4)
    server = task.root / "pushed" / "server"
    first = run(task)
    version = first["pushed"]["server"]["version"]
    run(task)  # Evaluator finds a baseline now
    assert executed(run(task)) == set()

    # A version that is gone is pushed again, and the printed path exists.
    shutil.rmtree(server / version)
    again = run(task)
    assert executed(again) <= {"Pusher", "Reporter"}
    assert Path(again["pushed"]["server"]["path"]).is_dir()
    assert "gone" in again["made_again"]["Pusher"]

    # `latest` that names nothing is mended.
    (server / "latest").write_text("garbage")
    run(task)
    assert pusher.latest_version(str(server)) == again["pushed"]["server"]["version"]

    # Other rows of equal size under the old time are read.
    stamp = task.rows.stat()
    head, *rows = task.rows.read_bytes().splitlines(keepends=True)
    task.rows.write_bytes(head + b"".join(rows[::-1]))
    os.utime(task.rows, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert executed(run(task, only="ExampleGen")) == {"ExampleGen"}

    # Executions count from 1 again, and `Trainer/model/N` is another model.
    before = {name: content.tree(str(server / name)) for name in pusher.versions(str(server))}
    (task.root / "metadata.db").unlink()
    shutil.rmtree(task.root / "pipeline_root")
    other = run(task, "trainer.seed=77")
    pushed = Path(other["pushed"]["server"]["path"])
    assert pushed.name not in before
    serving = next((task.root / "pipeline_root" / "Trainer" / "model").glob("*/Format-Serving"))
    assert pusher.content_of(str(pushed)) == pusher.content_of(str(serving))
    card = json.loads((pushed / "assets.extra" / "model_card.json").read_text())
    assert card["training"]["seed"] == 77
    assert {name: content.tree(str(server / name)) for name in before} == before
