"""`benchmarks.serving`: what its numbers are of."""

from __future__ import annotations

import argparse
import asyncio
import http.server
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import serving, serving_monitored
from benchmarks.harness import command
from benchmarks.ours import http_load, servers


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers a request as a server of models does, but for a text that it cannot."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        [text] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["instances"]
        self.send_response(400 if text == "bad" else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/models/bench:predict"
        server.shutdown()
        thread.join()


def test_every_connection_asks_and_failures_are_counted(url: str) -> None:
    found = asyncio.run(http_load._load(url, ["good", "bad"], 4, 0.2))
    assert len(found["ms"]) > 8
    assert abs(found["failed"] - len(found["ms"]) / 2) <= 4
    assert all(ms > 0 for ms in found["ms"])


def test_the_goals_are_of_cpu_time_and_of_the_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "PYTHON", Path(sys.executable))
    numbers = servers.numbers([1.0] * 98 + [9.0, 9.0], 0.5, 0.2)
    assert (numbers["per_second"], numbers["per_cpu_second"], numbers["p50"]) == (200, 500, 1.0)
    bare = {**numbers, "per_cpu_second": 600.0}
    found = {serving.BARE: [bare], "bundle, 64 connections": [numbers]}
    reload = {"requests": 10_000, "failed": 1, "swaps": 30}
    options, stopped = argparse.Namespace(threads=1, workers=1), {"stops": 2, "cut": 0}
    share, tail, lost, cut = serving._result(options, found, reload, stopped, 0.5, 4).goals
    assert (share.met, round(share.value, 3)) == (True, 0.833)
    assert (tail.met, tail.value) == (False, 9.0)
    assert (lost.met, lost.value) == (False, 1)
    assert (cut.met, cut.value) == (True, 0)


@pytest.mark.parametrize(("watched", "met"), [(190.0, True), (180.0, False)])
def test_the_cost_of_being_watched_is_a_share_of_the_requests(
    watched: float, met: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving_monitored, "PYTHON", Path(sys.executable))
    rounds = {"requests": 100, "per_cpu_second": 500.0, "p50": 1.0, "p95": 2.0, "p99": 3.0}
    found = {
        servers.named(side, count): [{**rounds, "per_second": rate}]
        for side, rate in ((serving_monitored.PLAIN, 200.0), (serving_monitored.WATCHED, watched))
        for count in serving_monitored.CONNECTIONS
    }
    options = argparse.Namespace(profile="quick", workers=1)
    result = serving_monitored._result(options, found, 0.2, 1.0)
    [goal] = result.goals
    assert (goal.value, goal.met) == (pytest.approx(watched / 200), met)
    assert result.settings["monitor's CPU, ms a row"] == pytest.approx(1.0), "0.2 s for both turns of 100 rows"


def test_without_the_server_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(serving, "PYTHON", tmp_path / "python")
    with pytest.raises(command.NotReadyError, match="make serving-setup"):
        serving.measure(argparse.Namespace())
    monkeypatch.setattr(serving_monitored, "PYTHON", tmp_path / "python")
    with pytest.raises(command.NotReadyError, match="make serving-setup"):
        serving_monitored.measure(argparse.Namespace())
