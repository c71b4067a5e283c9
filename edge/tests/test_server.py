"""The HTTP server, over real sockets."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgeline_edge import Classifier
from edgeline_edge.server import Server

PREDICT = "/v1/models/sentiment:predict"


@pytest.fixture
def server(classifier: Classifier) -> Iterator[Server]:
    with Server(
        ("127.0.0.1", 0), classifier, max_body=2000, max_instances=8, max_connections=4, timeout=0.6
    ) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def call(server: Server, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    if response.headers.get("Content-Type") == "application/json":
        return response.status, json.loads(content) if content else None
    return response.status, content.decode()


def ask(server: Server, *instances: Any) -> tuple[int, Any]:
    return call(server, "POST", PREDICT, json.dumps({"instances": instances}).encode())


def raw(server: Server, content: bytes, wait: float = 3) -> bytes:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=wait) as connection:
        connection.sendall(content)
        received = b""
        while part := connection.recv(65536):
            received += part
        return received


def test_predict_answers_in_the_shape_of_tensorflow_serving(server: Server, classifier: Classifier) -> None:
    status, answer = ask(server, "good film", {"text": "the worst phone"})
    expected = classifier.predict(["good film", "the worst phone"])
    assert status == 200
    assert answer == {"predictions": [{"label": a.label, "score": a.score, "scores": a.scores} for a in expected]}
    assert ask(server) == (200, {"predictions": []})


def test_state_metadata_and_health(server: Server, classifier: Classifier) -> None:
    state = call(server, "GET", "/v1/models/sentiment")[1]["model_version_status"][0]
    assert state["state"] == "AVAILABLE"
    assert state["version"] == str(int(classifier.manifest.digests["tflite"][:12], 16))
    assert call(server, "GET", f"/v1/models/sentiment/versions/{state['version']}")[0] == 200
    assert call(server, "GET", "/v1/models/sentiment/versions/7")[0] == 404
    assert call(server, "GET", "/v1/models/sentiment/metadata")[1] == classifier.manifest.to_dict()
    assert call(server, "GET", "/healthz") == (200, {"status": "ok"})
    assert call(server, "HEAD", "/healthz") == (200, None)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b"{", 400, "JSON parse error"),
        (b"[" * 1500, 400, "JSON parse error"),
        (b"[]", 400, "instances"),
        (b'{"instances": "a"}', 400, "instances"),
        (b'{"instances": ["", ""]}', 400, "instances[0] is empty"),
        (b'{"instances": [1]}', 400, "instances[0] must be a string"),
        (b'{"instances": [{"txt": "a"}]}', 400, "instances[0] must be a string"),
        (b'{"instances": [%s"a"]}' % (b'"a",' * 8), 413, "at most 8"),
        (b" " * 2001, 413, "2000 bytes"),
    ],
)
def test_a_bad_request_is_told_why(server: Server, body: bytes, code: int, message: str) -> None:
    status, answer = call(server, "POST", PREDICT, body)
    assert status == code
    assert message in answer["error"]


def test_unknown_paths_and_methods(server: Server) -> None:
    assert call(server, "GET", "/nothing")[0] == 404
    assert call(server, "POST", "/v1/models/other:predict", b"{}")[0] == 404
    assert call(server, "DELETE", PREDICT)[0] == 501
    assert b" 411 " in raw(server, f"POST {PREDICT} HTTP/1.1\r\n\r\n".encode())
    assert b" 411 " in raw(server, f"POST {PREDICT} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode())
    assert b" 413 " in raw(server, f"POST {PREDICT} HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n".encode())
    assert b" 411 " in raw(server, f"POST {PREDICT} HTTP/1.1\r\nContent-Length: -5\r\n\r\n".encode())
    assert b" 400 " in raw(server, b"nonsense nonsense nonsense nonsense\r\n\r\n")
    assert call(server, "GET", "/healthz")[0] == 200


def test_a_connection_is_kept_for_several_requests(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    for _ in range(3):
        connection.request("POST", PREDICT, b'{"instances": ["a"]}')
        assert connection.getresponse().read()
    connection.close()
    assert 'edgeline_requests_total{route="predict",code="200"} 3' in call(server, "GET", "/metrics")[1]


def test_a_slow_client_is_dropped_even_if_it_drips(server: Server) -> None:
    for content in (b"", b"POST ", f"POST {PREDICT} HTTP/1.1\r\nContent-Length: 100\r\n\r\n{{".encode()):
        started = time.monotonic()
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=3) as connection:
            connection.sendall(content)
            try:
                while time.monotonic() - started < 3:
                    connection.sendall(b"x")
                    time.sleep(0.1)
            except OSError:
                pass
            assert time.monotonic() - started < 2
    assert call(server, "GET", "/healthz")[0] == 200


def test_a_bad_text_is_told_in_its_place_and_the_others_are_answered(server: Server, classifier: Classifier) -> None:
    status, answer = ask(server, "good film", "", 7, {"txt": "a"}, "meh")
    assert status == 200
    errors = [item.get("error", "") for item in answer["predictions"]]
    assert errors[0] == errors[4] == ""
    assert "instances[1] is empty" in errors[1]
    assert "instances[2] must be a string" in errors[2]
    assert "instances[3] must be a string" in errors[3]
    assert answer["predictions"][4]["score"] == classifier.predict(["meh"])[0].score


@pytest.mark.parametrize(
    "head",
    [
        "GET /healthz HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET /",
        "GET /healthz HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HEAD /healthz HTTP/1.1\r\nContent-Length: 1\r\n\r\nx",
        f"POST {PREDICT} HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{{}}",
        f"POST {PREDICT} HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 40\r\n\r\n{{}}",
        f"POST {PREDICT} HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{{}}",
        f"POST {PREDICT} HTTP/1.1\r\nno colon here\r\nContent-Length: 2\r\n\r\n{{}}",
    ],
)
def test_a_request_that_a_proxy_may_frame_otherwise_is_refused_and_ends_the_connection(
    server: Server, head: str
) -> None:
    received = raw(server, f"{head}GET /healthz HTTP/1.1\r\n\r\n".encode())
    assert received.startswith(b"HTTP/1.1 400 ")
    assert received.count(b"HTTP/1.1 ") == 1, "what follows is not taken for a request"


def test_clients_that_keep_connections_open_do_not_keep_others_out(server: Server) -> None:
    held = [http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5) for _ in range(4)]
    for connection in held:
        connection.request("GET", "/healthz")
        connection.getresponse().read()
    for _ in range(6):
        assert ask(server, "good film")[0] == 200
    assert "edgeline_connections_rejected_total 0" in call(server, "GET", "/metrics")[1]
    for connection in held:
        connection.close()


def test_while_all_places_are_at_work_health_is_answered_and_the_rest_is_not(server: Server) -> None:
    half = f"POST {PREDICT} HTTP/1.1\r\nContent-Length: 100\r\n\r\n{{".encode()
    held = [socket.create_connection(("127.0.0.1", server.server_port)) for _ in range(4)]
    for connection in held:
        connection.sendall(half)
    time.sleep(0.1)
    assert call(server, "GET", "/healthz")[0] == 200
    assert ask(server, "good film")[0] == 503
    assert "edgeline_connections_rejected_total 1" in call(server, "GET", "/metrics")[1]
    waiting = [socket.create_connection(("127.0.0.1", server.server_port)) for _ in range(4)]
    time.sleep(0.1)
    assert b" 503 " in raw(server, b""), "a flood is turned away at once"
    for connection in [*held, *waiting]:
        connection.close()
    time.sleep(0.2)
    assert ask(server, "good film")[0] == 200


@pytest.fixture
def sliding(classifier: Classifier) -> Iterator[Server]:
    with Server(("127.0.0.1", 0), classifier, long_text="windows", max_windows=50) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def slowed(server: Server, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Makes each run of the model take 20 ms; the list grows by one each time."""
    runs: list[int] = []
    model = server.classifier._model

    def run(*row: Any) -> Any:
        runs.append(1)
        time.sleep(0.02)
        return model(*row)

    monkeypatch.setattr(server.classifier, "_model", run)
    return runs


def test_a_long_text_has_a_bound(sliding: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = slowed(sliding, monkeypatch)
    assert ask(sliding, "good film " * 80_000)[0] == 200
    assert len(runs) == 50


def test_work_stops_when_the_client_has_left(sliding: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = slowed(sliding, monkeypatch)
    body = json.dumps({"instances": ["good film " * 300] * 8}).encode()
    with socket.create_connection(("127.0.0.1", sliding.server_port)) as connection:
        connection.sendall(f"POST {PREDICT} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        time.sleep(0.3)
    time.sleep(0.2)
    done = len(runs)
    assert 0 < done < 100
    time.sleep(0.3)
    assert len(runs) == done


def test_work_stops_when_it_takes_too_long(sliding: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    slowed(sliding, monkeypatch)
    sliding.max_seconds = 0.2
    status, answer = ask(sliding, "good film " * 300)
    assert status == 503
    assert "more than 0.2 s of work" in answer["error"]


def test_a_server_that_stops_sends_the_answers_that_are_under_way(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(("127.0.0.1", 0), classifier, long_text="windows")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    slowed(server, monkeypatch)
    idle = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    idle.request("GET", "/healthz")
    idle.getresponse().read()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, server, "good film " * 300)
        time.sleep(0.2)
        server.shutdown()
        thread.join()
        started = time.monotonic()
        assert server.drain(5)
        assert time.monotonic() - started < 4, "a connection that waits holds nothing up"
        assert answer.result()[0] == 200
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.server_port), timeout=1)
    idle.close()


def test_many_clients_get_their_own_answers(server: Server, classifier: Classifier) -> None:
    texts = [f"good film number {i}" for i in range(40)]
    expected = {text: answer.score for text, answer in zip(texts, classifier.predict(texts), strict=True)}
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for text, (status, answer) in zip(texts, pool.map(lambda text: ask(server, text), texts), strict=True):
            assert status == 200
            assert answer["predictions"][0]["score"] == expected[text]


def test_metrics_are_valid_and_count(server: Server) -> None:
    ask(server, "good film", "meh")
    ask(server, "")
    status, text = call(server, "GET", "/metrics")
    assert status == 200
    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert samples['edgeline_requests_total{route="predict",code="200"}'] == "1"
    assert samples['edgeline_requests_total{route="predict",code="400"}'] == "1"
    assert samples['edgeline_predict_duration_seconds_bucket{le="+Inf"}'] == "2"
    assert sum(int(n) for name, n in samples.items() if name.startswith("edgeline_predictions_total")) == 2


def test_the_command_serves_and_stops_when_asked(bundle_path: Path, tmp_path: Path) -> None:
    pushed = tmp_path / "1795732500" / "model.tflite"
    pushed.parent.mkdir()
    pushed.write_bytes(bundle_path.read_bytes())
    process = subprocess.Popen(
        [sys.executable, "-m", "edgeline_edge", "serve", pushed, "--port", "0", "--name", "a/b"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    line = process.stdout.readline()
    port = int(line.split("127.0.0.1:")[1].split("/")[0])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("POST", "/v1/models/a%2Fb:predict", b'{"instances": ["a"]}')
    answer = connection.getresponse()
    assert (answer.status, len(answer.read())) > (200, 0)
    connection.request("GET", "/v1/models/a%2Fb/versions/1795732500")
    assert json.load(connection.getresponse())["model_version_status"][0]["version"] == "1795732500"
    process.send_signal(signal.SIGTERM)
    assert process.wait(8) == 0
    process.stdout.close()
    connection.close()
