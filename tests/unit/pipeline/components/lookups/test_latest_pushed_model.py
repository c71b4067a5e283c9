"""The baseline where no store can be asked: what is pushed now, other than the candidate."""

from __future__ import annotations

from pathlib import Path

import modules  # noqa: F401

import pytest
from tfx.types import standard_artifacts

from pipeline.components import pusher
from pipeline.components.lookups.latest_pushed_model import Executor, latest
from pipeline.components.marks import ABSENT


@pytest.fixture
def pushed(tmp_path: Path) -> Path:
    """A push folder with two models, `one` and then `two`."""
    for name in ("one", "two"):
        source = tmp_path / name
        source.mkdir()
        (source / "saved_model.pb").write_text(name)
        pusher.push(str(source), str(tmp_path / "server"), identity=f"gs://b/{name}", keep=5)
    return tmp_path / "server"


def test_an_empty_push_folder_has_no_baseline(tmp_path: Path) -> None:
    assert latest(str(tmp_path / "server"), other_than=None) is None


def test_the_newest_push_is_the_baseline(pushed: Path) -> None:
    assert latest(str(pushed), other_than="gs://b/three") == "gs://b/two"


def test_the_candidate_itself_is_left_out(pushed: Path) -> None:
    assert latest(str(pushed), other_than="gs://b/two") == "gs://b/one"


def test_after_a_rollback_the_baseline_is_what_serves(pushed: Path) -> None:
    (pushed / pusher.LATEST).write_text(pusher.versions(str(pushed))[0] + "\n")
    assert latest(str(pushed), other_than="gs://b/three") == "gs://b/one"


def test_the_output_points_to_the_found_artifact_or_says_that_there_is_none(pushed: Path) -> None:
    output, candidate = standard_artifacts.Model(), standard_artifacts.Model()
    output.uri, candidate.uri = "gs://b/planned", "gs://b/three"
    Executor().Do({"candidate": [candidate]}, {"model": [output]}, {"push_folder": str(pushed)})
    assert output.uri == "gs://b/two"
    Executor().Do({}, {"model": [output]}, {"push_folder": str(pushed / "nothing")})
    assert output.get_int_custom_property(ABSENT) == 1
