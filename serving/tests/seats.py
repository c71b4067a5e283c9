"""Workers without a server, for `test_workers`; each is a process that imports little more than this."""

from __future__ import annotations

import os
import signal
import threading
import time

from edgeline_serving.errors import VersionError
from edgeline_serving.settings import Settings
from edgeline_serving.workers import Worker


def sits(settings: Settings, worker: Worker) -> int:
    """A worker without a server: leaves its process id, and ends when it is asked."""
    folder = settings.sources[0].folder
    name = f"{worker.number}-{os.getpid()}"
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked.set())
    (folder / name).touch()
    worker.say("serving", f"port {worker.listening.getsockname()[1]}")
    while not (folder / "stubborn").exists() and not asked.wait(0.05):
        pass
    while (folder / "stubborn").exists():
        time.sleep(1)
    return 0


def lacks(settings: Settings, worker: Worker) -> int:
    """A worker that has nothing to serve."""
    raise VersionError("none of its versions can be served")
