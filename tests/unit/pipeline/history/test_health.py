"""`pipeline.history.health`: a metadata store that cannot be used is told at once, with its role and the remedy."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2

import local_runner
from pipeline.history import health
from pipeline.history.paths import TaskPaths
from pipeline.local import repair


def store(paths: TaskPaths) -> metadata_store.MetadataStore:
    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = str(paths.metadata)
    return metadata_store.MetadataStore(connection)


@pytest.fixture
def paths(tmp_path: Path) -> TaskPaths:
    """A task's folder with a store, an artifact, a push and a run."""
    found = TaskPaths(tmp_path)
    opened = store(found)
    kind = opened.put_execution_type(metadata_store_pb2.ExecutionType(name="x.Trainer"))
    executions = [metadata_store_pb2.Execution(type_id=kind) for _ in range(300)]
    for number, execution in enumerate(executions):
        execution.custom_properties["settings"].string_value = f"{number} " * 50
    opened.put_executions(executions)
    for folder in ("pipeline_root/Trainer/model/8", "pushed/server/17", "history/r1"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "file").write_text(folder)
    return found


def missing(file: Path) -> None:
    file.unlink()


def empty(file: Path) -> None:
    file.write_bytes(b"")


def garbage(file: Path) -> None:
    file.write_bytes(b"\xff" * 4096)


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def scribbled(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:-4096] = b"\x5a" * (len(content) - 8192)
    file.write_bytes(content)


def of_another_program(file: Path) -> None:
    file.unlink()
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE notes (text)")


DAMAGE = [missing, empty, garbage, truncated, scribbled, of_another_program]


def test_a_sound_store_and_a_folder_without_any_run_are_right(paths: TaskPaths, tmp_path: Path) -> None:
    health.check(paths)
    health.check(paths, writing=True)
    health.check(TaskPaths(tmp_path / "nothing"), writing=True)
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_told_with_file_role_and_remedy(paths: TaskPaths, damage: Callable[[Path], None]) -> None:
    damage(paths.metadata)
    with pytest.raises(health.DamagedError, match=r"metadata\.db: the metadata store .*edgeline repair") as caught:
        health.check(paths)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_repaired_folder_can_be_run_in_and_keeps_what_is_pushed(
    paths: TaskPaths, damage: Callable[[Path], None]
) -> None:
    damage(paths.metadata)
    said: list[str] = []
    assert repair.repair(paths, said.append)
    health.check(paths, writing=True)
    assert (paths.pushed / "server" / "17" / "file").is_file()
    assert (paths.history / "r1").is_dir()
    assert not paths.metadata.exists(), "half of the rows are worse than none"
    assert not paths.pipeline_root.exists()
    assert len(list((paths.root / "aside").glob("*/pipeline_root/Trainer/model/8/file"))) == 1
    assert any("aside" in line for line in said)
    assert not repair.repair(paths, said.append)


def test_a_store_whose_index_alone_is_damaged_is_rebuilt_whole(paths: TaskPaths) -> None:
    with sqlite3.connect(paths.metadata) as opened:
        [[page]] = opened.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'idx_execution_create_time_since_epoch'"
        )
        [[size]] = opened.execute("PRAGMA page_size")
    content = bytearray(paths.metadata.read_bytes())
    content[(page - 1) * size : page * size] = b"\x5a" * size
    paths.metadata.write_bytes(content)
    with pytest.raises(health.DamagedError):
        health.check(paths)
    said: list[str] = []
    repair.repair(paths, said.append)
    health.check(paths, writing=True)
    assert len(store(paths).get_executions()) == 300
    assert (paths.pipeline_root / "Trainer").is_dir()
    assert any("every table" in line for line in said)


def test_a_locked_store_is_waited_for_a_while_and_then_told(paths: TaskPaths) -> None:
    other = sqlite3.connect(paths.metadata, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    said: list[str] = []
    with pytest.raises(health.LockedError, match=r"locked by another process, still after 0.1 s.*fuser"):
        health.check(paths, wait=0.1, say=said.append)
    assert len(said) == 1
    with pytest.raises(health.LockedError):  # and is not taken for a damaged one
        repair_locked(paths)
    # One that lets go in time.
    health.check(paths, wait=5, sleep=lambda seconds: other.execute("ROLLBACK") and None)


def repair_locked(paths: TaskPaths) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(health, "WAIT_S", 0.1)
        patch.setattr(health.check, "__kwdefaults__", {**health.check.__kwdefaults__, "wait": 0.1})
        repair.repair(paths, lambda text: None)


@pytest.mark.parametrize("command", ["runs", "lineage", "compare", "report", "nodes", "run"])
def test_every_command_that_needs_it_ends_with_that_line(
    paths: TaskPaths, repository: Path, monkeypatch: pytest.MonkeyPatch, command: str, tmp_path: Path
) -> None:
    monkeypatch.chdir(repository)
    garbage(paths.metadata)
    (tmp_path / "my.csv").write_text("text,label,source\n" + "fine,positive,movie\nawful,negative,movie\n" * 3)
    arguments = [
        "--root",
        str(paths.root),
        "--data",
        str(tmp_path / "my.csv"),
        *(["r1"] if command == "compare" else []),
    ]
    done = CliRunner().invoke(local_runner.cli, [command, *arguments])
    assert done.exit_code == 1, done.output
    assert "metadata.db: the metadata store of this task" in done.output
    assert "Traceback" not in done.output
    assert not isinstance(done.exception, sqlite3.Error)


def test_the_command_repairs(paths: TaskPaths, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    garbage(paths.metadata)
    done = CliRunner().invoke(local_runner.cli, ["repair", "--root", str(paths.root)])
    assert done.exit_code == 0, done.output
    assert "moved " in done.output
    assert CliRunner().invoke(local_runner.cli, ["runs", "--root", str(paths.root)]).exit_code == 0
