"""The monitor with the real Prometheus and Alertmanager: a surge is fed in, an alert fires and is resolved."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import modules  # noqa: F401

import pytest
import requests
import yaml

from tests import served
from tests.tools import programs

ROOT = Path(__file__).resolve().parents[2]
WINDOW_S = 1
OVERRIDES = (f"monitor.window_seconds={WINDOW_S}", "monitor.grace_seconds=0.2", "monitor.min_windows=3",
             "monitor.rules.silence.enabled=false", "monitor.rules.surge.labels=[negative]",
             "monitor.rules.prior.enabled=false")  # fmt: skip
DEADLINE_S = 60


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], said: Path, folder: Path = ROOT) -> Iterator[subprocess.Popen[bytes]]:
    with said.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, cwd=folder)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until(found: Callable[[], Any], what: str, *said: Path) -> Any:
    """Waits for something."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        with contextlib.suppress(requests.RequestException):
            if result := found():
                return result
        time.sleep(0.2)
    raise AssertionError(f"{what} did not come:\n" + "\n".join(path.read_text("utf-8")[-3000:] for path in said))


class Feeder:
    """Serves, so to speak: rows of now, of which some are negative."""

    def __init__(self, log: Path) -> None:
        self.log, self.number = log, 0

    def feed(self, negative: float) -> None:
        now = time.time()
        rows = 120
        labels = ["negative" if place < negative * rows else "positive" for place in range(rows)]
        self.number += 1
        served.write(self.log, [served.row(now, f"{self.number}-{place}", label) for place, label in enumerate(labels)])


@pytest.mark.slow
def test_prometheus_and_alertmanager_tell_a_surge_and_that_it_is_over(tmp_path: Path) -> None:
    found = programs.need(programs.PROMETHEUS)
    served.reference().write(tmp_path / "reference.json")
    options = [part for item in OVERRIDES for part in ("--set", item)]
    runner = [sys.executable, "local_runner.py", "monitor"]
    rules = tmp_path / "rules.yml"
    subprocess.run([*runner, "rules", *options, "-o", str(rules)], check=True, cwd=ROOT)
    checked = subprocess.run([found["promtool"], "check", "rules", rules], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    ports = {name: free_port() for name in ("monitor", "prometheus", "alertmanager")}
    (tmp_path / "alertmanager.yml").write_text(
        yaml.safe_dump({"route": {"receiver": "nobody", "group_wait": "0s"}, "receivers": [{"name": "nobody"}]})
    )
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump({
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules)],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{ports['alertmanager']}"]}]}]},
        "scrape_configs": [
            {"job_name": "monitor", "static_configs": [{"targets": [f"127.0.0.1:{ports['monitor']}"]}]}
        ],
    }))  # fmt: skip
    manager = f"http://127.0.0.1:{ports['alertmanager']}"
    direct = ["--set", f"monitor.sinks.alertmanager.url={manager}"]
    said = {name: tmp_path / f"{name}.out" for name in ports}
    log = tmp_path / "log" / "requests-00000001.jsonl"
    feeder = Feeder(log)
    feeder.feed(0.2)
    with contextlib.ExitStack() as stack:
        stack.enter_context(running([
            str(found["prometheus-alertmanager"]), f"--config.file={tmp_path}/alertmanager.yml",
            f"--storage.path={tmp_path}/am", f"--web.listen-address=127.0.0.1:{ports['alertmanager']}",
            "--cluster.listen-address=",
        ], said["alertmanager"], found["prometheus-alertmanager"].parents[2]))  # fmt: skip
        stack.enter_context(running([
            str(found["prometheus"]), f"--config.file={tmp_path}/prometheus.yml",
            f"--storage.tsdb.path={tmp_path}/tsdb", f"--web.listen-address=127.0.0.1:{ports['prometheus']}",
        ], said["prometheus"]))  # fmt: skip
        monitor = stack.enter_context(running([
            *runner, *options, *direct, "--log", str(log.parent), "--root", str(tmp_path / "runs"),
            "--reference", str(tmp_path / "reference.json"), "--interval", "0.3",
            "--listen", f"127.0.0.1:{ports['monitor']}",
        ], said["monitor"]))  # fmt: skip

        def told(negative: float, *, all_gone: bool) -> Callable[[], list[dict[str, Any]]]:
            """Feeds on, and asks Alertmanager for both alerts: the monitor's own and that of Prometheus."""

            def ask() -> list[dict[str, Any]]:
                feeder.feed(negative)
                alerts = requests.get(f"{manager}/api/v2/alerts", timeout=5).json()
                surges = [item for item in alerts if item["labels"]["alertname"] == "EdgelineSurge"]
                by = {"job" in item["labels"] for item in surges}
                return ([] if surges else [{}]) if all_gone else (surges if by == {True, False} else [])

            return ask

        files = list(said.values())
        metrics = f"http://127.0.0.1:{ports['monitor']}/metrics"
        number = 'edgeline_monitor_window_rows{task="sentiment"}'

        def enough() -> bool:
            feeder.feed(0.2)
            status = tmp_path / "runs" / "monitor" / "status.json"
            return status.is_file() and json.loads(status.read_text("utf-8"))["windows"] >= 5

        until(enough, "a baseline", *files)
        assert number in requests.get(metrics, timeout=5).text
        surges = until(told(0.9, all_gone=False), "the surge", *files)
        [own] = [
            item for item in surges if "job" not in item["labels"] and "source:web" not in item["labels"]["series"]
        ]
        assert own["labels"]["severity"] == "critical"
        assert "rows are 'negative'" in own["annotations"]["summary"]
        until(told(0.2, all_gone=True), "the end of the surge", *files)
        until(lambda: "resolved: surge negative" in said["monitor"].read_text("utf-8"), "its line", *files)
        monitor.send_signal(signal.SIGTERM)
        assert monitor.wait(timeout=30) == 0
        text = said["monitor"].read_text("utf-8")
    assert "firing: surge negative" in text
    assert "Stopped looking" in text
    page = tmp_path / "runs" / "monitor" / "monitor.html"
    assert page.stat().st_size > 100_000
    assert os.access(page, os.R_OK)
