"""The command `edgeline-edge`.

Exit codes: 0 done; 1 the input or the bundle was refused, as stderr says; 2 wrong usage; 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import get_args

from edgeline_edge import __version__
from edgeline_edge.errors import BundleError
from edgeline_edge.long_text import LongText

_COMMANDS = {
    "predict": "classify texts from arguments, a file or stdin",
    "info": "what a bundle is: manifest, operators, sizes, digests",
    "verify": "check a bundle whole; exit code 0 if it can be run",
    "bench": "measure latency, throughput, load time and memory",
    "serve": "answer over HTTP, in the JSON of TensorFlow Serving's :predict",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: the arguments without the program's name; those of the process by default.

    Returns:
        The exit code.
    """
    options = _parsed(arguments)
    module = importlib.import_module(f"{__name__}.{options.module}")
    try:
        return int(getattr(module, options.function)(options))
    except (BundleError, ValueError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            # The reader has gone (`| head`); keep Python from complaining about it once more at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        print(f"edgeline-edge: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; texts may stand behind options, which argparse by itself refuses below a command."""
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    before, after = rest, []
    if "--" in rest:
        before, after = rest[: rest.index("--")], rest[rest.index("--") + 1 :]
    if rest and (options.command != "predict" or any(item.startswith("-") and " " not in item for item in before)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        options.texts = [*options.texts, *before, *after]
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="edgeline-edge", description="Run Edgeline bundles (model.tflite).")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    made = {name: commands.add_parser(name, help=text, description=text) for name, text in _COMMANDS.items()}
    for name, command in made.items():
        command.add_argument("bundle", help="the .tflite file")
        command.set_defaults(module="info" if name == "verify" else name, function=name)
    for name in ("predict", "serve"):
        made[name].add_argument("--threads", type=_positive, default=1, metavar="N", help="threads per call (1)")
        made[name].add_argument("--long-text", choices=get_args(LongText), help="what to read of it (as in training)")
    _predict(made["predict"])
    made["info"].add_argument("--json", action="store_true", help="for programs")
    made["info"].add_argument("--markdown", action="store_true", help="the input/output contract, for documentation")
    made["verify"].add_argument("--sha256", metavar="HEX", help="also require this digest of the whole file")
    _bench(made["bench"])
    _serve(made["serve"])
    return parser


def _predict(command: argparse.ArgumentParser) -> None:
    command.add_argument("texts", nargs="*", metavar="TEXT", help="texts; without any, stdin or --file is read")
    command.add_argument("--file", metavar="PATH", help="read from this file; - is stdin")
    command.add_argument(
        "--input", choices=("lines", "jsonl"), default="lines", help="one text per line, or JSON (lines)"
    )
    command.add_argument("--field", default="text", help="field of a JSON object that holds the text (text)")
    command.add_argument(
        "--output", choices=("text", "jsonl", "csv"), default="text", help="form of the answers (text)"
    )
    command.add_argument("--keep-going", action="store_true", help="report bad lines and go on; exit code 1 at the end")
    command.add_argument("--max-bytes", type=_positive, default=1 << 20, metavar="N", help="longest line (1 MiB)")


def _bench(command: argparse.ArgumentParser) -> None:
    command.add_argument("--threads", type=_positive, default=1, metavar="N", help="measure 1 … N threads (1)")
    command.add_argument("--texts", metavar="PATH", help="one text per line; a built-in set otherwise")
    command.add_argument("--seconds", type=_seconds, default=3.0, metavar="S", help="time per measurement (3)")
    command.add_argument("--json", action="store_true", help="for programs")


def _serve(command: argparse.ArgumentParser) -> None:
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    command.add_argument("--port", type=_port, default=8501, help="port, 0 for any free one (8501)")
    command.add_argument("--name", help="name in the path /v1/models/NAME (the bundle's task)")
    command.add_argument(
        "--model-version", type=_version, metavar="N", help="version to tell (the bundle's folder, if it is a number)"
    )
    command.add_argument("--max-body", type=_positive, default=1 << 20, metavar="BYTES", help="largest request (1 MiB)")
    command.add_argument("--max-instances", type=_positive, default=256, metavar="N", help="texts per request (256)")
    command.add_argument(
        "--max-windows", type=_positive, default=256, metavar="N", help="windows per text, if it is read in them (256)"
    )
    command.add_argument("--max-seconds", type=_seconds, default=30.0, metavar="S", help="of work per request (30)")
    command.add_argument("--max-connections", type=_positive, default=64, metavar="N", help="at the same time (64)")
    command.add_argument("--timeout", type=_seconds, default=10.0, metavar="S", help="to send, to read, to drain (10)")


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


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError("must be a number above 0")
    return number


def _version(text: str) -> str:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise argparse.ArgumentTypeError("must be a whole number")
    return text
