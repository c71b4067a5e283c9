"""Puts the server together, answers until it is asked to stop, and drains."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import logging
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import uvloop

from edgeline_serving import metrics
from edgeline_serving.errors import SettingsError
from edgeline_serving.request_log import RequestLog
from edgeline_serving.settings import EDGE, Settings
from edgeline_serving.versions.board import Board
from edgeline_serving.versions.follower import Follower, Watch
from edgeline_serving.versions.push_folder import PushFolder
from edgeline_serving.wire.tokens import Tokens
from edgeline_serving.workers import Worker, parents_end, supervise

if TYPE_CHECKING:
    from edgeline_serving.wire.rpc import RpcServer

logger = logging.getLogger("edgeline_serving")


def serve(settings: Settings) -> int:
    """Serves until SIGTERM or SIGINT; then sends what is under way. A second signal ends at once.

    Args:
        settings: all of it.

    Returns:
        0.

    Raises:
        SettingsError: an option cannot be honoured.
        VersionError: a push folder has no version that can be served.
    """
    if settings.workers > 1:
        if settings.tokens:
            Tokens(settings.tokens)  # what is wrong is told once, before anything is started
        return supervise(settings, serve_part)
    return _serve_alone(settings, None)


def serve_part(settings: Settings, worker: Worker) -> int:
    """Serves as one of several workers, see `serve`.

    Args:
        settings: of all of them.
        worker: which one this is.
    """
    log_to_stderr(worker.number)
    log = settings.log and dataclasses.replace(settings.log, worker=worker.number, workers=settings.workers)
    return _serve_alone(dataclasses.replace(settings, log=log), worker)


def log_to_stderr(worker: int | None = None) -> None:
    """Sets up where this process tells what goes on.

    Args:
        worker: its number, where there are several.
    """
    who = "" if worker is None else f"worker {worker}: "
    logging.basicConfig(format=f"%(asctime)s %(levelname)s {who}%(message)s", level=logging.INFO, stream=sys.stderr)
    for quiet in ("uvicorn.error", "uvicorn", "kserve", "kserve.trace", "httpx", "absl", "tensorflow"):
        logging.getLogger(quiet).setLevel(logging.WARNING)


def _serve_alone(settings: Settings, worker: Worker | None) -> int:
    # First what is wrong at once, then what takes seconds.
    tokens = Tokens(settings.tokens) if settings.tokens else None
    followers = [
        Follower(
            PushFolder(source), settings, board=Board(worker.board, str(number), str(worker.number)) if worker else None
        )
        for number, source in enumerate(settings.sources)
    ]
    log = _log(settings)
    try:
        for follower in followers:
            follower.start()
        name_apart(followers)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, followers, log, tokens, worker))
    finally:
        for follower in followers:
            follower.deployment.close()
        if log:
            log.close()
    return 0


def name_apart(followers: Sequence[Follower]) -> None:
    """Gives bundles another name than the SavedModels of their task; names that were given stay.

    Raises:
        SettingsError: two models have one name all the same.
    """
    taken = collections.Counter(follower.name for follower in followers)
    for follower in followers:
        source = follower.folder.source
        if taken[follower.name] > 1 and source.kind == EDGE and not source.name:
            follower.rename(f"{follower.name}-{EDGE}")
    twice = [name for name, count in collections.Counter(follower.name for follower in followers).items() if count > 1]
    if twice:
        raise SettingsError(f"two models are called {twice[0]}: give one a name of its own, --edge NAME=FOLDER")


def _log(settings: Settings) -> RequestLog | None:
    if settings.log is None:
        return None
    try:
        return RequestLog(settings.log)
    except OSError as error:
        raise SettingsError(f"--log {settings.log.folder}: cannot be written to: {error}") from error


async def _serve(
    settings: Settings, followers: Sequence[Follower], log: RequestLog | None, tokens: Tokens | None,
    worker: Worker | None,
) -> None:  # fmt: skip
    # Late: KServe takes seconds, and what is wrong with a version or an option is told before.
    from edgeline_serving.wire.app import Plane, application
    from edgeline_serving.wire.model import ServedModel
    from edgeline_serving.wire.rest import RestServer

    plane = Plane([ServedModel(follower.name, follower.deployment, settings, log) for follower in followers])
    rest = RestServer(application(plane, settings.limits, tokens), settings, worker.listening if worker else None)
    rpc = None
    if settings.grpc_port is not None:
        from edgeline_serving.wire.rpc import RpcServer

        rpc = RpcServer(plane, settings, tokens, worker.grpc_port if worker else None)
        await rpc.start()
    loop = asyncio.get_running_loop()
    stopping, at_once = asyncio.Event(), asyncio.Event()
    watch = Watch(followers, settings.interval)

    def begin() -> None:
        plane.stopping = True
        stopping.set()

    def stop() -> None:
        if stopping.is_set():
            rest.force_exit = True
            at_once.set()
        begin()

    # A service manager may tell all processes at once, and the one that started this worker tells it as well: SIGTERM
    # however often is one wish; what hurries a worker is SIGINT.
    loop.add_signal_handler(signal.SIGTERM, begin if worker else stop)
    loop.add_signal_handler(signal.SIGINT, stop)
    parent = parents_end()
    if parent is not None:  # killed: nobody else would tell this worker to stop

        def alone(descriptor: int) -> None:
            loop.remove_reader(descriptor)
            begin()

        loop.add_reader(parent, alone, parent)
    answering = loop.create_task(rest.serve_bound())
    watch.start()
    said = _announcement(settings, followers, rest.port, rpc.port if rpc else None)
    if (
        settings.tokens is None
        and settings.host not in ("127.0.0.1", "localhost", "::1")
        and not (worker and worker.number > 1)
    ):
        logger.warning("everybody who reaches this address is answered; see --tokens")
    if worker:
        metrics.WORKERS.set(1)
        metrics.STARTS.inc()
        worker.say("serving", said)
    else:
        print(said, flush=True)
    asked = loop.create_task(stopping.wait())
    await asyncio.wait([answering, asked], return_when=asyncio.FIRST_COMPLETED)
    watch.stop()
    if stopping.is_set():
        await _before(at_once, settings.notice)
    rest.should_exit = True
    until = loop.time() + settings.drain
    await asyncio.gather(answering, *([_end(rpc, at_once, settings.drain)] if rpc else []))
    asked.cancel()
    await asyncio.to_thread(watch.join, 0.0 if at_once.is_set() else max(0.0, until - loop.time()))


async def _before(event: asyncio.Event, seconds: float) -> None:
    """Waits for so long, or until an event."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)


async def _end(rpc: RpcServer, at_once: asyncio.Event, seconds: float) -> None:
    """Ends gRPC as REST ends: what is under way has so long, or until somebody asks again."""
    ending = asyncio.ensure_future(rpc.stop(seconds))
    hurry = asyncio.ensure_future(at_once.wait())
    await asyncio.wait([ending, hurry], return_when=asyncio.FIRST_COMPLETED)
    hurry.cancel()
    if not ending.done():
        await rpc.stop(0.0)
    await ending


def _announcement(settings: Settings, followers: Sequence[Follower], port: int, grpc_port: int | None) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    scheme = "https" if settings.certificate else "http"
    lines = []
    for follower in followers:
        live = follower.deployment.live
        version = live.number if live else "none"
        lines.append(
            f"serving {follower.name}, version {version}: {scheme}://{host}:{port}/v1/models/{follower.name}:predict"
        )
    if grpc_port is not None:
        lines.append(f"gRPC: {host}:{grpc_port}")
    return "\n".join(lines)
