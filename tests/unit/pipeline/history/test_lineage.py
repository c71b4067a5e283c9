"""`pipeline.history.lineage`: from a pushed version back to the rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2

import local_runner
from pipeline.history import begun
from pipeline.history.lineage import UnknownVersionError, trace
from pipeline.history.paths import TaskPaths

Execution, Event = metadata_store_pb2.Execution, metadata_store_pb2.Event


class Store:
    """Writes executions with their inputs and outputs as TFX does."""

    def __init__(self, paths: TaskPaths) -> None:
        connection = metadata_store_pb2.ConnectionConfig()
        connection.sqlite.filename_uri = str(paths.metadata)
        self.store = metadata_store.MetadataStore(connection)

    def _context(self, kind: str, name: str) -> metadata_store_pb2.Context:
        found = self.store.get_context_by_type_and_name(kind, name)
        if found is None:
            type_id = self.store.put_context_type(metadata_store_pb2.ContextType(name=kind))
            self.store.put_contexts([metadata_store_pb2.Context(type_id=type_id, name=name)])
            found = self.store.get_context_by_type_and_name(kind, name)
        return found

    def artifact(self, kind: str, uri: str, **properties: Any) -> int:
        type_id = self.store.put_artifact_type(metadata_store_pb2.ArtifactType(name=kind))
        found = metadata_store_pb2.Artifact(type_id=type_id, uri=uri)
        _set(found, properties)
        return self.store.put_artifacts([found])[0]

    def execute(
        self, run: str, node: str, inputs: dict[str, int], outputs: dict[str, int], *, cached: bool = False,
        **properties: Any,
    ) -> None:  # fmt: skip
        type_id = self.store.put_execution_type(metadata_store_pb2.ExecutionType(name=f"x.{node}"))
        state = Execution.CACHED if cached else Execution.COMPLETE
        execution = Execution(type_id=type_id, last_known_state=state)
        _set(execution, properties)
        contexts = [self._context("pipeline_run", run), self._context("node", f"p.{node}")]
        pairs = []
        for kind, given in ((Event.INPUT, inputs), (Event.OUTPUT, outputs)):
            for key, artifact_id in given.items():
                event = Event(type=kind, artifact_id=artifact_id)
                event.path.steps.add().key = key
                pairs.append((self.store.get_artifacts_by_id([artifact_id])[0], event))
        self.store.put_execution(execution, pairs, contexts)


def _set(message: Any, properties: dict[str, Any]) -> None:
    for name, value in properties.items():
        field = "int_value" if isinstance(value, int) else "string_value"
        setattr(message.custom_properties[name], field, value)


@pytest.fixture
def paths(tmp_path: Path) -> TaskPaths:
    return TaskPaths(tmp_path)


@pytest.fixture
def pushed(paths: TaskPaths) -> Store:
    """Two runs: the first made everything, the second took all but the bundle's push from the cache."""
    store = Store(paths)
    config = json.dumps({"splits": [{"name": "all", "pattern": "rows.csv"}]})
    rows = store.artifact("Examples", "/a/examples/1", span=3, input_fingerprint="xor:1", is_external=0)
    store.execute("r1", "ExampleGen", {}, {"examples": rows}, input_base="/data", input_config=config,
                  input_fingerprint="xor:1", span=3)  # fmt: skip
    graph = store.artifact("TransformGraph", "/a/graph/2")
    store.execute("r1", "Transform", {"examples": rows}, {"transform_graph": graph})
    model = store.artifact("Model", "/a/model/3")
    store.execute("r1", "Trainer", {"examples": rows, "transform_graph": graph}, {"model": model})
    server = store.artifact("PushedModel", "/a/pushed/4", pushed=1, pushed_version="1767225600",
                            pushed_destination=str(paths.pushed / "server" / "1767225600"))  # fmt: skip
    store.execute("r1", "Pusher", {"model": model}, {"pushed_model": server})
    store.execute("r2", "Trainer", {"examples": rows, "transform_graph": graph}, {"model": model}, cached=True)
    edge = store.artifact("PushedModel", "/a/pushed/5", pushed=1, pushed_version="1767225700",
                          pushed_destination=str(paths.pushed / "edge" / "1767225700"))  # fmt: skip
    store.execute("r2", "EdgePusher", {"model": model}, {"pushed_model": edge})
    store.artifact("PushedModel", "/a/pushed/6", pushed=0)
    for run, digest in (("r1", "d1"), ("r2", "d2")):
        paths.run_dir(run).mkdir(parents=True)
        (paths.run_dir(run) / "summary.json").write_text(json.dumps({"config_digest": digest, "profile": "quick"}))
    (paths.pushed / "server" / "1767225600").mkdir(parents=True)
    (paths.pushed / "server" / "latest").write_text("1767225600\n")
    return store


def test_a_version_leads_back_to_the_file_that_was_read(paths: TaskPaths, pushed: Store) -> None:
    found = trace(paths, "1767225600")
    assert (found["kind"], found["there"]) == ("server", True)
    assert found["run"] == {"id": "r1", "profile": "quick", "config_digest": "d1"}
    [rows] = found["rows"]
    assert (rows["input_base"], rows["input_fingerprint"], rows["span"]) == ("/data", "xor:1", 3)
    pusher = found["artifact"]["made_by"]
    assert (pusher["node"], pusher["run_id"], pusher["config_digest"]) == ("Pusher", "r1", "d1")
    [model] = pusher["inputs"]
    trainer = model["artifact"]["made_by"]
    assert [item["key"] for item in trainer["inputs"]] == ["examples", "transform_graph"]
    examples = trainer["inputs"][0]["artifact"]
    assert examples["told"] == {"span": 3, "input_fingerprint": "xor:1"}
    assert examples["made_by"]["inputs"] == []
    assert json.loads(json.dumps(found)) == found


def test_what_was_told_already_is_not_told_again(paths: TaskPaths, pushed: Store) -> None:
    trainer = trace(paths, "latest")["artifact"]["made_by"]["inputs"][0]["artifact"]["made_by"]
    again = trainer["inputs"][1]["artifact"]["made_by"]["inputs"][0]["artifact"]
    assert again == {"id": trainer["inputs"][0]["artifact"]["id"], "type": "Examples", "again": True}


def test_the_execution_that_made_it_is_named_and_not_one_that_found_it_in_the_cache(
    paths: TaskPaths, pushed: Store
) -> None:
    found = trace(paths, "edge/1767225700")
    assert (found["run"]["id"], found["there"]) == ("r2", False)
    model = found["artifact"]["made_by"]["inputs"][0]["artifact"]
    assert model["made_by"]["run_id"] == "r1"


def test_a_version_is_that_of_the_run_that_brought_it_and_not_of_one_that_found_it_there(
    paths: TaskPaths, pushed: Store
) -> None:
    again = pushed.artifact("PushedModel", "/a/pushed/9", pushed=1, pushed_version="1767225600",
                            pushed_destination=str(paths.pushed / "server" / "1767225600"))  # fmt: skip
    pushed.execute("r3", "Pusher", {}, {"pushed_model": again})
    assert trace(paths, "server/1767225600")["run"]["id"] == "r1"


@pytest.mark.parametrize(
    "wanted",
    ["1767225600", "server/1767225600", "latest", "server/latest", "{root}/pushed/server/1767225600",
     "{root}/pushed/server/1767225600/saved_model.pb", "{root}/pushed/server/1767225600/"],
)  # fmt: skip
def test_a_version_is_named_by_number_place_or_path(paths: TaskPaths, pushed: Store, wanted: str) -> None:
    assert trace(paths, wanted.format(root=paths.root))["version"] == "1767225600"


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("1767225601", "Did you mean 1767225"),
        ("server/1767225700", "Did you mean "),
        ("x", "There are: server/1767225600, edge/1767225700."),
    ],
)
def test_a_version_that_was_never_pushed_is_one_line_with_the_nearest(
    paths: TaskPaths, pushed: Store, wanted: str, told: str
) -> None:
    with pytest.raises(UnknownVersionError) as caught:
        trace(paths, wanted)
    assert told in str(caught.value)
    assert str(caught.value).startswith(f"{wanted}: no such version was pushed.")


def test_where_nothing_ran_nothing_was_pushed_and_no_store_is_made(paths: TaskPaths) -> None:
    with pytest.raises(UnknownVersionError, match="There are: none"):
        trace(paths, "latest")
    assert not paths.metadata.exists()


def test_the_command_draws_the_tree_and_ends_with_the_rows(
    paths: TaskPaths, pushed: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yaml").write_text("task: a\nlabels: [x, y]\nschema_path: s\ndata: {path: d.csv}\n")
    monkeypatch.chdir(tmp_path)
    common = ["lineage", "-c", "a.yaml", "--root", str(tmp_path)]
    result = CliRunner().invoke(local_runner.cli, common)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0] == "server 1767225600  pushed/server/1767225600"
    assert [word for word in ("Pusher", "Trainer", "Transform", "ExampleGen") if word not in result.output] == []
    assert lines[-2:] == ["Rows      /data/rows.csv, span 3", "          xor:1"]
    wrong = CliRunner().invoke(local_runner.cli, [*common, "176722560"])
    assert wrong.exit_code == 2
    assert wrong.output.startswith("Error: 176722560: no such version was pushed. Did you mean ")
    assert json.loads(CliRunner().invoke(local_runner.cli, [*common, "--json"]).output)["kind"] == "server"


def test_a_version_from_before_the_store_was_lost_is_told(paths: TaskPaths) -> None:
    (paths.pushed / "server" / "17").mkdir(parents=True)
    (paths.pushed / "server" / "latest").write_text("17\n")
    for wanted in ("latest", "17", "server/17"):
        with pytest.raises(UnknownVersionError, match=r"pushed/server/17 is there, but the metadata store"):
            trace(paths, wanted)
    (paths.pushed / "server" / "latest").write_bytes(b"\xff\x00garbage")
    with pytest.raises(UnknownVersionError, match="no such version was pushed"):
        trace(paths, "latest")


def test_a_version_of_a_run_that_is_going_on_or_was_killed_knows_its_configuration(
    paths: TaskPaths, pushed: Store
) -> None:
    (paths.run_dir("r1") / "summary.json").unlink()
    begun.begin(paths, "r1", profile="full", config_digest="of its beginning")
    found = trace(paths, "1767225600")
    assert found["run"] == {"id": "r1", "profile": "full", "config_digest": "of its beginning"}
    assert found["artifact"]["made_by"]["config_digest"] == "of its beginning"
