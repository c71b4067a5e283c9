"""`local_runner.py monitor`: what it compares with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import modules  # noqa: F401

import pytest

from pipeline.cli.errors import WrongUse
from pipeline.cli.monitor import _finder
from pipeline.history.paths import LATEST, TaskPaths
from pipeline.traffic import reference as references
from tests import served


@pytest.fixture
def paths(tmp_path: Path) -> TaskPaths:
    return TaskPaths.of(served.config(), tmp_path)


@pytest.fixture
def gathered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was gathered out of a run, which takes the metadata store."""
    found: list[str] = []

    def of_push(config: Any, paths: TaskPaths, wanted: str) -> references.Reference:
        found.append(wanted)
        kind, _, version = wanted.rpartition("/")
        if version == LATEST:
            version = (paths.pushed / kind / LATEST).read_text().strip()
        return served.reference(model=f"{kind}/{version}")

    monkeypatch.setattr(references, "of_push", of_push)
    return found


def test_a_push_is_gathered_once_and_the_next_one_is_taken_up(paths: TaskPaths, gathered: list[str]) -> None:
    pointer = paths.pushed / "server" / LATEST
    pointer.parent.mkdir(parents=True)
    pointer.write_text("1")
    find = _finder(served.config(), paths, "server/latest", None)
    assert find().model == "server/1"  # type: ignore[union-attr]
    assert find() is None
    pointer.write_text("2")
    assert find().model == "server/2"  # type: ignore[union-attr]
    for named in ("server/latest", "server/2"):  # of a later process
        assert _finder(served.config(), paths, named, None)().model == "server/2"  # type: ignore[union-attr]
    assert gathered == ["server/latest", "server/latest"]


def test_an_edge_bundle_of_the_same_version_is_another_model(paths: TaskPaths, gathered: list[str]) -> None:
    for named in ("server/7", "edge/7", "edge/7"):
        assert _finder(served.config(), paths, named, None)().model == named  # type: ignore[union-attr]
    assert gathered == ["server/7", "edge/7"]


def test_the_reference_of_another_task_is_refused(paths: TaskPaths, tmp_path: Path) -> None:
    file = tmp_path / "reference.json"
    served.reference(task="films").write(file)
    with pytest.raises(WrongUse, match=r"the reference of the task 'films', and the configuration is of 'sentiment'"):
        _finder(served.config(), paths, "server/latest", file)()
