"""`local_runner.py watch`: a new, complete span is run once; a failed run ends neither the watch nor the next span."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

import local_runner
from pipeline.cli import watch as cli_watch
from pipeline.config import loader
from pipeline.config.task import Config
from pipeline.history.paths import TaskPaths
from pipeline.local import session
from pipeline.local.watch import watch


@pytest.fixture
def config(tmp_path: Path) -> Config:
    file = tmp_path / "a.yaml"
    file.write_text(
        yaml.safe_dump(
            {"task": "a", "labels": ["x", "y"], "schema_path": "s",
             "data": {"path": f"{tmp_path}/span-{{SPAN}}/version-{{VERSION}}/*.csv", "spans": {"settle_seconds": 5}}}
        )
    )  # fmt: skip
    return loader.load(file)


@pytest.fixture
def add(tmp_path: Path) -> Callable[..., None]:
    """Writes a span that is some seconds old."""

    def write(span: int, version: int = 1, age: float = 60.0) -> None:
        file = tmp_path / f"span-{span}" / f"version-{version}" / "rows.csv"
        file.parent.mkdir(parents=True)
        file.write_text("text,label\n")
        os.utime(file, (time.time() - age, time.time() - age))

    return write


class Watcher:
    """Looks once at a time, and keeps what was run and said."""

    def __init__(self, config: Config, root: Path) -> None:
        self.config, self.paths = config, TaskPaths(root)
        self.ran: list[int] = []
        self.said: list[str] = []
        self.outcome = True

    def look(self) -> bool | None:
        return watch(self.config, self.paths, self._run, interval=1, once=True, say=self.said.append)

    def _run(self, span: int) -> bool:
        self.ran.append(span)
        return self.outcome


@pytest.fixture
def watcher(config: Config, tmp_path: Path) -> Watcher:
    return Watcher(config, tmp_path / "runs")


def test_a_new_span_is_run_once(watcher: Watcher, add: Callable[..., None]) -> None:
    assert watcher.look() is None
    assert "There is no complete span yet." in watcher.said
    add(1)
    assert watcher.look() is True
    assert watcher.look() is None
    add(2)
    assert watcher.look() is True
    assert watcher.ran == [1, 2]


def test_a_watch_that_is_started_again_does_not_run_what_was_run(
    watcher: Watcher, add: Callable[..., None], config: Config, tmp_path: Path
) -> None:
    add(1)
    watcher.look()
    again = Watcher(config, tmp_path / "runs")
    assert again.look() is None
    assert again.ran == []


def test_a_new_version_of_a_span_is_new(watcher: Watcher, add: Callable[..., None]) -> None:
    add(1)
    watcher.look()
    add(1, version=2)
    assert watcher.look() is True
    assert watcher.ran == [1, 1]


def test_a_span_that_still_grows_is_left_alone(watcher: Watcher, add: Callable[..., None], tmp_path: Path) -> None:
    add(1)
    add(2, age=0.0)
    assert watcher.look() is True
    assert watcher.ran == [1]
    os.utime(tmp_path / "span-2" / "version-1" / "rows.csv", (1e9, 1e9))
    watcher.look()
    assert watcher.ran == [1, 2]


def test_a_new_version_that_still_grows_does_not_run_an_older_span(watcher: Watcher, add: Callable[..., None]) -> None:
    add(1)
    add(2)
    watcher.look()
    add(2, version=2, age=0.0)
    assert watcher.look() is None
    assert watcher.ran == [2]


def test_a_failed_run_is_tried_again_so_often_and_the_next_span_is_run(
    watcher: Watcher, add: Callable[..., None]
) -> None:
    add(1)
    watcher.outcome = False
    # Under cron every further look fails, too: an exit code of 0 would hide the span that was given up.
    assert [watcher.look() for _ in range(4)] == [False, False, False, False]
    assert watcher.ran == [1, 1]
    assert any("failed; trying again" in line for line in watcher.said)
    assert any("./edgeline run --span 1" in line for line in watcher.said)
    add(2)
    watcher.outcome = True
    assert watcher.look() is True
    assert watcher.ran == [1, 1, 2]


def test_an_interrupted_run_is_begun_again_by_the_next_watch(watcher: Watcher, add: Callable[..., None]) -> None:
    def interrupted(span: int) -> bool:
        raise KeyboardInterrupt

    add(1)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            watch(watcher.config, watcher.paths, interrupted, interval=1, once=True, say=watcher.said.append)
    assert watcher.look() is True


def test_a_watch_that_is_killed_uses_up_no_attempt(watcher: Watcher, add: Callable[..., None]) -> None:
    """SIGKILL: nothing is written after the run has begun."""

    def killed(span: int) -> bool:
        raise SystemExit

    add(1)
    for _ in range(3):
        with pytest.raises(SystemExit):
            watch(watcher.config, watcher.paths, killed, interval=1, once=True, say=watcher.said.append)
    assert watcher.look() is True


def test_a_span_whose_time_lies_in_the_future_is_read_when_it_stays_the_same(
    watcher: Watcher, add: Callable[..., None], tmp_path: Path
) -> None:
    """The clock was set back, or a host whose clock is ahead writes the files."""
    add(1, age=-3600.0)
    slept: list[float] = []

    def look(sleep: Callable[[float], None]) -> bool | None:
        return watch(watcher.config, watcher.paths, watcher._run, interval=1, once=True, say=watcher.said.append,
                     sleep=sleep)  # fmt: skip

    file = tmp_path / "span-1" / "version-1" / "rows.csv"

    def grow(seconds: float) -> None:
        file.write_text(file.read_text() + "more,x\n")
        os.utime(file, (time.time() + 3600, time.time() + 3600))

    assert look(grow) is None
    assert look(slept.append) is True
    assert slept == [5]
    assert any("span 1, version 1 have a time in the future" in line for line in watcher.said)


def test_while_another_run_goes_on_it_waits_and_does_not_count_that(watcher: Watcher, add: Callable[..., None]) -> None:
    add(1)
    with session.locked(watcher.paths):
        assert [watcher.look() for _ in range(3)] == [None, None, None]
    assert any("another run is going on" in line for line in watcher.said)
    assert watcher.look() is True


def test_a_window_runs_again_when_an_older_member_has_a_new_version(
    add: Callable[..., None], config: Config, tmp_path: Path
) -> None:
    data = config.data.model_copy(update={"spans": config.data.spans.model_copy(update={"window": 2})})
    watcher = Watcher(config.model_copy(update={"data": data}), tmp_path / "runs")
    add(1)
    add(2)
    watcher.look()
    add(1, version=2)
    assert watcher.look() is True
    assert watcher.ran == [2, 2]


def test_it_waits_between_two_looks_and_says_the_same_thing_once(config: Config, tmp_path: Path) -> None:
    said: list[str] = []
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch(config, TaskPaths(tmp_path), lambda span: True, interval=7, once=False, say=said.append, sleep=sleep)
    assert slept == [7, 7, 7]
    assert said.count("There is no complete span yet.") == 1


# The command


def test_the_command_runs_the_same_task_in_a_process_of_its_own(
    config: Config, tmp_path: Path, add: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    add(3)
    monkeypatch.setattr(cli_watch, "_run", lambda command: commands.append(command) or True)
    commands: list[list[str]] = []
    arguments = ["watch", "-c", f"{tmp_path}/a.yaml", "--root", f"{tmp_path}/r", "--set", "trainer.epochs=1",
                 "--window", "2", "--once"]  # fmt: skip
    result = CliRunner().invoke(local_runner.cli, arguments)
    assert result.exit_code == 0, result.output
    [command] = commands
    assert command[2:] == [
        "run", "--config", f"{tmp_path}/a.yaml", "--root", f"{tmp_path}/r", "--set", "trainer.epochs=1",
        "--window", "2", "--span", "3",
    ]  # fmt: skip
    monkeypatch.setattr(cli_watch, "_run", lambda command: False)
    add(4)
    assert CliRunner().invoke(local_runner.cli, arguments).exit_code == 1


def test_spans_are_refused_where_the_data_have_none(tmp_path: Path, config: Config) -> None:
    plain = ["-c", f"{tmp_path}/a.yaml", "--data", "rows.csv"]
    for arguments in (["watch", *plain], ["run", *plain, "--span", "latest"], ["run", *plain, "--window", "2"]):
        result = CliRunner().invoke(local_runner.cli, arguments)
        assert result.exit_code == 2
        assert "which has no spans" in result.output
    result = CliRunner().invoke(local_runner.cli, ["run", "-c", f"{tmp_path}/a.yaml", "--span", "newest"])
    assert result.exit_code == 2
    assert "data.spans.span" in result.output


def test_ctrl_c_ends_the_watch_and_lets_the_run_end_cleanly(tmp_path: Path) -> None:
    """A child that takes a moment to end, as a run does that writes its summary."""
    child = (
        "import pathlib, sys, time\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "(folder / 'started').touch()\n"
        "try:\n    time.sleep(60)\n"
        "except KeyboardInterrupt:\n    time.sleep(0.5)\n    (folder / 'ended').touch()\n"
    )
    parent = (
        "import json, sys\nfrom pipeline.cli import watch as cli_watch\n"
        "try:\n    cli_watch._run(json.loads(sys.argv[1]))\nexcept KeyboardInterrupt:\n    sys.exit(7)\n"
    )
    command = json.dumps([sys.executable, "-c", child, str(tmp_path)])
    process = subprocess.Popen([sys.executable, "-c", parent, command])
    end = time.monotonic() + 30
    while not (tmp_path / "started").exists() and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 7
    assert (tmp_path / "ended").exists()
