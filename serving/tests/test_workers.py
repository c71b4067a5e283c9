"""Several processes behind one address: one that is killed comes back, they count, log and try versions together."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import os
import re
import signal
import socket
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest

from edgeline_serving import workers
from edgeline_serving.errors import SettingsError, VersionError
from edgeline_serving.request_log import RequestLog, held
from edgeline_serving.settings import Log, Settings, Source, Trial
from edgeline_serving.versions.board import Board
from edgeline_serving.versions.deployment import Deployment
from edgeline_serving.versions.follower import Follower
from edgeline_serving.versions.push_folder import PushFolder
from edgeline_serving.wire.address import bound, reserved
from tests import seats
from tests.conftest import TEXTS, push
from tests.test_command import Client, started
from tests.test_request_log import lines, note

COOLER: dict[str, Any] = {"calibration": {"temperature": 3.0}}


def settings_of(folder: Path, **changed: Any) -> Settings:
    return Settings(sources=(Source("edge", folder),), port=0, workers=2, **changed)


def pids(folder: Path, number: int) -> set[int]:
    return {int(path.name.split("-")[1]) for path in folder.glob(f"{number}-*")}


def until(what: Any, seconds: float = 30.0) -> None:
    """Waits for something to be so."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_worker_that_is_killed_comes_back_and_sigterm_ends_them_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def meanwhile() -> None:
        try:
            until(lambda: pids(tmp_path, 1) and pids(tmp_path, 2))
            time.sleep(0.3)
            os.kill(min(pids(tmp_path, 1)), signal.SIGKILL)
            until(lambda: len(pids(tmp_path, 1)) == 2)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=meanwhile)
    thread.start()
    assert workers.supervise(settings_of(tmp_path), seats.sits) == 0
    thread.join()
    assert (len(pids(tmp_path, 1)), len(pids(tmp_path, 2))) == (2, 1)
    assert not [pid for number in (1, 2) for pid in pids(tmp_path, number) if psutil.pid_exists(pid)]
    assert re.fullmatch(r"port \d+\nworkers: 2\n", capsys.readouterr().out)
    assert "worker 1 ended (exit code -9); starting another" in caplog.text


def test_a_worker_that_does_not_end_is_killed_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_GRACE", 0.2)
    (tmp_path / "stubborn").touch()

    def meanwhile() -> None:
        until(lambda: pids(tmp_path, 1) and pids(tmp_path, 2))
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=meanwhile).start()
    assert workers.supervise(settings_of(tmp_path, drain=0.2), seats.sits) == 0
    assert not [pid for number in (1, 2) for pid in pids(tmp_path, number) if psutil.pid_exists(pid)]


def test_what_a_worker_cannot_do_at_the_start_is_the_commands_error(tmp_path: Path) -> None:
    with pytest.raises(VersionError, match="none of its versions can be served"):
        workers.supervise(settings_of(tmp_path), seats.lacks)


def test_an_address_that_somebody_has_is_not_shared_with_them() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"--grpc-port {port}: cannot be listened on"):
            reserved("127.0.0.1", port)
        with pytest.raises(SettingsError, match=f"--port {port}: cannot be listened on"):
            bound("127.0.0.1", port)


def test_workers_log_into_files_of_their_own_and_no_row_is_torn(tmp_path: Path) -> None:
    (tmp_path / "requests-00000007.w5.jsonl").write_text('{"a": 1}\n{"a": ')
    logs = [RequestLog(Log(tmp_path, bytes=600, files=6, worker=number, workers=2)) for number in (1, 2)]
    with held(Log(tmp_path)), pytest.raises(SettingsError, match="another server writes there"), held(Log(tmp_path)):
        pass
    threads = [
        threading.Thread(target=lambda log=log: [note(log, f"{n:03}") for n in range(40)])  # type: ignore[misc]
        for log in logs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for log in logs:
        log.close()
    files = {path.name for path in tmp_path.glob("*.jsonl")}
    assert {len([name for name in files if f".w{number}." in name]) for number in (1, 2)} == {3}
    assert "requests-00000007.w5.jsonl" not in files, "the oldest go, of workers that there no longer are as well"
    assert {"text"} <= set(lines(tmp_path)[0])
    alone = RequestLog(Log(tmp_path, files=6))
    note(alone, "alone")
    alone.close()
    assert [row["text"] for row in lines(tmp_path)].count("alone") == 1
    assert len(list(tmp_path.glob("*.jsonl"))) == 6


def test_a_torn_line_of_another_worker_is_taken_off_unless_it_still_writes(tmp_path: Path) -> None:
    torn = tmp_path / "requests-00000001.w2.jsonl"
    torn.write_text('{"text": "whole"}\n{"text": "to')
    writes = RequestLog(Log(tmp_path, worker=2, workers=2))
    with torn.open("a") as stream:
        stream.write('{"text": "half')
    RequestLog(Log(tmp_path)).close()
    assert torn.read_text().endswith("half")
    writes.close()
    RequestLog(Log(tmp_path)).close()
    assert torn.read_text() == '{"text": "whole"}\n'


@pytest.fixture
def clock() -> list[float]:
    return [0.0]


def two(folder: Path, board: Path, clock: list[float]) -> list[Follower]:
    """Two workers, each with the model in memory."""
    settings = settings_of(folder, trial=Trial(canary=0.5, seconds=60))
    board.mkdir(exist_ok=True)
    made = [
        Follower(
            PushFolder(settings.sources[0]), settings, Deployment(lambda: clock[0]), lambda: clock[0],
            Board(board, "0", str(number)),
        )
        for number in (1, 2)
    ]  # fmt: skip
    for follower in made:
        follower.start()
    return made


def numbers(followers: list[Follower]) -> list[str]:
    return [follower.deployment.live.number for follower in followers if follower.deployment.live]


def test_workers_judge_a_version_together_and_the_first_verdict_stands(
    pushed: Path, tmp_path: Path, clock: list[float]
) -> None:
    followers = two(pushed, tmp_path / "board", clock)
    push(pushed, "101", **COOLER)
    for follower in followers:
        follower.tick()
    trying = [follower.deployment.trying for follower in followers]
    followers[0].deployment.tried(trying[0].version, ok=True)  # type: ignore[union-attr]
    clock[0] = 61
    followers[1].tick()
    assert numbers(followers) == ["100", "100"], "nobody told it yet that there was a request at all"
    for follower in followers:
        follower.tick()
    followers[1].tick()
    assert numbers(followers) == ["101", "101"], "the second worker answered nothing itself"
    back = two(pushed, tmp_path / "board", clock)
    assert numbers(back) == ["101", "101"]


def test_what_fails_at_one_worker_is_out_at_all_and_stays_so_at_one_that_comes_back(
    pushed: Path, tmp_path: Path, clock: list[float]
) -> None:
    followers = two(pushed, tmp_path / "board", clock)
    push(pushed, "101", **COOLER)
    for follower in followers:
        follower.tick()
    for follower, ok in zip(followers, (True, False), strict=True):
        follower.deployment.tried(follower.deployment.trying.version, ok=ok)  # type: ignore[union-attr]
    clock[0] = 61
    followers[1].tick()
    followers[0].tick()
    assert numbers(followers) == ["100", "100"]
    assert [follower.deployment.trying for follower in followers] == [None, None]
    back = two(pushed, tmp_path / "board", clock)
    for follower in back:
        follower.tick()
    assert numbers(back) == ["100", "100"], "a worker begins with what the others serve, not with what `latest` names"
    assert [follower.deployment.trying for follower in back] == [None, None]


def test_a_worker_that_comes_back_goes_on_with_the_trial(pushed: Path, tmp_path: Path, clock: list[float]) -> None:
    followers = two(pushed, tmp_path / "board", clock)
    push(pushed, "101", **COOLER)
    followers[0].tick()
    back = two(pushed, tmp_path / "board", clock)
    assert numbers(back) == ["100", "100"]
    back[1].tick()
    assert back[1].deployment.trying


def values(port: int) -> dict[str, float]:
    """What `/metrics` says, by name and labels."""
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20).read().decode()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line[0] != "#"}


def test_two_workers_serve_count_log_and_follow_together_through_a_kill(pushed: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    options = ["--edge", pushed, "--port", "0", "--log", log, "--interval", "0.1", "--workers", "2"]
    process = started(options, tmp_path)
    assert process.stdout
    found = re.match(r"serving sentiment, version 100: http://127.0.0.1:(\d+)/", process.stdout.readline())
    assert found
    port = int(found[1])
    assert process.stdout.readline() == "workers: 2\n"
    children = [child for child in psutil.Process(process.pid).children() if "spawn_main" in " ".join(child.cmdline())]
    assert len(children) == 2

    def once(_: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        body = json.dumps({"instances": TEXTS})
        connection.request("POST", "/v1/models/sentiment:predict", body, {"Content-Type": "application/json"})
        return connection.getresponse().status

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(once, range(100))) == {200}
        assert (
            values(port)['edgeline_serving_requests_total{model="sentiment",outcome="answered",version="100"}'] == 100
        )
        children[0].kill()
        children[0].wait(10)
        assert set(pool.map(once, range(100))) == {200}, "who comes while a worker is gone is answered by the other"
    until(lambda: values(port)["edgeline_serving_worker_starts_total"] == 3, 60)
    counted = values(port)
    assert counted["edgeline_serving_workers"] == 2
    assert counted['edgeline_serving_requests_total{model="sentiment",outcome="answered",version="100"}'] == 200
    push(pushed, "101", **COOLER)
    until(lambda: values(port).get('edgeline_serving_version_info{model="sentiment",role="live",version="101"}') == 2)
    assert not [name for name in values(port) if "version_info" in name and '"100"' in name]
    clients = [Client(port) for _ in range(8)]
    for client in clients:
        client.start()
    time.sleep(0.5)
    for child in psutil.Process(process.pid).children():  # as a service manager may, which tells all of them
        if "spawn_main" in " ".join(child.cmdline()):
            child.terminate()
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=30)
    for client in clients:
        client.join(20)
    assert process.returncode == 0, told
    assert [client.errors for client in clients if client.errors] == []
    answers = 200 + sum(client.answers for client in clients)
    # Whole rows only; of the worker that was killed the last ones may be missing.
    assert answers * len(TEXTS) - 400 <= len(lines(log)) <= answers * len(TEXTS)
    assert {path.name.split(".")[1] for path in log.glob("*.jsonl")} == {"w1", "w2"}
    assert "Traceback" not in told


def test_workers_end_when_the_process_that_started_them_is_killed(pushed: Path, tmp_path: Path) -> None:
    process = started(["--edge", pushed, "--port", "0", "--workers", "2"], tmp_path)
    assert process.stdout
    assert process.stdout.readline().startswith("serving sentiment")
    children = psutil.Process(process.pid).children()
    process.kill()
    process.communicate(timeout=30)
    assert psutil.wait_procs(children, timeout=30)[1] == []
