"""`pipeline.local.execute`: nodes run one after another, and whoever watches hears what became of each."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from modules import content

import pytest
from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.orchestration import metadata
from tfx.orchestration import pipeline as pipeline_module
from tfx.types import component_spec, standard_artifacts

from pipeline.history.states import CACHED, EXECUTED, FAILED, NodeResult
from pipeline.local import cache_state, execute


class Executor(base_executor.BaseExecutor):
    """Writes a file; fails if it is told to."""

    def Do(self, input_dict: Any, output_dict: Any, exec_properties: Any) -> None:  # noqa: N802
        settings = json.loads(exec_properties["settings"])
        with Path(settings["log"]).open("a", encoding="utf-8") as log:
            log.write(f"{settings['name']}\n")
        if Path(settings["log"]).with_name(f"fail-{settings['name']}").exists():
            raise ValueError(f"{settings['name']} was told to fail")
        for artifacts in output_dict.values():
            (Path(artifacts[0].uri) / "out.txt").write_text(settings["name"], encoding="utf-8")


class Spec(component_spec.ComponentSpec):
    PARAMETERS = {"settings": component_spec.ExecutionParameter(type=str)}
    INPUTS = {"before": component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True)}
    OUTPUTS = {"after": component_spec.ChannelParameter(type=standard_artifacts.Model)}


class Step(base_component.BaseComponent):
    SPEC_CLASS = Spec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, name: str, log: Path, before: "Step | None" = None) -> None:
        super().__init__(
            Spec(
                settings=json.dumps({"name": name, "log": str(log)}),
                after=types.Channel(type=standard_artifacts.Model),
                **({"before": before.outputs["after"]} if before else {}),
            )
        )
        self.with_id(name)


class Heard:
    """Notes what a display would hear."""

    def __init__(self) -> None:
        self.started_nodes: list[str] = []
        self.results: list[NodeResult] = []

    def started(self, node: str) -> None:
        self.started_nodes.append(node)

    def ended(self, result: NodeResult) -> None:
        self.results.append(result)

    @property
    def states(self) -> dict[str, str]:
        return {result.node: result.state for result in self.results}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where each execution writes its name."""
    return tmp_path / "log.txt"


def compiled(tmp_path: Path, log: Path) -> Any:
    """`A` before `B` before `C`, and `D` alone."""
    a = Step("A", log)
    b = Step("B", log, a)
    steps = [a, b, Step("C", log, b), Step("D", log)]
    return execute.compile_pipeline(
        pipeline_module.Pipeline(
            pipeline_name="steps", pipeline_root=str(tmp_path / "root"), components=steps, enable_cache=True,
            metadata_connection_config=metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.db")),
        )
    )  # fmt: skip


def run(tmp_path: Path, log: Path, name: str, **options: Any) -> Heard:
    heard = Heard()
    execute.run(compiled(tmp_path, log), name, heard, **options)
    return heard


def executed(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8").split() if log.exists() else []


def test_the_graph_knows_who_needs_whom(tmp_path: Path, log: Path) -> None:
    ir = compiled(tmp_path, log)
    assert set(execute.node_ids(ir)) == {"A", "B", "C", "D"}
    assert execute.node_ids(ir).index("A") < execute.node_ids(ir).index("B") < execute.node_ids(ir).index("C")
    assert execute.downstream(ir, "B") == {"B", "C"}
    assert execute.downstream(ir, "D") == {"D"}
    assert execute.upstream(ir, "B") == {"A", "B"}
    assert execute.upstream(ir, "C") == {"A", "B", "C"}


def test_a_second_run_executes_nothing(tmp_path: Path, log: Path) -> None:
    first = run(tmp_path, log, "first")
    assert first.states == dict.fromkeys("ABCD", EXECUTED)
    second = run(tmp_path, log, "second")
    assert second.states == dict.fromkeys("ABCD", CACHED)
    assert sorted(executed(log)) == ["A", "B", "C", "D"]
    assert first.started_nodes == [result.node for result in first.results]


def test_only_the_chosen_nodes_run_and_the_uncached_ones_run_again(tmp_path: Path, log: Path) -> None:
    assert run(tmp_path, log, "first", chosen={"A", "B"}).states == {"A": EXECUTED, "B": EXECUTED}
    assert run(tmp_path, log, "second", uncached={"B"}).states == {
        "A": CACHED, "B": EXECUTED, "C": EXECUTED, "D": EXECUTED,
    }  # fmt: skip
    assert sorted(executed(log)) == ["A", "B", "B", "C", "D"]


def test_a_failed_node_stops_the_run_and_the_next_run_goes_on_there(tmp_path: Path, log: Path) -> None:
    log.with_name("fail-B").touch()
    heard = Heard()
    with pytest.raises(execute.NodeError, match=r"B failed: .*B was told to fail") as caught:
        execute.run(compiled(tmp_path, log), "first", heard, chosen={"A", "B", "C"})
    assert caught.value.node == "B"
    assert caught.value.__cause__ is not None
    assert heard.states == {"A": EXECUTED, "B": FAILED}
    log.with_name("fail-B").unlink()
    assert run(tmp_path, log, "second", chosen={"A", "B", "C"}).states == {"A": CACHED, "B": EXECUTED, "C": EXECUTED}


def test_what_a_killed_run_left_running_is_closed(tmp_path: Path, log: Path) -> None:
    run(tmp_path, log, "first", chosen={"A"})
    connection = execute.connection_config(compiled(tmp_path, log))
    with metadata.Metadata(connection) as handle:
        [execution] = handle.store.get_executions()
        execution.last_known_state = metadata_store_pb2.Execution.RUNNING
        handle.store.put_executions([execution])
    half = tmp_path / "root" / "A" / "after" / str(execution.id)
    (half / "more").mkdir(parents=True, exist_ok=True)
    whole = half.with_name("4711")
    whole.mkdir()
    assert execute.close_abandoned(connection, tmp_path / "root") == 1
    assert execute.close_abandoned(connection, tmp_path / "root") == 0
    assert not half.exists(), "what a killed node had written stays for ever"
    assert whole.is_dir()
    with metadata.Metadata(connection) as handle:
        [execution] = handle.store.get_executions()
        assert execution.last_known_state == metadata_store_pb2.Execution.CANCELED
    assert run(tmp_path, log, "second", chosen={"A"}).states == {"A": EXECUTED}, "a killed node's output is never used"


def test_the_cache_can_be_asked_without_running_or_writing_anything(tmp_path: Path, log: Path) -> None:
    file = tmp_path / "metadata.db"
    assert cache_state.cache_state(compiled(tmp_path, log), file) == dict.fromkeys("ABCD", cache_state.PENDING)
    assert not file.exists()
    run(tmp_path, log, "first", chosen={"A", "B"})
    before = file.read_bytes()
    assert cache_state.cache_state(compiled(tmp_path, log), file) == {
        "A": CACHED, "B": CACHED, "C": cache_state.PENDING, "D": cache_state.PENDING,
    }  # fmt: skip
    assert file.read_bytes() == before
    assert executed(log) == ["A", "B"]


@pytest.mark.parametrize("damage", ["deleted", "changed", "added", "changed under its old time", "folder deleted"])
def test_a_node_whose_cached_output_is_not_as_it_was_left_runs_again_and_says_why(
    tmp_path: Path, log: Path, damage: str
) -> None:
    run(tmp_path, log, "first", chosen={"A", "B"})
    [file] = (tmp_path / "root" / "A").rglob("out.txt")
    if damage == "deleted":
        file.unlink()
    elif damage == "added":
        file.with_name("more.txt").touch()
    elif damage == "folder deleted":
        shutil.rmtree(file.parent)
    else:
        stamp = file.stat()
        file.write_text("Z", encoding="utf-8")
        if damage == "changed under its old time":
            os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert cache_state.cache_state(compiled(tmp_path, log), tmp_path / "metadata.db")["A"] == cache_state.PENDING
    heard = run(tmp_path, log, "second", chosen={"A", "B"})
    assert heard.states == {"A": EXECUTED, "B": EXECUTED}
    assert heard.results[0].note.startswith("made again: ")
    assert str(file.parent) in heard.results[0].note
    assert heard.results[1].note == ""
    assert run(tmp_path, log, "third", chosen={"A", "B"}).states == {"A": CACHED, "B": CACHED}


def test_what_was_copied_or_touched_is_still_what_it_was_and_is_read_once(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, log, "first", chosen={"A"})
    [file] = (tmp_path / "root" / "A").rglob("out.txt")
    os.utime(file, (1, 1))
    read: list[str] = []
    original = content.of_file
    monkeypatch.setattr(content, "of_file", lambda path, **options: read.append(path) or original(path, **options))
    for name in ("second", "third"):
        assert run(tmp_path, log, name, chosen={"A"}).states == {"A": CACHED}
    assert read == [str(file)]


def test_outputs_from_before_there_were_records_are_taken_and_recorded(tmp_path: Path, log: Path) -> None:
    run(tmp_path, log, "first", chosen={"A"})
    with metadata.Metadata(execute.connection_config(compiled(tmp_path, log))) as handle:
        [execution] = handle.store.get_executions()
        del execution.custom_properties["edgeline_files"]
        handle.store.put_executions([execution])
    assert run(tmp_path, log, "second", chosen={"A"}).states == {"A": CACHED}
    [file] = (tmp_path / "root" / "A").rglob("out.txt")
    file.write_text("Z", encoding="utf-8")
    assert run(tmp_path, log, "third", chosen={"A"}).states == {"A": EXECUTED}
