"""`pipeline.history.paths`: where everything of a task lies, and what a run is called."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.config.task import Config
from pipeline.history.paths import TaskPaths, new_run_id


@pytest.fixture
def paths(tmp_path: Path) -> TaskPaths:
    return TaskPaths(tmp_path)


def test_a_task_has_its_own_folder_unless_another_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = Config.model_validate(
        {"task": "my-task", "labels": ["a", "b"], "schema_path": "s", "data": {"dataset": "vader"}}
    )
    assert TaskPaths.of(config, None).root == tmp_path / "runs" / "my-task"
    assert TaskPaths.of(config, Path("other")).root == tmp_path / "other"
    assert TaskPaths.of(config, None).root.is_absolute()


def test_everything_of_a_task_lies_in_its_folder(paths: TaskPaths) -> None:
    places = [paths.metadata, paths.pipeline_root, paths.pushed, paths.history, paths.lock, paths.run_dir("r")]
    assert len(set(places)) == len(places)
    assert all(place.is_relative_to(paths.root) for place in places)


def test_a_run_is_called_after_its_time_and_name(paths: TaskPaths) -> None:
    assert re.fullmatch(r"\d{8}T\d{6}", new_run_id(paths, None))
    assert re.fullmatch(r"\d{8}T\d{6}-my_try-2", new_run_id(paths, "my_try-2"))


def test_two_runs_in_one_second_have_different_ids_in_their_order(paths: TaskPaths) -> None:
    ids = []
    for _ in range(4):
        ids.append(new_run_id(paths, "same"))
        paths.run_dir(ids[-1]).mkdir(parents=True)
    assert len(set(ids)) == 4
    assert ids == sorted(ids)


@pytest.mark.parametrize("name", ["", "a b", "../up", "a/b", "ä", "x" * 61, "a\n"])
def test_a_name_that_would_not_be_a_folder_everywhere_is_refused(paths: TaskPaths, name: str) -> None:
    with pytest.raises(ValueError, match="use up to 60 letters, digits"):
        new_run_id(paths, name)


def test_latest_shows_the_newest_run_and_can_be_moved(paths: TaskPaths) -> None:
    for run in ("one", "two"):
        paths.run_dir(run).mkdir(parents=True)
        (paths.run_dir(run) / "summary.json").write_text(run)
        paths.point_latest(run)
        assert (paths.history / "latest" / "summary.json").read_text() == run
    assert sorted(path.name for path in paths.history.iterdir()) == ["latest", "one", "two"]


def test_latest_still_works_after_the_folder_was_moved(paths: TaskPaths, tmp_path: Path) -> None:
    paths.run_dir("one").mkdir(parents=True)
    paths.point_latest("one")
    moved = paths.history.rename(tmp_path / "elsewhere")
    assert (moved / "latest").resolve() == moved / "one"


def test_a_leftover_of_a_killed_run_does_not_stop_the_next(paths: TaskPaths) -> None:
    import os

    paths.run_dir("one").mkdir(parents=True)
    (paths.history / f".latest.{os.getpid()}").symlink_to("nowhere")
    paths.point_latest("one")
    assert (paths.history / "latest").resolve().name == "one"
