"""`local_runner.py watch`: runs the pipeline on every new span, which `--on` makes of labelled requests."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.errors import Failed, WrongUse
from pipeline.cli.task import load_config, require_spans, task_options

if TYPE_CHECKING:
    from pipeline.traffic.retraining import Reason, Retraining

_GRACE_S = 60.0  # for an interrupted run to write its summary


@click.command()
@task_options
@click.option(
    "--window",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many span numbers to read, counted back from the newest (data.spans.window).",
)
@click.option(
    "--interval",
    type=click.FloatRange(min=0.1),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Time between two looks.",
)
@click.option(
    "--on",
    "reasons",
    type=click.Choice(["drift", "surge", "quality", "schedule", "rows"]),
    multiple=True,
    help="Make a span of the requests whose labels arrived when a monitor's alert fires (drift, surge, quality), when "
    "time has passed (schedule), or when there are enough (rows); section `retrain`. Repeatable.",
)
@click.option("--once", is_flag=True, help="Look once, run if there is something new, and end.")
def watch(
    config_path: str, profile: str | None, overrides: tuple[str, ...], data: str | None, root: Path | None,
    window: int | None, interval: float, reasons: tuple[Reason, ...], once: bool,
) -> None:  # fmt: skip
    """Wait for new spans, and run the pipeline on each: on from the latest blessed model.

    A failed run is reported and tried again (data.spans.attempts); Ctrl-C ends the watch and a run that is going on.
    Every run is a process of its own, so that one that crashes takes nothing else with it.

    With --on, requests of data.serving_logs that have a label in monitor.labels become a span of their own, and the
    run's model is pushed only if it beats what is served on the same rows (evaluator.beats_served).
    """
    config = load_config(config_path, profile, overrides + (() if window is None else (f"data.spans.window={window}",)),
                         data)  # fmt: skip
    require_spans(config, "watch")
    if config.data.spans.span != "latest":
        raise WrongUse(f"watch: data.spans.span is {config.data.spans.span}; leave it at `latest`.")
    from pipeline.history.paths import TaskPaths
    from pipeline.ingest.rows import DataError
    from pipeline.local import interruption
    from pipeline.local import watch as logic
    from pipeline.traffic import retraining

    paths = TaskPaths.of(config, root)
    try:
        retrain = retraining.Retraining(config, paths, reasons) if reasons else None
    except DataError as error:
        raise WrongUse(f"watch --on {reasons[0]}: {error}") from None
    given = _arguments(config_path, profile, overrides + (retraining.gate(config) if reasons else ()), data, root)
    command = [sys.executable, sys.argv[0], "run", *given, "--window", str(config.data.spans.window)]
    try:
        with interruption.as_interrupt():
            ended = logic.watch(
                config,
                paths,
                lambda span: _run([*command, "--span", str(span)]),
                interval=interval,
                once=once,
                say=click.echo,
                before=_look(retrain, once) if retrain else lambda: (False, ""),
            )
    except DataError as error:
        raise WrongUse(str(error)) from None
    except KeyboardInterrupt:
        click.echo("Stopped watching.")
        return
    if once and ended is False:
        raise Failed("The run failed.")


def _look(retrain: Retraining, once: bool) -> Callable[[], tuple[bool, str]]:
    """A look that a file which is just being written does not end; with `once` it does, for nobody looks again."""
    from pipeline.ingest.rows import DataError

    def look() -> tuple[bool, str]:
        try:
            return retrain.look()
        except ValueError as error:  # a DataError is one
            if once:
                raise DataError(str(error)) from None
            return False, f"{error} Looking again."

    return look


def _run(command: list[str]) -> bool:
    """Runs a command that Ctrl-C reaches once and by way of this process, so that it can end cleanly."""
    process = subprocess.Popen(command, process_group=0)
    try:
        return process.wait() == 0
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise


def _arguments(
    config_path: str, profile: str | None, overrides: tuple[str, ...], data: str | None, root: Path | None
) -> list[str]:
    """The options of a task as the command line had them."""
    given = [("--config", config_path), ("--profile", profile), ("--data", data), ("--root", root)]
    pairs = [(name, str(value)) for name, value in given if value is not None]
    return [part for pair in [*pairs, *(("--set", item) for item in overrides)] for part in pair]
