"""The baseline where no store can be asked: what is pushed now, other than the candidate."""

from __future__ import annotations

import json
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
        source = model(tmp_path / name, name)
        pusher.push(str(source), str(tmp_path / "server"), model=str(tmp_path / name), keep=5)
    model(tmp_path / "three", "three")
    return tmp_path / "server"


def model(folder: Path, content: str) -> Path:
    serving = folder / "Format-Serving"
    serving.mkdir(parents=True, exist_ok=True)
    (serving / "saved_model.pb").write_text(content)
    return serving


def other_than(pushed: Path, name: str) -> str | None:
    content = pusher.content_of(str(pushed.parent / name / "Format-Serving"))
    found = latest(str(pushed), other_than=content)
    return Path(found).name if found else None


def test_an_empty_push_folder_has_no_baseline(tmp_path: Path) -> None:
    assert latest(str(tmp_path / "server"), other_than=None) is None


def test_the_newest_push_is_the_baseline(pushed: Path) -> None:
    assert other_than(pushed, "three") == "two"


def test_the_candidate_itself_is_left_out(pushed: Path) -> None:
    assert other_than(pushed, "two") == "one"


def test_an_artifact_that_holds_another_model_by_now_is_no_baseline(pushed: Path) -> None:
    model(pushed.parent / "two", "trained later, under the same name")
    assert other_than(pushed, "three") == "one"


def test_a_model_with_other_labels_is_no_baseline(pushed: Path) -> None:
    for name, labels in (("one", ["a", "b"]), ("two", ["a", "b", "c"])):
        (pushed.parent / name / "training").mkdir()
        (pushed.parent / name / "training" / "labels.json").write_text(json.dumps(labels))
    found = latest(str(pushed), other_than="candidate", labels=["a", "b"])
    assert found == str(pushed.parent / "one")
    assert latest(str(pushed), other_than="candidate", labels=["x", "y"]) is None
    assert latest(str(pushed), other_than="candidate", labels=["a", "b"], shared=True) == str(pushed.parent / "two")
    assert latest(str(pushed), other_than="candidate", labels=["a", "x"], shared=True) is None


def test_the_candidate_is_left_out_under_another_address_too(pushed: Path) -> None:
    model(pushed.parent / "again", "two")
    assert other_than(pushed, "again") == "one"


def test_after_a_rollback_the_baseline_is_what_serves(pushed: Path) -> None:
    (pushed / pusher.LATEST).write_text(pusher.versions(str(pushed))[0] + "\n")
    assert other_than(pushed, "three") == "one"


def test_the_output_points_to_the_found_artifact_or_says_that_there_is_none(pushed: Path) -> None:
    output, candidate = standard_artifacts.Model(), standard_artifacts.Model()
    output.uri, candidate.uri = "gs://b/planned", str(pushed.parent / "three")
    Executor().Do({"candidate": [candidate]}, {"model": [output]}, {"push_folder": str(pushed)})
    assert output.uri == str(pushed.parent / "two")
    Executor().Do({}, {"model": [output]}, {"push_folder": str(pushed / "nothing")})
    assert output.get_int_custom_property(ABSENT) == 1
