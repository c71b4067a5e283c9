"""How long the first answer takes: `--help`, `validate`, the first node of a run; and what the imports alone cost.

    python -m benchmarks.startup [--rounds 5] [--quick]

Every measurement is a fresh process, and the sides take turns. The first node is waited for and the run then stopped.
The imports alone are those of what a run needs before its first node, in a process that does nothing else.
"""

from __future__ import annotations

import argparse
import dataclasses
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from benchmarks.harness import command, machine
from benchmarks.harness.alternation import alternate
from benchmarks.harness.results import Goal, Result, Table
from benchmarks.harness.spread import Spread, rounded
from benchmarks.harness.worker import ROOT

PYTHON, HELP, VALIDATE, FIRST, IMPORTS = "Python alone", "--help", "validate", "first node of a run", "imports alone"
_STARTED = "▸"  # what the runner prints in front of a node that begins
# What a run imports before its first node, and with it TFX, TFMA, TensorFlow Transform and Keras.
_MODULES = "pipeline.local.execute, pipeline.local.report, pipeline.pipeline"
_IMPORTS = f"import {_MODULES}; print('{_STARTED}')"
EXPLANATION = """\
Seconds from the start of a fresh process. The first node's time ends when the run says that it begins: imports, the
check of the rows, compilation. The imports alone are those of the modules that build, run and report a pipeline, and
with them TFX, TFMA, TensorFlow Transform and Keras. CPU seconds hardly depend on what else the machine does."""


def measure(options: argparse.Namespace) -> Result:
    """Starts all in turns."""
    rounds = 1 if options.quick else options.rounds
    task = ["--config", options.config, "--profile", "quick"]
    with tempfile.TemporaryDirectory() as folder:
        sides = {
            PYTHON: _timed(lambda: _run(["-c", "pass"])),
            HELP: _timed(lambda: _run(["local_runner.py", "--help"])),
            VALIDATE: _timed(lambda: _run(["local_runner.py", "validate", *task])),
            IMPORTS: _timed(lambda: _until_started(["-uc", _IMPORTS])),
            FIRST: _timed(lambda: _until_started(["local_runner.py", "run", *task, "--root", folder])),
        }
        _run(["local_runner.py", "validate", *task])  # the data set is fetched once, and bytecode written
        found = alternate(sides, rounds)
    spreads = {name: Spread.of([one.wall for one in values]) for name, values in found.items()}
    used = {name: Spread.of([one.cpu for one in values]) for name, values in found.items()}
    beside = rounded(spreads[FIRST].median - spreads[IMPORTS].median)
    bounds = ((HELP, 0.5, rounded(spreads[HELP].median)), (VALIDATE, 1.0, rounded(spreads[VALIDATE].median)))
    goals = [Goal(f"`{name}`, seconds", f"at most {most}", value, value <= most) for name, most, value in bounds]
    goals.append(Goal("first node, seconds beside the imports", "at most 1", beside, beside <= 1.0))
    rows = [
        [name, *(round(value, 2) for value in (spread.minimum, spread.median, spread.maximum, used[name].median))]
        for name, spread in spreads.items()
    ]
    return Result(
        name="startup",
        title="Start-up",
        command="python -m benchmarks.startup",
        explanation=EXPLANATION,
        machine=machine.describe(command.OWN_PACKAGES[:5]),
        settings={"rounds": rounds},
        tables=[Table(("what", "seconds min", "median", "max", "CPU seconds"), rows)],
        goals=goals,
        details={"seconds": {name: [dataclasses.asdict(one) for one in values] for name, values in found.items()}},
    )


@dataclasses.dataclass(frozen=True)
class Took:
    """Seconds of a child process.

    Attributes:
        wall: from its start to what was waited for.
        cpu: that it used, all threads together.
    """

    wall: float
    cpu: float


def _timed(work: Callable[[], float | None]) -> Callable[[], Took]:
    """Times a child process; `work` waits for it, and may return a wall time of its own."""

    def side() -> Took:
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        waited = work()
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Took(rounded(waited or wall), rounded(cpu))

    return side


def _run(words: list[str]) -> None:
    done = subprocess.run([sys.executable, *words], cwd=ROOT, env=command.environment(), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} failed:\n{done.stderr[-2000:]}")


def _until_started(words: list[str]) -> float:
    """Starts a process, stops it when it prints the mark of a first node, and returns the seconds until then."""
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, env=command.environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        assert process.stdout
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith(_STARTED):
                seconds = time.perf_counter() - began
                break
        else:
            raise RuntimeError("it ended before its first node:\n" + "".join(said[-20:]))
        process.kill()
    return seconds


def main() -> int:
    """The command line."""
    return command.main(measure, command.parser(__doc__, rounds=5).parse_args())


if __name__ == "__main__":
    sys.exit(main())
