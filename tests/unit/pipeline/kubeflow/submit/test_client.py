"""What a Kubeflow Pipelines server hears: kfp's own client talks to one that notes every request."""

from __future__ import annotations

import dataclasses
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import modules  # noqa: F401

import pytest

from pipeline.kubeflow.submit import base, kubeflow
from tests.unit.pipeline.kubeflow.orchestrators.test_request import in_the_project, request  # noqa: F401

API = "/apis/v2beta1"


@dataclasses.dataclass
class Server:
    """A server of the API.

    Attributes:
        host: its address.
        heard: method, path, headers and body of each request.
        answers: by method and path.
        states: of the run, one for each time that somebody asks; the last one stays.
    """

    host: str = ""
    heard: list[tuple[str, str, dict[str, str], Any]] = dataclasses.field(default_factory=list)
    answers: dict[tuple[str, str], dict[str, Any]] = dataclasses.field(
        default_factory=lambda: {
            ("GET", f"{API}/healthz"): {"multi_user": False},
            ("GET", f"{API}/experiments"): {"experiments": []},
            ("POST", f"{API}/experiments"): {"experiment_id": "e1"},
            ("POST", f"{API}/runs"): {"run_id": "r1"},
            ("POST", f"{API}/recurringruns"): {"recurring_run_id": "c1"},
        }
    )
    states: list[str] = dataclasses.field(default_factory=lambda: ["RUNNING", "SUCCEEDED"])

    def answer(self, method: str, path: str) -> dict[str, Any] | None:
        if (method, path) == ("GET", f"{API}/runs/r1"):
            return {"run_id": "r1", "state": self.states.pop(0) if len(self.states) > 1 else self.states[0]}
        return self.answers.get((method, path))

    def sent(self, path: str) -> dict[str, Any]:
        """The body of the one POST to a path."""
        [body] = [body for method, at, _, body in self.heard if (method, at) == ("POST", f"{API}/{path}")]
        return body


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._respond("GET")

        def do_POST(self) -> None:
            self._respond("POST")

        def _respond(self, method: str) -> None:
            path, size = self.path.split("?")[0], int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            found.heard.append((method, path, dict(self.headers), body))
            answer = found.answer(method, path)
            content = json.dumps(answer).encode()
            self.send_response(200 if answer is not None else 403)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.host = f"http://127.0.0.1:{listening.server_port}"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield found
    listening.shutdown()
    listening.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeflow, "_POLL_SECONDS", 0.0)


def test_a_run(server: Server, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    given = request("kubeflow", host=server.host, namespace="team", token_file=tmp_path / "token", name="n")
    assert given.send(wait=True) == "run r1"
    assert {headers.get("authorization") for _, _, headers, _ in server.heard} == {"Bearer secret"}
    assert server.sent("experiments") == {"display_name": "edgeline-golden", "namespace": "team"}
    run = server.sent("runs")
    assert (run["display_name"], run["experiment_id"], run["service_account"]) == ("n", "e1", "runner@project")
    assert run["runtime_config"]["parameters"]["epochs"] == 5
    assert "pipeline_root" not in run["runtime_config"]  # artifacts are on a volume
    assert "A" in run["pipeline_spec"]["root"]["dag"]["tasks"]
    assert server.heard[-1][:2] == ("GET", f"{API}/runs/r1")


def test_the_session_of_a_browser_is_enough(server: Server, tmp_path: Path) -> None:
    (tmp_path / "cookies").write_text("authservice_session=abc\n")
    given = request("kubeflow", host=server.host, cookies_file=tmp_path / "cookies", no_cache=True)
    assert given.send(wait=False) == "run r1"
    assert {headers.get("Cookie") for _, _, headers, _ in server.heard} == {"authservice_session=abc"}
    tasks = server.sent("runs")["pipeline_spec"]["root"]["dag"]["tasks"]
    assert not tasks["A"].get("cachingOptions", {}).get("enableCache")


def test_a_recurring_run(server: Server) -> None:
    given = request("kubeflow", host=server.host, cron="0 0 3 * * *", name="nightly")
    assert given.send(wait=False) == "recurring run c1"
    sent = server.sent("recurringruns")
    assert sent["trigger"] == {"cron_schedule": {"cron": "0 0 3 * * *"}}
    assert (sent["display_name"], sent["experiment_id"], sent["mode"]) == ("nightly", "e1", "ENABLE")
    assert sent["runtime_config"]["parameters"]["epochs"] == 5


@pytest.mark.parametrize("state", ["FAILED", "CANCELED"])
def test_a_run_that_did_not_succeed_is_a_failure(server: Server, state: str) -> None:
    server.states = ["PENDING", state]
    with pytest.raises(base.SubmissionError, match=f"run r1 at {server.host}: {state}"):
        request("kubeflow", host=server.host).send(wait=True)


def test_a_refusal_and_a_server_that_is_not_there_are_one_clear_line(server: Server) -> None:
    del server.answers["POST", f"{API}/runs"]
    with pytest.raises(base.SubmissionError, match=f"Kubeflow Pipelines at {server.host}: 403 Forbidden"):
        request("kubeflow", host=server.host).send(wait=False)
    with pytest.raises(base.SubmissionError, match=r"Kubeflow Pipelines at http://127\.0\.0\.1:9: .*refused"):
        request("kubeflow", host="http://127.0.0.1:9", namespace="team").send(wait=False)
