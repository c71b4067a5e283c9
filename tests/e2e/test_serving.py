"""What a run pushed is served by `edgeline-serving` as it is: both kinds, with probes, and a log that a run reads."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

import pytest
import tiny

from edgeline_edge import Classifier
from pipeline.config.rows.source import SourceConfig
from pipeline.ingest import serving_logs
from pipeline.local import session
from tests import serving_environment

pytestmark = pytest.mark.slow
TEXTS = ["the film was lovely and great 1", "my order was broken and slow 2"]


@pytest.fixture(scope="module")
def served(
    first_run: session.Outcome, task: tiny.TinyTask, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """Addresses by model, the log's folder, and what the server said once it has ended."""
    log = tmp_path_factory.mktemp("served")
    pushed = task.root / "pushed"
    command = [
        serving_environment.need(), "-m", "edgeline_serving", "--server", pushed / "server", "--edge", pushed / "edge",
        "--port", "0", "--log", log,
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=serving_environment.variables(), cwd=log
    )
    assert process.stdout
    lines = [process.stdout.readline() for _ in range(2)]
    found = dict(re.findall(r"serving (\S+), version \d+: (http\S+)", "".join(lines)))
    held: dict[str, Any] = {"addresses": found, "log": log, "pushed": first_run.summary["pushed"]}
    try:
        yield held
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGTERM)
        _, held["said"] = process.communicate(timeout=60)
    assert process.returncode == 0, held["said"]
    probes = re.findall(r"/(server|edge)/\d+: loaded in .* s, (\d+) probes answered", held["said"])
    assert all(int(count) > 1 for count in dict(probes).values())
    assert set(dict(probes)) == {"server", "edge"}


def ask(address: str) -> list[dict[str, Any]]:
    request = urllib.request.Request(address, json.dumps({"instances": TEXTS}).encode())
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())["predictions"]


def test_server_and_edge_are_two_models_of_one_task(served: dict[str, Any]) -> None:
    assert set(served["addresses"]) == {"tiny", "tiny-edge"}
    answers = ask(served["addresses"]["tiny"])
    assert [answer["label"] for answer in answers] == ["positive", "negative"]
    assert all(abs(sum(answer["scores"].values()) - 1) < 1e-5 for answer in answers)
    bundle = Classifier.load(Path(served["pushed"]["edge"]["path"]) / "model.tflite")
    expected = [answer.scores for answer in bundle.predict(TEXTS)]
    assert [answer["scores"] for answer in ask(served["addresses"]["tiny-edge"])] == expected


def test_the_log_is_what_data_serving_logs_reads(served: dict[str, Any]) -> None:
    ask(served["addresses"]["tiny"])
    [file] = served["log"].glob("requests-*.jsonl")
    rows = list(serving_logs.read_log(str(file), "text", ["source"], SourceConfig()))
    assert {row["text"] for row in rows} == set(TEXTS)
