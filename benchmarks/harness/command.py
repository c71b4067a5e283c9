"""What the commands of the benchmarks share: their options, the peers' interpreter, and how a result is told."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.harness import results, sources, tables
from benchmarks.harness.progress import say
from benchmarks.harness.worker import ROOT

PEERS = ROOT / ".venv-peers" / "bin" / "python"
OWN_PACKAGES = ("tensorflow", "tf-keras", "keras-nlp", "tfx", "apache-beam", "ai-edge-litert", "tokenizers")


class NotReadyError(RuntimeError):
    """Something must be made first; the text says with which command."""


def parser(description: str | None, *, rounds: int | None = None) -> argparse.ArgumentParser:
    """A parser with the options that all benchmarks have.

    Args:
        description: the module's docstring.
        rounds: turns of each side, where the benchmark has any.
    """
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--config", default="configs/sentiment.yaml", help="the task (default: %(default)s)")
    made.add_argument("--profile", default="full", help="profile of the run that is looked at (default: %(default)s)")
    made.add_argument("--root", type=Path, help="folder of the task's runs, if it was moved")
    made.add_argument("--quick", action="store_true", help="few rounds and rows, to see that it works; keeps no result")
    made.add_argument("--results", type=Path, help="folder of the result file (default: benchmarks/results)")
    if rounds:
        made.add_argument("--rounds", type=int, default=rounds, help="turns of each side (default: %(default)s)")
    return made


def names(known: Collection[str]) -> Callable[[str], list[str]]:
    """What reads an option of names with commas between them.

    Args:
        known: those that there are.
    """

    def read(text: str) -> list[str]:
        given = [name for name in text.split(",") if name]
        unknown = [name for name in given if name not in known]
        if unknown or not given:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown) or 'nothing'}: known are {', '.join(known)}")
        return given

    return read


def numbers(text: str) -> list[int]:
    """Reads an option of whole numbers with commas between them.

    Raises:
        argparse.ArgumentTypeError: it is something else.
    """
    try:
        return [int(number) for number in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: whole numbers with commas between them, e.g. 1,2,3") from None


def add_variant(made: argparse.ArgumentParser) -> None:
    """The option of what measures a bundle; see `bundle_part` and `bundle_notes`."""
    made.add_argument("--variant", help="a variant of the run in place of the selected one")


def bundle_part(options: argparse.Namespace) -> str:
    """The part of `benchmarks.ours.export` that gives `bundle.tflite`."""
    return "variant" if options.variant else "bundle"


def bundle_notes(options: argparse.Namespace) -> list[str]:
    """What to say of a bundle that was named by hand; nothing of the selected one."""
    if not options.variant:
        return []
    return [f"The bundle is the variant `{options.variant}`, named by hand: not what the gate selected."]


def peers() -> Path:
    """The interpreter of the peers' environment.

    Raises:
        NotReadyError: it is not installed.
    """
    if not PEERS.is_file():
        raise NotReadyError("the peers are not installed: `make bench-peers` does it, from benchmarks/peers/")
    return PEERS


def environment() -> dict[str, str]:
    """This process's, so that a child finds the project."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "edge")))}


@contextmanager
def exported(options: argparse.Namespace, parts: Sequence[str]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """What the latest run left, as plain files that need neither TensorFlow nor TFX to be read.

    Args:
        options: of `parser`.
        parts: see `benchmarks.ours.export`.

    Yields:
        The temporary folder and its `run.json`.

    Raises:
        NotReadyError: there is no run that has it all.
    """
    with tempfile.TemporaryDirectory() as folder:
        say("reading the latest run's artifacts")
        command = [sys.executable, "-m", "benchmarks.ours.export", "--config", options.config, "--out", folder, *parts]
        command += ["--profile", options.profile] if options.profile else []
        command += ["--root", str(options.root)] if options.root else []
        command += ["--variant", options.variant] if getattr(options, "variant", None) else []
        done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True)
        if done.returncode:
            raise NotReadyError(done.stderr.strip()[-2000:])
        yield Path(folder), json.loads((Path(folder) / "run.json").read_text(encoding="utf-8"))


def finish(result: results.Result, options: argparse.Namespace) -> int:
    """Prints the result, and writes it unless it was a quick look.

    Returns:
        Exit code 0, also where a goal is missed: a benchmark measures, it gates nothing.
    """
    if options.results or not options.quick:
        file = results.write(result, options.results or results.FOLDER, code=sources.digest(result.name))
        shown = results.read(file)
        say(f"written: {file.name}; `python -m benchmarks.report` brings it into docs/benchmarks.md")
    else:
        with tempfile.TemporaryDirectory() as folder:
            shown = results.read(results.write(result, Path(folder)))
    print(tables.section(shown))
    return 0


def main(run: Any, options: argparse.Namespace) -> int:
    """Runs a benchmark; what is missing ends it with exit code 2 and the remedy."""
    try:
        return finish(run(options), options)
    except NotReadyError as error:
        print(error, file=sys.stderr)
        return 2
