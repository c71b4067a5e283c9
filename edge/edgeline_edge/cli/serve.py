"""`edgeline-edge serve`."""

from __future__ import annotations

import argparse
import re
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from edgeline_edge.classifier import Classifier
from edgeline_edge.cli.quiet import quiet_runtime
from edgeline_edge.server import Server


def serve(options: argparse.Namespace) -> int:
    """Serves until SIGINT or SIGTERM; then sends the answers that are under way.

    Args:
        options: the parsed command line.

    Returns:
        0.

    Raises:
        BundleError: the bundle is refused.
        OSError: the address cannot be bound.
    """
    with quiet_runtime():
        classifier = Classifier.load(options.bundle, options.threads)
    server = Server(
        (options.host, options.port),
        classifier,
        name=options.name,
        version=options.model_version or _version(options.bundle),
        long_text=options.long_text,
        max_body=options.max_body,
        max_instances=options.max_instances,
        max_windows=options.max_windows,
        max_seconds=options.max_seconds,
        max_connections=options.max_connections,
        timeout=options.timeout,
    )

    def stop(_signal: int, _frame: FrameType | None) -> None:
        # shutdown() waits for serve_forever(), which runs in this very thread.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    host = f"[{options.host}]" if ":" in options.host else options.host
    print(f"serving {options.bundle} at http://{host}:{server.server_port}{server.path}:predict", flush=True)
    with server:
        server.serve_forever(poll_interval=0.1)
        if not server.drain(options.timeout):
            print("edgeline-edge: stopped with requests unanswered", file=sys.stderr)
    return 0


def _version(bundle: str) -> str | None:
    """The number that Pusher gave the folder of a bundle, as TensorFlow Serving takes it."""
    folder = Path(bundle).absolute().parent.name
    return folder if re.fullmatch(r"[0-9]{1,18}", folder) else None
