"""The whole circle, with traffic on a real server: served, drifted, told, labelled, trained, compared, pushed, served.

No request is lost on the way, and none knows that there was one.
"""

from __future__ import annotations

import csv
import http.client
import json
import random
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny
import yaml

from pipeline.config import loader
from pipeline.history.paths import TaskPaths
from pipeline.local import session, watch
from pipeline.traffic.retraining import Retraining, gate
from pipeline.traffic.status import Firing, Status
from tests import serving_environment

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> tiny.TinyTask:
    """The tiny task with its rows as the first span, no search, and no device."""
    task = tiny.make(tmp_path_factory.mktemp("loop"))
    values = yaml.safe_load(task.config.read_text())
    (task.folder / "span-1").mkdir()
    task.rows.rename(task.folder / "span-1" / "rows.csv")
    values["data"] |= {"path": f"{task.folder}/span-{{SPAN}}/*.csv", "serving_logs": f"{task.folder}/served/*.jsonl",
                       "spans": {"settle_seconds": 0}}  # fmt: skip
    values["monitor"] = {"labels": {"path": f"{task.folder}/labels.csv"}}
    values["retrain"] = {"min_rows": 200}
    values |= {"edge": False, "tuner": {"enabled": False}}
    values["trainer"] |= {"epochs": 8}
    values["evaluator"]["thresholds"]["accuracy"] = {"min": 0.6}
    values = {name: value for name, value in values.items() if name not in ("pruner", "converter", "edge_evaluator")}
    task.config.write_text(yaml.safe_dump(values, sort_keys=False))
    return task


class Traffic(threading.Thread):
    """A client that asks one row after the other, as its texts come, and keeps every answer by the request's id."""

    def __init__(self, port: int, name: str, rows: list[dict[str, str]]) -> None:
        super().__init__()
        self.port, self.prefix, self.rows = port, name, rows
        self.stop = threading.Event()
        self.asked: dict[str, dict[str, str]] = {}
        self.answers: dict[str, tuple[str, str]] = {}
        self.failed: list[Any] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.stop.wait(0.005):
            number = len(self.asked)
            row, identity = self.rows[number % len(self.rows)], f"{self.prefix}-{number}"
            self.asked[identity] = row
            body = json.dumps({"instances": [{"text": row["text"], "source": row["source"]}]})
            connection.request("POST", "/v1/models/tiny:predict", body,
                               {"X-Request-Id": identity, "Content-Type": "application/json"})  # fmt: skip
            response = connection.getresponse()
            content = json.loads(response.read())
            if response.status != 200:
                self.failed.append((response.status, content))
                continue
            self.answers[identity] = (response.headers["X-Model-Version"], content["predictions"][0]["label"])
        connection.close()

    def right(self, version: str) -> float:
        """The share of right answers of a version."""
        found = [label == self.asked[key]["label"] for key, (which, label) in self.answers.items() if which == version]
        return sum(found) / len(found)


def rows_of(folder: Path, seed: int, *, turned: bool) -> list[dict[str, str]]:
    """Rows like those that were trained on; `turned` where words have come to mean the opposite."""
    file = folder / f"traffic-{seed}.csv"
    tiny.write_rows(file, 500, seed)
    with file.open(newline="") as stream:
        rows = [{**row, "text": f"{row['text']} again"} for row in csv.DictReader(stream)]
    other = {"negative": "positive", "positive": "negative"}
    random.Random(seed).shuffle(rows)
    return [{**row, "label": other[row["label"]]} for row in rows] if turned else rows


@pytest.fixture(scope="module")
def port(task: tiny.TinyTask, repository: Path) -> Iterator[int]:
    """The first version, served; its log, and a canary for what comes next."""
    python = serving_environment.need()
    nothing_yet = "data.serving_logs=null"
    outcomes: list[session.Outcome] = []

    def run(span: int) -> bool:
        outcomes.append(tiny.run_task(task, nothing_yet, f"data.spans.span={span}", only="Pusher"))
        return outcomes[-1].error is None

    config = loader.load(task.config, profile="quick", overrides=(nothing_yet,))
    assert watch.watch(config, TaskPaths(task.root), run, interval=1, once=True, say=print), outcomes[-1].error
    assert outcomes[-1].summary["blessed"], outcomes[-1].summary["not_blessed_because"]
    options = ["--server", task.root / "pushed" / "server", "--port", "0", "--log", task.folder / "served",
               "--interval", "0.2", "--canary", "0.3", "--trial-seconds", "1"]  # fmt: skip
    with (task.folder / "server.log").open("w") as said:
        process = subprocess.Popen(
            [python, "-m", "edgeline_serving", *options], stdout=subprocess.PIPE, stderr=said, text=True,
            env=serving_environment.variables(), cwd=repository / "serving",
        )  # fmt: skip
    assert process.stdout
    found = re.match(r"serving tiny, version \d+: http://127.0.0.1:(\d+)/", process.stdout.readline())
    assert found, (task.folder / "server.log").read_text()
    yield int(found[1])
    process.terminate()
    assert process.wait(60) == 0


def live(port: int) -> str:
    """The version that answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/v2/models/tiny")
    return json.loads(connection.getresponse().read())["versions"][0]


def until(what: Any, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_from_drifted_traffic_to_the_version_that_answers_it(task: tiny.TinyTask, port: int) -> None:
    first, paths = live(port), TaskPaths(task.root)
    traffic = [Traffic(port, "before", rows_of(task.folder, 20, turned=False))]
    traffic[0].start()
    until(lambda: len(traffic[0].answers) > 100, 60)
    traffic.append(Traffic(port, "drifted", rows_of(task.folder, 21, turned=True)))
    traffic[1].start()
    until(lambda: len(traffic[1].answers) > 450, 120)
    assert traffic[0].right(first) > 0.75
    assert traffic[1].right(first) < 0.3

    overrides = gate(loader.load(task.config, profile="quick"))
    config = loader.load(task.config, profile="quick", overrides=overrides)
    outcomes: list[session.Outcome] = []

    def run(span: int) -> bool:
        outcomes.append(tiny.run_task(task, *overrides, f"data.spans.span={span}", only="Pusher"))
        return outcomes[-1].error is None

    def look() -> tuple[bool | None, list[str]]:
        said: list[str] = []
        retrain = Retraining(config, paths, ["surge"])
        return watch.watch(config, paths, run, interval=1, once=True, say=said.append, before=retrain.look), said

    alert = Firing("surge", "negative", "critical", "2026-01-01T00:00:00Z", 0.6, 0.3, "negative answers surge")
    paths.monitor.mkdir(parents=True)
    Status("tiny", f"server/{first}", alert.since, None, 1, 500, 0, (alert,)).write(paths.monitor)
    ended, said = look()
    assert ended is None
    assert any("waiting for labels, 0 of 200" in line for line in said)

    with (task.folder / "labels.csv").open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["request_id", "label"])
        writer.writerows((key, row["label"]) for key, row in list(traffic[1].asked.items())[:450])
    until(lambda: len(logged(task)) >= 450, 30)
    ended, said = look()
    assert ended is True, said
    [outcome] = outcomes
    summary = outcome.summary
    assert summary["spans"] == [{"span": 2, "version": None}]
    assert summary["training"]["warm_start"] is True
    served = summary["beats_served"]
    assert (served["against"], served["verdict"], served["missed"]) == ("the latest blessed model", "better", [])
    assert served["rows"] > 50
    second = summary["pushed"]["server"]["version"]
    assert second != first
    until(lambda: live(port) == str(second), 60)
    after = len(traffic[1].answers)
    until(lambda: len(traffic[1].answers) > after + 100, 60)

    for client in traffic:
        client.stop.set()
    for client in traffic:
        client.join(60)
    assert [client.failed for client in traffic] == [[], []]
    assert all(client.answers.keys() == client.asked.keys() for client in traffic), "no request is lost"
    assert traffic[1].right(str(second)) > 0.6
    assert "passed its trial" in (task.folder / "server.log").read_text(), "it was a canary first"
    assert look()[0] is None, "the alert still fires, and is no new reason"


def logged(task: tiny.TinyTask) -> list[str]:
    """Lines of drifted requests in the log."""
    files = sorted((task.folder / "served").glob("*.jsonl"))
    return [line for file in files for line in file.read_text().splitlines() if '"drifted-' in line]
