"""`pipeline.history.history`: past runs as the metadata store knows them."""

from __future__ import annotations

import json
from pathlib import Path

import filelock
import pytest
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2

from pipeline.history import begun
from pipeline.history.history import find_run, past_runs, read_summary
from pipeline.history.paths import TaskPaths

States = metadata_store_pb2.Execution


class Store:
    """Writes runs as TFX does."""

    def __init__(self, paths: TaskPaths) -> None:
        connection = metadata_store_pb2.ConnectionConfig()
        connection.sqlite.filename_uri = str(paths.metadata)
        self.store = metadata_store.MetadataStore(connection)
        self.context_type = self.store.put_context_type(metadata_store_pb2.ContextType(name="pipeline_run"))
        self.pushed_type = self.store.put_artifact_type(metadata_store_pb2.ArtifactType(name="PushedModel"))

    def run(self, name: str, *states: int, resolvers: int = 0, pushed: tuple[str, str] | None = None) -> None:
        [context] = self.store.put_contexts([metadata_store_pb2.Context(type_id=self.context_type, name=name)])
        kinds = ["tfx.components.Trainer"] * len(states) + ["tfx.dsl.components.common.resolver.Resolver"] * resolvers
        for kind, state in zip(kinds, [*states, *[States.COMPLETE] * resolvers], strict=True):
            kind_id = self.store.put_execution_type(metadata_store_pb2.ExecutionType(name=kind))
            execution = States(type_id=kind_id, last_known_state=state)
            artifacts = []
            if pushed and state == States.COMPLETE and kind == kinds[0]:
                artifact = metadata_store_pb2.Artifact(type_id=self.pushed_type, uri=f"/artifact/{name}")
                artifact.custom_properties["pushed"].int_value = 1
                artifact.custom_properties["pushed_destination"].string_value = pushed[0]
                artifact.custom_properties["pushed_version"].string_value = pushed[1]
                artifacts = [(artifact, None)]
                pushed = None
            self.store.put_execution(execution, artifacts, [metadata_store_pb2.Context(id=context, **{
                "type_id": self.context_type, "name": name})])  # fmt: skip


@pytest.fixture
def paths(tmp_path: Path) -> TaskPaths:
    return TaskPaths(tmp_path)


def summarise(paths: TaskPaths, run: str, **values: object) -> None:
    paths.run_dir(run).mkdir(parents=True)
    (paths.run_dir(run) / "summary.json").write_text(json.dumps(values), encoding="utf-8")


def test_a_task_that_never_ran_has_no_history(paths: TaskPaths) -> None:
    assert past_runs(paths) == []
    assert not paths.metadata.exists(), "asking must not create the store"
    assert read_summary(paths, "latest") == {}


def test_a_run_is_listed_with_what_it_executed_and_pushed(paths: TaskPaths) -> None:
    store = Store(paths)
    store.run("r1", States.COMPLETE, States.CACHED, States.COMPLETE, resolvers=2, pushed=("/x/server/17", "17"))
    summarise(paths, "r1", state="done", blessed=True)
    [run] = past_runs(paths)
    assert (run.run_id, run.state, run.executed, run.cached) == ("r1", "done", 2, 1)
    assert run.pushed == {"server": "17"}
    assert run.summary["blessed"] is True
    assert run.started.tzinfo is not None


@pytest.mark.parametrize(
    ("states", "summary", "expected"),
    [
        ([States.COMPLETE, States.FAILED], None, "failed"),
        ([States.COMPLETE], None, "stopped"),
        ([], None, "stopped"),
        ([States.COMPLETE, States.RUNNING], None, "stopped"),  # killed: nobody holds the lock
        ([States.COMPLETE, States.CANCELED], None, "stopped"),
        ([States.COMPLETE, States.RUNNING], "stopped", "stopped"),
        ([States.COMPLETE, States.FAILED], "failed", "failed"),
        ([States.COMPLETE, States.FAILED], "done", "done"),
    ],
)
def test_the_state_tells_a_failed_run_from_a_killed_one(
    paths: TaskPaths, states: list[int], summary: str | None, expected: str
) -> None:
    Store(paths).run("r1", *states)
    if summary:
        summarise(paths, "r1", state=summary)
    assert [run.state for run in past_runs(paths)] == [expected]


def test_only_the_newest_run_is_going_on_and_only_while_somebody_holds_the_lock(paths: TaskPaths) -> None:
    store = Store(paths)
    store.run("r1", States.RUNNING)
    store.run("r2", States.COMPLETE, States.RUNNING)
    with filelock.FileLock(paths.lock):
        assert [run.state for run in past_runs(paths)] == ["stopped", "running"]
    assert [run.state for run in past_runs(paths)] == ["stopped", "stopped"]


def begin(paths: TaskPaths, name: str) -> None:
    paths.run_dir(name).mkdir(parents=True)
    begun.begin(paths, name, profile="quick", config_digest="abc")


def test_a_run_that_was_killed_during_the_imports_is_listed(paths: TaskPaths) -> None:
    begin(paths, "r1")
    [run] = past_runs(paths)
    assert (run.run_id, run.state, run.profile, run.config_digest) == ("r1", "stopped", "quick", "abc")
    assert not paths.metadata.exists()


def test_runs_whose_store_is_lost_are_still_listed(paths: TaskPaths) -> None:
    begin(paths, "r1")
    pushed = {"server": {"version": "17", "path": "/x/server/17"}, "edge": None}
    (paths.run_dir("r1") / "summary.json").write_text(
        json.dumps({"state": "done", "states": {"A": "executed", "B": "cached", "C": "resolved"}, "pushed": pushed})
    )
    [run] = past_runs(paths)
    assert (run.state, run.executed, run.cached, run.pushed) == ("done", 1, 1, {"server": "17"})


def test_everybody_agrees_which_run_is_the_newest_after_the_clock_was_set_back(paths: TaskPaths) -> None:
    for name in ("20260101T120000", "20200101T120000", "20200101T120001"):
        begin(paths, name)
    for name in ("20260101T120000", "20200101T120000"):
        (paths.run_dir(name) / "summary.json").write_text(json.dumps({"state": "done"}))
        paths.point_latest(name)
    past = past_runs(paths)
    assert [run.run_id for run in past] == ["20260101T120000", "20200101T120000", "20200101T120001"]
    newest = (paths.history / "latest").resolve().name
    assert find_run(past, "latest").run_id == begun.newest_finished(paths) == newest == "20200101T120000"
    # And without the pointer.
    (paths.history / "latest").unlink()
    assert begun.newest_finished(paths) == "20200101T120000"


def test_runs_are_listed_oldest_first(paths: TaskPaths) -> None:
    store = Store(paths)
    for name in ("z", "b", "m"):
        store.run(name, States.COMPLETE)
    assert [run.run_id for run in past_runs(paths)] == ["z", "b", "m"]


def test_the_history_can_be_read_while_another_process_writes(paths: TaskPaths) -> None:
    writer = Store(paths)
    writer.run("r1", States.RUNNING)
    with filelock.FileLock(paths.lock):
        assert [run.state for run in past_runs(paths)] == ["running"]
    writer.run("r2", States.COMPLETE)
    assert len(past_runs(paths)) == 2
