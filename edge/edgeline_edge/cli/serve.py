"""`edgeline-edge serve`."""

from __future__ import annotations

import argparse
import signal
import threading
from types import FrameType

from edgeline_edge.classifier import Classifier
from edgeline_edge.cli.quiet import quiet_runtime
from edgeline_edge.server import Server


def serve(options: argparse.Namespace) -> int:
    """Serves until SIGINT or SIGTERM.

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
        long_text=options.long_text,
        max_body=options.max_body,
        max_instances=options.max_instances,
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
    return 0
