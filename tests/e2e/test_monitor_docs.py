"""The five commands of docs/monitoring.md, from a pushed model to an alert, as they stand there."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import tiny
import yaml

from pipeline.local import session
from tests import serving_environment

pytestmark = pytest.mark.slow
DEADLINE_S = 90
# Windows of a second in the place of an hour.
SETTINGS = ("monitor.window_seconds=1", "monitor.grace_seconds=0.2", "monitor.min_windows=3",
            "monitor.rules.silence.enabled=false")  # fmt: skip


@pytest.fixture(scope="module")
def commands(repository: Path) -> list[str]:
    text = (repository / "docs" / "monitoring.md").read_text(encoding="utf-8")
    block = re.search(r"```sh\n(.+?)```", text, re.DOTALL)
    assert block
    return [line.partition(" #")[0].rstrip() for line in block[1].splitlines()]


class Started:
    """A command in a process group of its own, and what it said."""

    def __init__(self, command: list[str], said: Path, repository: Path) -> None:
        self.said = said
        with said.open("wb") as stream:
            self.process = subprocess.Popen(
                command, stdout=stream, stderr=subprocess.STDOUT, cwd=repository, start_new_session=True,
                env=serving_environment.variables(),
            )  # fmt: skip

    def until(self, pattern: str) -> re.Match[str]:
        end = time.monotonic() + DEADLINE_S
        while not (found := re.search(pattern, self.said.read_text("utf-8"))):
            assert self.process.poll() is None, self.said.read_text("utf-8")[-3000:]
            assert time.monotonic() < end, self.said.read_text("utf-8")[-3000:]
            time.sleep(0.1)
        return found

    def stop(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(60)


@pytest.fixture
def pushed(task: tiny.TinyTask, first_run: session.Outcome, tmp_path: Path) -> Iterator[Path]:
    """What the run pushed for devices: the server starts without TensorFlow. The monitor leaves nothing behind."""
    (tmp_path / "pushed").mkdir()
    (tmp_path / "pushed" / "edge").symlink_to(task.root / "pushed" / "edge")
    yield tmp_path / "pushed"
    shutil.rmtree(task.root / "monitor", ignore_errors=True)


def test_from_a_pushed_model_to_an_alert(
    commands: list[str], task: tiny.TinyTask, pushed: Path, tmp_path: Path, repository: Path
) -> None:
    serving_environment.need()
    run, serve, monitor, rules, dashboard = commands
    assert run == "make run", "the run of the tiny task stands for it"
    log, own = tmp_path / "served", ["--config", str(task.config), "--root", str(task.root)]
    served = shlex.split(serve.replace("--log served", f"--log {log} --port 0"))
    server = Started([*served, f"PUSHED={pushed}"], tmp_path / "server.out", repository)
    watching: Started | None = None
    try:
        url = server.until(r"(http://127\.0\.0\.1:\d+)/v1/models/tiny:predict")[0]
        words = shlex.split(monitor.replace("--log served", f"--log {log}").replace(":9464", ":0"))
        options = [part for one in SETTINGS for part in ("--set", one)]
        watching = Started([*words, "--interval", "0.3", *own, *options], tmp_path / "monitor.out", repository)
        metrics = watching.until(r"http://127\.0\.0\.1:\d+/metrics")[0]
        watching.until("Looking at")

        def ask(negative: int) -> None:
            texts = ["the film was awful"] * negative + ["the film was great"] * (100 - negative)
            assert requests.post(url, json={"instances": texts}, timeout=30).status_code == 200
            time.sleep(0.2)

        status = task.root / "monitor" / "status.json"
        end = time.monotonic() + DEADLINE_S
        while not status.is_file() or json.loads(status.read_text("utf-8"))["windows"] < 6:
            ask(negative=20)
            assert time.monotonic() < end, watching.said.read_text("utf-8")
        while "firing: surge negative" not in watching.said.read_text("utf-8"):
            ask(negative=90)
            assert time.monotonic() < end, watching.said.read_text("utf-8")
        assert re.search(r"edgeline_monitor_alert_firing\{.*surge.*\} 1\.0", requests.get(metrics, timeout=10).text)
    finally:
        for started in (server, watching):
            if started:
                started.stop()
    for command, name in ((rules, "rules.yml"), (dashboard, "dashboard.json")):
        words = shlex.split(command.replace(name, str(tmp_path / name)))
        subprocess.run([*words, "--config", str(task.config)], cwd=repository, check=True)
    assert "EdgelineSurge" in str(yaml.safe_load((tmp_path / "rules.yml").read_text()))
    assert json.loads((tmp_path / "dashboard.json").read_text())["panels"]
