"""The command `edgeline-serving`.

Exit codes: 0 stopped when asked; 1 nothing can be served, as stderr says; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from edgeline_edge.long_text import LongText
from edgeline_serving import __version__
from edgeline_serving.errors import SettingsError, VersionError
from edgeline_serving.settings import EDGE, SERVER, Kind, Limits, Log, Settings, Source, Trial
from edgeline_serving.versions.bucket import copied, is_uri

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SHORTEST_KEY = 16  # bytes


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: the arguments without the program's name; those of the process by default.

    Returns:
        The exit code.
    """
    options = _parser().parse_args(arguments)
    try:
        from edgeline_serving.run import log_to_stderr, serve

        log_to_stderr()
        with tempfile.TemporaryDirectory(prefix="edgeline-serving-") as scratch:
            return serve(settings_of(options, Path(scratch)))
    except (SettingsError, VersionError) as error:
        print(f"edgeline-serving: {error}", file=sys.stderr)
        return 1


def settings_of(options: argparse.Namespace, scratch: Path | None = None) -> Settings:
    """The settings that a command line means.

    Args:
        options: parsed.
        scratch: where to copy versions that lie in a bucket; None refuses them.

    Raises:
        SettingsError: options contradict each other, or name a file that cannot be used.
    """
    sources = _sources(options, scratch)
    if not sources:
        raise SettingsError("nothing to serve: give --server FOLDER, --edge FOLDER, or both")
    if (options.tls_cert is None) != (options.tls_key is None):
        raise SettingsError("--tls-cert and --tls-key go together")
    if options.log is None and options.log_texts == "hashed":
        raise SettingsError("--log-texts without --log: there is no log")
    return Settings(
        sources=sources,
        host=options.host,
        port=options.port,
        grpc_port=options.grpc_port,
        workers=options.workers,
        threads=options.threads,
        batch=options.batch,
        long_text=options.long_text,
        interval=options.interval,
        tolerance=options.tolerance,
        trial=Trial(options.canary, options.shadow, options.trial_seconds, options.agreement),
        limits=Limits(
            body=options.max_body,
            instances=options.max_instances,
            depth=options.max_depth,
            windows=options.max_windows,
            parts=options.max_parts,
            seconds=options.max_seconds,
            waiting=options.max_waiting,
            connections=options.max_connections,
            client_seconds=options.client_seconds,
        ),
        log=_log(options),
        tokens=options.tokens,
        certificate=options.tls_cert,
        private_key=options.tls_key,
        drain=options.drain,
        notice=options.notice,
    )


def _sources(options: argparse.Namespace, scratch: Path | None) -> tuple[Source, ...]:
    pinned = dict(options.pin)
    found = []
    given: list[tuple[Kind, str]] = [(SERVER, text) for text in options.server]
    given += [(EDGE, text) for text in options.edge]
    for kind, text in given:
        name, separator, folder = text.partition("=")
        if not separator or not _NAME.fullmatch(name):
            name, folder = "", text
        if scratch is not None and is_uri(folder):
            folder = str(copied(folder, Path(tempfile.mkdtemp(dir=scratch))))
        path = Path(folder)
        if not path.exists():
            raise SettingsError(f"--{kind} {folder}: there is no such folder")
        found.append(Source(kind, path, name or None, pinned.pop(name or kind, None)))
    if pinned:
        raise SettingsError(
            f"--pin {next(iter(pinned))}: no such model; name it: --server NAME=FOLDER --pin NAME=VERSION"
        )
    return tuple(found)


def _log(options: argparse.Namespace) -> Log | None:
    if options.log is None:
        return None
    key = b""
    if options.log_texts == "hashed":
        if options.log_key is None:
            raise SettingsError("--log-texts hashed needs --log-key FILE: a hash without a key is found by trying")
        try:
            key = options.log_key.read_bytes().strip()
        except OSError as error:
            raise SettingsError(f"--log-key {options.log_key}: cannot be read: {error.strerror}") from error
        if len(key) < _SHORTEST_KEY:
            raise SettingsError(f"--log-key {options.log_key}: holds less than {_SHORTEST_KEY} bytes")
    return Log(options.log, options.log_share, options.log_texts, key, options.log_bytes, options.log_files)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edgeline-serving", allow_abbrev=False,
        description="Serve what Edgeline pushed, by KServe's V1 protocol and the Open Inference Protocol.",
    )  # fmt: skip
    add = parser.add_argument
    add("--version", action="version", version=f"%(prog)s {__version__}")
    what = parser.add_argument_group("what is served; more than one of each may be given")
    add = what.add_argument
    add(
        "--server",
        action="append",
        default=[],
        metavar="[NAME=]FOLDER",
        help="push folder of SavedModels, or one version; that may lie in a bucket, gs://…",
    )
    add("--edge", action="append", default=[], metavar="[NAME=]FOLDER", help="push folder of bundles; or one bundle")
    add("--pin", action="append", default=[], type=_pin, metavar="NAME=VERSION", help="stay at a version; NAME is the "
        "one that was given, else server or edge (by default the folder's `latest` is followed)")  # fmt: skip
    add("--interval", type=_seconds, default=2.0, metavar="S", help="between two looks at the folders (2)")
    add("--tolerance", type=_share, default=0.02, metavar="D", help="of a probe's scores (0.02)")
    trial = parser.add_argument_group("how a new version begins; by default it takes over when its probes are answered")
    add = trial.add_argument
    add("--canary", type=_share, default=0.0, metavar="SHARE", help="it answers this share of the requests first")
    add("--shadow", action="store_true", help="it answers in the background first, compared and not returned")
    add("--trial-seconds", type=_seconds, default=600.0, metavar="S", help="how long (600)")
    add("--agreement", type=_share, default=0.9, metavar="SHARE", help="of labels, that a shadow must reach (0.9)")
    where = parser.add_argument_group("where, and for whom")
    add = where.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    add("--port", type=_port, default=8080, help="of REST, 0 for any free one (8080)")
    add("--grpc-port", type=_port, help="of gRPC; without it there is none")
    add("--tokens", type=Path, metavar="FILE", help="bearer tokens that are let in, one a line")
    add("--tls-cert", type=Path, metavar="FILE", help="certificate; a renewed one is taken up")
    add("--tls-key", type=Path, metavar="FILE", help="its private key")
    add("--drain", type=_seconds, default=30.0, metavar="S", help="for answers under way at SIGTERM (30)")
    add("--notice", type=_any_seconds, default=0.0, metavar="S", help="go on answering after readiness has ended (0)")
    _add_work(parser)
    return parser


def _add_work(parser: argparse.ArgumentParser) -> None:
    work = parser.add_argument_group("how it works, and what a client may ask for")
    add = work.add_argument
    add("--workers", type=_positive, default=1, metavar="N", help="processes, each with the models in memory (1)")
    add("--threads", type=_positive, default=1, metavar="N", help="interpreters of a bundle in each of them (1)")
    add("--batch", type=_positive, default=32, metavar="N", help="most rows a SavedModel answers in one call (32)")
    add(
        "--long-text",
        choices=get_args(LongText),
        help="bundles: what to read of a text that does not fit (as in training)",
    )
    add("--max-body", type=_positive, default=1 << 20, metavar="BYTES", help="of a request (1 MiB)")
    add("--max-instances", type=_positive, default=256, metavar="N", help="rows of a request (256)")
    add("--max-depth", type=_positive, default=16, metavar="N", help="of nested JSON (16)")
    add(
        "--max-windows", type=_positive, default=256, metavar="N", help="most of a text, if it is read in windows (256)"
    )
    add("--max-parts", type=_positive, default=64, metavar="N", help="of a row, left out to explain an answer (64)")
    add("--max-seconds", type=_seconds, default=30.0, metavar="S", help="of work on a request (30)")
    add("--max-waiting", type=_positive, default=256, metavar="N", help="requests at a time (256)")
    add("--max-connections", type=_positive, default=1024, metavar="N", help="at a time (1024)")
    add("--client-seconds", type=_seconds, default=10.0, metavar="S", help="for a client to send a request (10)")
    log = parser.add_argument_group("the log of requests, which `data.serving_logs` of a task reads")
    add = log.add_argument
    add("--log", type=Path, metavar="FOLDER", help="write one there")
    add("--log-share", type=_share, default=1.0, metavar="SHARE", help="of the requests (1)")
    add(
        "--log-texts", choices=("stored", "hashed", "left-out"), default="stored", help="what becomes of texts (stored)"
    )
    add("--log-key", type=Path, metavar="FILE", help="key of the hash")
    add("--log-bytes", type=_positive, default=64 << 20, metavar="BYTES", help="of a file (64 MiB)")
    add("--log-files", type=_positive, default=16, metavar="N", help="that stay (16)")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("must lie in 0 … 65535")
    return number


def _share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError("must lie in 0 … 1")
    return number


def _seconds(text: str) -> float:
    number = _any_seconds(text)
    if not number:
        raise argparse.ArgumentTypeError("must be above 0")
    return number


def _any_seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number < 1e6:
        raise argparse.ArgumentTypeError("must be a number of seconds")
    return number


def _pin(text: str) -> tuple[str, str]:
    name, _, version = text.partition("=")
    if not name or not re.fullmatch(r"[0-9]{1,18}", version):
        raise argparse.ArgumentTypeError("must be NAME=VERSION, the version a number")
    return name, version
