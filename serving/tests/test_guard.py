"""Who is let in, what they may bring, how slow they may be; and that nothing of a request is told to anybody else."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import resource
import socket
import ssl
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from edgeline_serving.errors import RequestError, SettingsError
from edgeline_serving.settings import Limits, Source
from edgeline_serving.wire.guard import Guard
from edgeline_serving.wire.kserve_parts import grpc_messages, grpc_services
from edgeline_serving.wire.tokens import Tokens
from tests.conftest import Running, serving

PREDICT = "/v1/models/sentiment:predict"
FIRST, SECOND = "first-token-of-many-letters", "second-token-of-many-letters"


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    path.write_text(f"# ours\n{FIRST}\n\n{SECOND}\n")
    return path


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_without_a_token_only_health_is_told(pushed: Path, token_file: Path) -> None:
    with serving(Source("edge", pushed), tokens=Tokens(token_file), grpc_port=0) as server:
        for path in ("/", "/v2/health/live", "/v2/health/ready"):
            assert server.call("GET", path)[0] == 200
        for path in ("/metrics", "/v1/models", "/v2/models/sentiment", "/openapi.json", "/nothing"):
            status, answer, headers = server.call("GET", path)
            assert (status, headers["www-authenticate"]) == (401, "Bearer")
            assert "token" in answer["error"]
        for wrong in (
            "",
            FIRST,
            f"Basic {FIRST}",
            f"Bearer {FIRST[:-1]}",
            f"Bearer {FIRST}x",
            "Bearer ",
            "Bearer # ours",
        ):
            assert server.call("POST", PREDICT, {"instances": ["a"]}, {"Authorization": wrong})[0] == 401
        for right in (bearer(FIRST), bearer(SECOND), {"authorization": f"bearer {SECOND}"}):
            assert server.call("POST", PREDICT, {"instances": ["a"]}, right)[0] == 200
        with grpc.insecure_channel(f"127.0.0.1:{server.rpc.port}") as channel:
            stub = grpc_services.GRPCInferenceServiceStub(channel)
            request = grpc_messages.ModelMetadataRequest(name="sentiment")
            assert stub.ServerLive(grpc_messages.ServerLiveRequest(), timeout=10).live
            with pytest.raises(grpc.RpcError) as told:
                stub.ModelMetadata(request, timeout=10)
            assert told.value.code() == grpc.StatusCode.UNAUTHENTICATED
            assert stub.ModelMetadata(request, timeout=10, metadata=[("authorization", f"Bearer {FIRST}")]).name


def test_new_tokens_are_taken_up_and_a_broken_file_does_not_open_the_door(
    token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeline_serving.wire.tokens._SECONDS_BETWEEN_LOOKS", 0)
    tokens = Tokens(token_file)
    token_file.write_text("third-token-of-many-letters\n")
    assert tokens.admits("Bearer third-token-of-many-letters")
    assert not tokens.admits(f"Bearer {FIRST}")
    token_file.write_text("")
    assert tokens.admits("Bearer third-token-of-many-letters")
    assert not tokens.admits("Bearer ")
    assert not tokens.admits(None)


@pytest.mark.parametrize(
    ("content", "said"), [("", "there is no token"), (f"{FIRST}\nshort\n", ":2: a token has at least")]
)
def test_a_file_of_bad_tokens_is_refused(token_file: Path, content: str, said: str) -> None:
    token_file.write_text(content)
    with pytest.raises(SettingsError, match=said):
        Tokens(token_file)
    with pytest.raises(SettingsError, match="cannot be read"):
        Tokens(token_file.with_name("none"))


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    from tests.conftest import push

    folder = tmp_path_factory.mktemp("push")
    push(folder, "100")
    limits = Limits(body=3000, depth=6, client_seconds=0.5, waiting=3, connections=12)
    with serving(Source("edge", folder), limits=limits) as server:
        yield server


def raw(server: Running, content: bytes, wait: float = 5.0) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=wait) as connection:
        connection.sendall(content)
        received = b""
        while part := connection.recv(65536):
            received += part
        return received


@pytest.mark.parametrize(
    "body", [b" " * 3001, json.dumps({"instances": ["x" * 4000]}).encode()], ids=["spaces", "a long text"]
)
def test_a_large_body_is_refused_before_it_is_read(strict: Running, body: bytes) -> None:
    assert strict.call("POST", PREDICT, body)[:2] == (413, {"error": "the body is larger than 3000 bytes"})
    chunked = b"".join(b"%x\r\n%s\r\n" % (500, b" " * 500) for _ in range(7)) + b"0\r\n\r\n"
    head = f"POST {PREDICT} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    assert b" 413 " in raw(strict, head + chunked)


@pytest.mark.parametrize("path", [PREDICT, "/v2/models/sentiment/infer"])
@pytest.mark.parametrize("body", [b"[" * 2000, b'{"a":' * 400 + b"1" + b"}" * 400])
def test_deep_json_is_refused_before_a_parser_sees_it(strict: Running, path: str, body: bytes) -> None:
    assert strict.call("POST", path, body)[:2] == (400, {"error": "the JSON is nested deeper than 6 levels"})


@pytest.mark.parametrize("length", ["0", "9" * 5000])
def test_a_header_does_not_hide_depth_from_the_look(strict: Running, length: str) -> None:
    body = b'{"instances": [' + b"[" * 500 + b"]" * 500 + b"]}"
    headers = {"inference-header-content-length": length, "content-type": "application/json"}
    for path in (PREDICT, "/v2/models/sentiment/infer"):
        assert strict.call("POST", path, body, headers)[0] == 400


def test_looking_at_a_hostile_body_takes_no_longer_than_reading_it() -> None:
    guard = Guard(None, Limits(depth=6))
    for body in (b'"' + b'\\"' * 500_000, b'[[[[[[[["' + b"\\" * 999_999, b'"' * 1_000_000 + b"{" * 7):
        began = time.perf_counter()
        with contextlib.suppress(RequestError):
            guard._check_depth(body + b"[[[[[[[[")
        assert time.perf_counter() - began < 1


def test_brackets_inside_a_text_are_no_depth(strict: Running) -> None:
    assert strict.predict("[{" * 50, 'a "quoted [[[[[[[[[" \\', "\\\\[[[[[[[[")[0] == 200


def test_a_slow_client_is_ended_and_others_are_answered(strict: Running) -> None:
    begun = f"POST {PREDICT} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{{".encode()
    for content, said in ((b"", b""), (b"POST ", b""), (begun, b" 408 ")):
        started = time.monotonic()
        with socket.create_connection(("127.0.0.1", strict.port), timeout=5) as connection:
            connection.sendall(content)
            time.sleep(0.2)
            if content:
                connection.sendall(b"x")  # dripping does not help
            assert strict.predict("meh")[0] == 200
            received = connection.recv(65536)
        assert said in received
        assert time.monotonic() - started < 3


def test_more_requests_than_may_wait_are_answered_503_and_health_still_is(strict: Running) -> None:
    begun = f"POST {PREDICT} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{{".encode()
    held = [socket.create_connection(("127.0.0.1", strict.port)) for _ in range(3)]
    for connection in held:
        connection.sendall(begun)
    time.sleep(0.1)
    status, answer, headers = strict.call("POST", PREDICT, {"instances": ["a"]})
    assert (status, headers["retry-after"]) == (503, "1")
    assert "at work" in answer["error"]
    assert strict.call("GET", "/v2/health/ready")[0] == 200
    for connection in held:
        connection.close()
    time.sleep(0.1)
    assert strict.predict("a")[0] == 200


def test_more_connections_than_may_be_do_not_outlast_their_time(strict: Running) -> None:
    held = [socket.create_connection(("127.0.0.1", strict.port)) for _ in range(12)]
    assert strict.call("GET", "/")[0] == 503
    time.sleep(0.7)
    assert strict.call("GET", "/")[0] == 200
    for connection in held:
        connection.close()


def test_thousands_of_connections_are_held_or_turned_away_and_health_is_told_again(pushed: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2000
    if 2 * wanted + 200 > hard:
        pytest.skip(f"no process here may have {2 * wanted + 200} files open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * wanted + 200), hard))
    try:
        with serving(Source("edge", pushed), limits=Limits(client_seconds=2.0, connections=1000)) as server:
            with contextlib.ExitStack() as stack:
                for _ in range(wanted):
                    stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20))
                assert server.call("GET", "/v2/health/live")[0] == 503
                until = time.monotonic() + 20
                while server.call("GET", "/v2/health/live")[0] != 200:  # who sends nothing is ended in time
                    assert time.monotonic() < until
                    time.sleep(0.1)
            assert server.predict("meh")[0] == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    "content",
    [
        b"nonsense nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon here\r\n\r\n",
        f"POST {PREDICT} HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n".encode(),
        b"GET / HTTP/1.1\r\n" + b"".join(b"x-%d: %s\r\n" % (n, b"y" * 1000) for n in range(100)),
        f"POST {PREDICT} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 40\r\n\r\n{{}}".encode(),
    ],
)
def test_bad_http_is_refused_and_the_server_stays_up(strict: Running, content: bytes) -> None:
    with contextlib.suppress(ConnectionResetError):
        assert raw(strict, content)[:13] in (b"HTTP/1.1 400 ", b"")
    assert strict.predict("meh")[0] == 200


def test_no_text_of_a_request_gets_into_a_log_line_or_an_error(
    strict: Running, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "S3CRETS3CRET"
    event = {"ce-id": secret, "ce-source": secret, "Content-Type": "application/json"}
    tensor = {"name": secret, "shape": [2], "datatype": "BYTES", "data": [secret]}
    answers = [
        strict.call("POST", PREDICT, f'{{"instances": ["{secret}'.encode()),
        strict.call("POST", PREDICT, {"instances": [{secret: secret}]}),
        strict.call("POST", PREDICT, {"instances": secret}),
        strict.call("POST", PREDICT, {"instances": [secret]}, event | {"ce-specversion": secret}),
        strict.call(
            "POST", PREDICT, {"specversion": secret, "data": secret}, {"Content-Type": "application/cloudevents+json"}
        ),
        strict.call("POST", "/v2/models/sentiment/infer", {"inputs": [tensor]}),
        strict.call("POST", "/v2/models/sentiment/infer", {"inputs": [{**tensor, "shape": secret}]}),
        strict.call("POST", "/v2/models/sentiment/infer", {"inputs": secret}),
        strict.call("POST", "/v2/models/sentiment/infer", secret.encode(), {"inference-header-content-length": "3"}),
    ]

    def fails(*_: Any) -> None:
        raise ValueError(f"cannot compute {secret}")

    monkeypatch.setattr(strict.followers[0].deployment.live.backend, "_answer", fails)  # type: ignore[union-attr]
    answers.append(strict.call("POST", PREDICT, {"instances": [secret]}))
    assert answers[-1][:2] == (500, {"error": "internal error: ValueError"})
    monkeypatch.undo()
    monkeypatch.setattr(strict.followers[0].deployment, "route", fails)
    answers.append(strict.call("POST", PREDICT, {"instances": [secret]}))
    assert answers[-1][:2] == (500, {"error": "internal error: ValueError"})
    told = [answer for status, answer, _ in answers if status != 200]
    assert len(told) >= 8
    assert all(list(answer) == ["error"] for answer in told)
    assert secret not in json.dumps(told)
    for _ in range(200):  # the line is written behind the answer
        if "ValueError at" in caplog.text:
            break
        time.sleep(0.02)
    assert "ValueError at" in caplog.text, "where it happened is told"
    assert secret not in caplog.text


def test_tls_by_files(pushed: Path, tmp_path: Path) -> None:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    private, public = tmp_path / "key.pem", tmp_path / "cert.pem"
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    with serving(Source("edge", pushed), certificate=public, private_key=private, grpc_port=0) as server:
        context = ssl.create_default_context(cafile=public)
        address = f"https://localhost:{server.port}{PREDICT}"
        request = urllib.request.Request(address, b'{"instances": ["meh"]}', {"Content-Type": "application/json"})
        assert json.loads(urllib.request.urlopen(request, context=context, timeout=10).read())["predictions"]
        credentials = grpc.ssl_channel_credentials(public.read_bytes())
        with grpc.secure_channel(f"localhost:{server.rpc.port}", credentials) as channel:
            stub = grpc_services.GRPCInferenceServiceStub(channel)
            assert stub.ServerLive(grpc_messages.ServerLiveRequest(), timeout=10).live
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            server.call("GET", "/")
    private.write_text("no key")
    with (
        pytest.raises(SettingsError, match="--tls-cert, --tls-key"),
        serving(Source("edge", pushed), certificate=public, private_key=private),
    ):
        pass
