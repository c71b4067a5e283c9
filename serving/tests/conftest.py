"""What the tests share: push folders with tiny bundles, and a server in a thread of the test's own process."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgeline_edge import Classifier, write_bundle
from edgeline_serving.settings import Settings, Source
from edgeline_serving.versions.follower import Follower
from edgeline_serving.versions.push_folder import PushFolder

DATA = Path(__file__).resolve().parents[2] / "edge" / "tests" / "data"
LABELS = ("negative", "neutral", "positive")
MANIFEST = {"task": "sentiment", "recipe": "dynamic_wi8_afp32", "run_id": "r1", "licence": "Apache-2.0"}
TEXTS = ["good film", "the worst phone", "meh", "a warm, funny film that earns its tears"]


def make_bundle(
    path: Path, *, labels: tuple[str, ...] = LABELS, model: str = "tiny.tflite", inputs: Any = (), records: Any = (),
    target: Any = None, **manifest: Any,
) -> None:  # fmt: skip
    """Writes a bundle of a committed model; with `inputs` of more than a text or another target, and with probes."""
    vocabulary = (DATA / "vocab.txt").read_text("utf-8").split("\n")[:-1]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bundle(
        (DATA / model).read_bytes(), path, vocabulary=vocabulary, labels=labels, manifest={**MANIFEST, **manifest},
        **({"inputs": inputs, "probes": records, "target": target} if inputs else {}),
    )  # fmt: skip


def push(folder: Path, version: str, *, probes: list[Any] | None = None, **bundle: Any) -> Path:
    """Pushes as Pusher does: whole under another name, then renamed, then `latest`."""
    partial = folder / f".{version}.partial"
    make_bundle(partial / "model.tflite", **bundle)
    if probes is not None:
        lines = [json.dumps({"instance": text, "prediction": answer}) for text, answer in probes]
        (partial / "probes.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    partial.rename(folder / version)
    point_latest(folder, version)
    return folder / version


def point_latest(folder: Path, version: str) -> None:
    """Lets `latest` name a version, in one step."""
    (folder / ".latest.partial").write_text(f"{version}\n")
    os.replace(folder / ".latest.partial", folder / "latest")


def expected(path: Path, texts: list[str]) -> list[dict[str, Any]]:
    """What the device's own library answers."""
    answers = Classifier.load(path / "model.tflite").predict(texts)
    return [answer.told() for answer in answers]


@pytest.fixture
def pushed(tmp_path: Path) -> Path:
    """A push folder with one version, 100."""
    folder = tmp_path / "edge"
    push(folder, "100")
    return folder


class Running:
    """A server that answers, and ways to ask it."""

    def __init__(self, port: int, followers: list[Follower], stop: Callable[[], None], rpc: Any = None) -> None:
        """Takes what `serving` started."""
        self.port, self.followers, self.stop, self.rpc = port, followers, stop, rpc

    def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        """One request on a connection of its own: status, content, headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, content, {"Content-Type": "application/json", **(headers or {})})
        response = connection.getresponse()
        text = response.read()
        connection.close()
        found = {name.lower(): value for name, value in response.getheaders()}
        is_json = found.get("content-type", "").startswith("application/json")
        return response.status, json.loads(text) if is_json and text else text.decode(), found

    def predict(self, *instances: Any, name: str = "sentiment", **headers: str) -> tuple[int, Any]:
        """V1."""
        return self.call("POST", f"/v1/models/{name}:predict", {"instances": list(instances)}, headers)[:2]


@contextlib.contextmanager
def serving(
    *sources: Source, log: Any = None, tokens: Any = None, backend: Any = None, **changed: Any
) -> Iterator[Running]:
    """Serves in a thread of this process; no thread follows the push folders: tests tick by themselves."""
    from edgeline_serving.wire.app import Plane, application
    from edgeline_serving.wire.model import ServedModel
    from edgeline_serving.wire.rest import RestServer

    settings = Settings(sources=sources, port=0, **changed)
    followers = [Follower(PushFolder(source), settings) for source in sources]
    for follower in followers:
        follower.start()
    started, held = threading.Event(), {}

    async def main() -> None:
        plane = Plane([ServedModel(f.name, f.deployment, settings, log) for f in followers])
        rest = RestServer(application(plane, settings.limits, tokens), settings)
        rpc = None
        if settings.grpc_port is not None:
            from edgeline_serving.wire.rpc import RpcServer

            rpc = RpcServer(plane, settings, tokens)
            await rpc.start()
        held.update(rest=rest, rpc=rpc, plane=plane)
        started.set()
        await rest.serve_bound()
        if rpc:
            await rpc.stop(1)

    def run() -> None:
        try:
            asyncio.run(main())
        except Exception as error:  # the test is told instead of the thread
            held["error"] = error
            started.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(30)
    if "error" in held:
        raise held["error"]

    def stop() -> None:
        held["rest"].should_exit = True
        thread.join(30)

    try:
        yield Running(held["rest"].port, followers, stop, held["rpc"])
    finally:
        stop()
        for follower in followers:
            follower.deployment.close()
