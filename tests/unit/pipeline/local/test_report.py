"""The page of a run on this machine: made after every run, opened on demand, never the reason of a failure."""

from __future__ import annotations

import logging
import subprocess
import webbrowser
from pathlib import Path
from typing import Any

import modules  # noqa: F401

import pytest

from pipeline.history.paths import TaskPaths
from pipeline.local import report, viewing
from tests import report_facts

SUMMARY: dict[str, Any] = {
    **report_facts.run(),
    "seconds": {"total": 12.5, "imports": 3.0, "nodes": {"ExampleGen": 1.5}},
}


@pytest.fixture
def paths(tmp_path: Path) -> TaskPaths:
    found = TaskPaths(tmp_path)
    found.run_dir(SUMMARY["run_id"]).mkdir(parents=True)
    return found


def test_the_page_lies_beside_the_summary_and_knows_the_run(paths: TaskPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "gathered", lambda *_: report_facts.complete())
    file = report.write(None, paths, None, SUMMARY)
    assert file == paths.run_dir(SUMMARY["run_id"]) / "report.html"
    page = file.read_text(encoding="utf-8")
    assert SUMMARY["run_id"] in page
    assert "0:12 min" in page
    assert [item.name for item in file.parent.iterdir()] == ["report.html"]


def test_a_report_that_cannot_be_made_is_told_in_the_log_and_fails_nothing(
    paths: TaskPaths, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise OSError("the artifact is gone")

    monkeypatch.setattr(report, "gathered", broken)
    with caplog.at_level(logging.ERROR):
        assert report.write(None, paths, None, SUMMARY) is None
    assert "the artifact is gone" in caplog.text
    assert list(paths.run_dir(SUMMARY["run_id"]).iterdir()) == []


def test_the_revision_says_when_something_was_changed(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    assert report.git_revision(tmp_path) is None
    git("init", "--quiet")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "--quiet", "--message", "one")
    revision = git("rev-parse", "HEAD")
    assert report.git_revision(tmp_path) == revision
    (tmp_path / "file").write_text("two")
    assert report.git_revision(tmp_path) == f"{revision}-dirty"


def test_a_browser_is_opened_only_where_there_is_a_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or True)
    monkeypatch.setattr(viewing.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert viewing.open_page(tmp_path / "report.html") is False
    monkeypatch.setenv("DISPLAY", ":0")
    assert viewing.open_page(tmp_path / "report.html") is True
    assert opened == [f"file://{tmp_path}/report.html"]
