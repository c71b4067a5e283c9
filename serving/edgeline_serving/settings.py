"""What the server is told, as plain values; `cli` makes them of the command line."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Literal

from edgeline_edge.long_text import LongText

Texts = Literal["stored", "hashed", "left-out"]
Kind = Literal["server", "edge"]
SERVER: Kind = "server"
EDGE: Kind = "edge"


@dataclasses.dataclass(frozen=True)
class Source:
    """A push folder to serve from.

    Attributes:
        kind: `server` (SavedModels) or `edge` (bundles).
        folder: with a folder for each version; or one version itself.
        name: of the model, in paths; by default the task that the version names.
        pinned: the version to serve; by default the one that `latest` names.
    """

    kind: Kind
    folder: Path
    name: str | None = None
    pinned: str | None = None


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a client may ask for.

    Attributes:
        body: bytes of a request.
        instances: rows of a request.
        depth: of nested JSON.
        windows: most of a text, where it is read in windows.
        parts: of a row that are left out one at a time, to explain an answer.
        seconds: of work on a request, waiting included.
        waiting: requests at a time; one more is answered 503.
        connections: at a time; a request on one more is answered 503.
        client_seconds: for a client to send a request.
    """

    body: int = 1 << 20
    instances: int = 256
    depth: int = 16
    windows: int = 256
    parts: int = 64
    seconds: float = 30.0
    waiting: int = 256
    connections: int = 1024
    client_seconds: float = 10.0


@dataclasses.dataclass(frozen=True)
class Trial:
    """How a new version proves itself among real requests before it takes them all.

    Attributes:
        canary: share of the requests that it answers meanwhile; 0 for none.
        shadow: whether it answers all of them in the background, compared and not returned.
        seconds: how long.
        agreement: least share of labels that a shadow must have in common with the version before it.
    """

    canary: float = 0.0
    shadow: bool = False
    seconds: float = 600.0
    agreement: float = 0.9

    @property
    def wanted(self) -> bool:
        """Whether there is one at all."""
        return self.shadow or self.canary > 0


@dataclasses.dataclass(frozen=True)
class Log:
    """The log of requests.

    Attributes:
        folder: where its files are.
        share: of the requests that are logged.
        texts: whether texts are stored, hashed or left out.
        key: of the hash.
        bytes: of a file, before the next one is begun.
        files: that stay.
        queue: rows that wait to be written; one more is dropped and counted.
        worker: number of the worker that writes, 0 where it is the only one.
        workers: how many there are.
    """

    folder: Path
    share: float = 1.0
    texts: Texts = "stored"
    key: bytes = b""
    bytes: int = 64 << 20
    files: int = 16
    queue: int = 10_000
    worker: int = 0
    workers: int = 1


@dataclasses.dataclass(frozen=True)
class Settings:
    """All of it.

    Attributes:
        sources: what is served.
        host: address to listen on.
        port: of REST; 0 takes a free one.
        grpc_port: of gRPC; 0 takes a free one, None leaves it out.
        workers: processes that answer, each with the models in its own memory.
        threads: of each worker, interpreters of a bundle, each in a thread of its own.
        batch: most rows that a SavedModel answers in one call.
        long_text: what a bundle reads of a text that does not fit its window; None for what its model was trained for.
        interval: seconds between two looks at the push folders.
        tolerance: largest difference of a score from what the push expects.
        trial: of a new version.
        limits: what a client may ask for.
        log: of requests; None where there is none.
        tokens: file with the tokens that are let in; None lets everybody in.
        certificate: file of the TLS certificate; None speaks plain HTTP.
        private_key: file of its key.
        drain: seconds for answers that are under way when the server is asked to stop.
        notice: seconds that it goes on answering after it said that it is no longer ready.
    """

    sources: tuple[Source, ...]
    host: str = "127.0.0.1"
    port: int = 8080
    grpc_port: int | None = None
    workers: int = 1
    threads: int = 1
    batch: int = 32
    long_text: LongText | None = None
    interval: float = 2.0
    tolerance: float = 0.02
    trial: Trial = Trial()
    limits: Limits = Limits()
    log: Log | None = None
    tokens: Path | None = None
    certificate: Path | None = None
    private_key: Path | None = None
    drain: float = 30.0
    notice: float = 0.0
