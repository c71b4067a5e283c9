"""Two processes train one model together by TF_CONFIG, as two machines would."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parent.parent / "multi_worker_task.py"


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for item in sockets:
        item.bind(("localhost", 0))
    ports = [item.getsockname()[1] for item in sockets]
    for item in sockets:
        item.close()
    return ports


def _start(folder: Path, config: dict[str, Any] | None) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parent.parent), "TF_CPP_MIN_LOG_LEVEL": "2"}
    environment.pop("TF_CONFIG", None)
    if config:
        environment["TF_CONFIG"] = json.dumps(config)
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def _result(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err[-3000:]
    [line] = [line for line in out.splitlines() if line.startswith("RESULT ")]
    return json.loads(line.removeprefix("RESULT "))


@pytest.mark.slow
def test_two_workers_learn_what_one_process_learns_on_the_same_global_batch(tmp_path: Path) -> None:
    workers = [f"localhost:{port}" for port in _free_ports(2)]
    together = tmp_path / "together"
    processes = [
        _start(together, {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}})
        for index in range(2)
    ]
    first, second = [_result(process) for process in processes]
    alone = _result(_start(tmp_path / "alone", None))

    assert (first["replicas"], second["replicas"], alone["replicas"]) == (2, 2, 1)
    assert first["chief"]
    assert not second["chief"]
    for name, values in first["history"].items():
        assert values == pytest.approx(second["history"][name]), name
    for name in ("loss", "val_loss"):
        assert first["history"][name] == pytest.approx(alone["history"][name], rel=1e-4)
    assert first["weights"] == pytest.approx(second["weights"], rel=1e-6)
    assert first["weights"] == pytest.approx(alone["weights"], rel=1e-4)
    # Only the chief writes where the next node reads.
    assert first["output"] == str(together / "out")
    assert not second["output"].startswith(str(tmp_path))
