"""The command as it is typed: what it refuses, and how it stops."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from edgeline_serving import cli, run
from edgeline_serving.settings import Settings, Source
from edgeline_serving.versions.follower import Follower
from edgeline_serving.versions.push_folder import PushFolder
from edgeline_serving.wire.app import Plane
from edgeline_serving.wire.kserve_parts import grpc_messages, grpc_services
from edgeline_serving.wire.model import ServedModel
from tests.conftest import TEXTS, push

FOLDER = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing to serve: give --server FOLDER, --edge FOLDER"),
        (["--edge", "none"], "--edge none: there is no such folder"),
        (["--edge", "{push}", "--tls-cert", "a"], "--tls-cert and --tls-key go together"),
        (["--edge", "{push}", "--pin", "other=7"], "--pin other: no such model"),
        (["--edge", "{push}", "--pin", "edge=7"], "version 7 is not there; there are: 100"),
        (["--edge", "{push}", "--log", "{tmp}", "--log-texts", "hashed"], "--log-texts hashed needs --log-key FILE"),
        (["--edge", "{push}", "--log", "{push}/latest"], "/latest: cannot be written to"),
        (["--edge", "{push}", "--tokens", "none"], "--tokens none: cannot be read"),
        (["--edge", "{push}", "--tokens", "none", "--workers", "2"], "--tokens none: cannot be read"),
        (["--edge", "{push}", "--log", "{push}/latest", "--workers", "2"], "/latest: cannot be written to"),
        (["--edge", "a={push}", "--edge", "a={push}"], "two models are called a"),
        (["--edge", "{tmp}"], "nothing was pushed there yet"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    pushed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    (tmp_path / "empty").mkdir()
    filled = [text.format(push=pushed, tmp=tmp_path / "empty") for text in arguments]
    assert cli.main(filled) == 1
    told = capsys.readouterr().err.splitlines()
    assert said in told[-1]


def test_wrong_usage_is_told_by_the_options_name(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--canary", "2"], ["--port", "70000"], ["--threads", "0"], ["--pin", "a=b"], ["--drain", "0"]):
        with pytest.raises(SystemExit) as ended:
            cli.main(["--edge", ".", *arguments])
        assert ended.value.code == 2
        assert arguments[0] in capsys.readouterr().err


def test_a_bundle_beside_a_saved_model_of_its_task_is_called_so(pushed: Path) -> None:
    sources = (Source("edge", pushed, name="sentiment"), Source("edge", pushed))
    followers = [Follower(PushFolder(source), Settings(sources=sources)) for source in sources]
    for follower in followers:
        follower.start()
    run.name_apart(followers)
    assert [follower.name for follower in followers] == ["sentiment", "sentiment-edge"]


def test_help_does_not_wait_for_kserve() -> None:
    code = "import sys; from edgeline_serving.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    heavy = "print([m for m in ('kserve', 'tensorflow', 'numpy') if m in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code + heavy], capture_output=True, text=True, cwd=FOLDER, check=True)
    assert done.stderr.strip() == "[]"


class Client(threading.Thread):
    """Asks on one connection until the server hangs up; counts answers, and what was begun and not answered."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port, self.answers, self.cut, self.errors = port, 0, 0, []  # type: ignore[var-annotated]

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        body, headers = json.dumps({"instances": TEXTS}), {"Content-Type": "application/json"}
        while True:
            try:
                connection.request("POST", "/v1/models/sentiment:predict", body, headers)
                response = connection.getresponse()
            except (ConnectionError, http.client.RemoteDisconnected):
                # Refused, or hung up before a byte of an answer: a connection that is closed between two requests.
                return
            content = response.read()
            if response.status != 200 or len(json.loads(content)["predictions"]) != len(TEXTS):
                self.errors.append(content)
            self.answers += 1
            if response.getheader("connection") == "close":
                return


def started(options: list[Any], folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(FOLDER), str(FOLDER.parent / "edge")])}
    return subprocess.Popen(
        [sys.executable, "-m", "edgeline_serving", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment, cwd=folder,
    )  # fmt: skip


def test_it_serves_follows_and_on_sigterm_sends_what_is_under_way(pushed: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    options = ["--edge", pushed, "--port", "0", "--grpc-port", "0", "--log", log, "--interval", "0.1"]
    process = started(options, tmp_path)
    assert process.stdout
    line = process.stdout.readline()
    found = re.fullmatch(r"serving sentiment, version 100: http://127.0.0.1:(\d+)/v1/models/sentiment:predict\n", line)
    assert found, (line, process.stderr and process.stderr.read())
    rpc = re.fullmatch(r"gRPC: (127.0.0.1:\d+)\n", process.stdout.readline())
    assert rpc
    with grpc.insecure_channel(rpc[1]) as channel:
        stub = grpc_services.GRPCInferenceServiceStub(channel)
        assert stub.ModelReady(grpc_messages.ModelReadyRequest(name="sentiment"), timeout=10).ready
    clients = [Client(int(found[1])) for _ in range(8)]
    for client in clients:
        client.start()
    time.sleep(0.5)
    push(pushed, "101", calibration={"temperature": 2.0})
    time.sleep(1.0)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=30)
    for client in clients:
        client.join(20)
    assert process.returncode == 0, told
    assert [client.errors for client in clients if client.errors] == []
    answers = sum(client.answers for client in clients)
    assert answers > 20
    rows = [json.loads(line) for file in sorted(log.glob("*.jsonl")) for line in file.read_text().splitlines()]
    # What was answered was logged, and nothing was answered that no client got.
    assert len(rows) == answers * len(TEXTS)
    assert {row["served.version"] for row in rows} == {"100", "101"}
    assert "Traceback" not in told


def test_a_second_signal_ends_at_once(pushed: Path, tmp_path: Path) -> None:
    options = ["--edge", pushed, "--port", "0", "--grpc-port", "0", "--notice", "60", "--drain", "60"]
    process = started(options, tmp_path)
    assert process.stdout
    assert process.stdout.readline().startswith("serving sentiment")
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.0)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=10)
    assert process.returncode == 0, told
    assert "Traceback" not in told


def test_readiness_needs_a_version_and_ends_before_the_answers_do(pushed: Path) -> None:
    settings = Settings(sources=(Source("edge", pushed),))
    follower = Follower(PushFolder(settings.sources[0]), settings)
    plane = Plane([ServedModel("sentiment", follower.deployment, settings)])
    assert not asyncio.run(plane.ready())
    follower.start()
    assert asyncio.run(plane.ready())
    plane.stopping = True
    assert not asyncio.run(plane.ready())
