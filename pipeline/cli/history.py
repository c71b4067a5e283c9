"""The commands that look back: past runs, two runs side by side, and where a pushed version comes from."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.errors import Failed, WrongUse
from pipeline.cli.task import load_config, task_options

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.history.paths import TaskPaths

_STATES = ("done", "failed", "running", "stopped")


def of_a_task(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options that choose a task, and what they come to as its `paths`."""

    @task_options
    @functools.wraps(command)
    def with_paths(
        config_path: str, profile: str | None, overrides: tuple[str, ...], data: str | None, root: Path | None,
        **options: Any,
    ) -> None:  # fmt: skip
        config = load_config(config_path, profile, overrides, data)
        from pipeline.history.paths import TaskPaths

        command(paths=TaskPaths.of(config, root), **options)

    return with_paths


def add_commands(group: click.Group) -> None:
    """Adds the commands of this file to a command line."""
    for command in (runs, report, compare, lineage, tensorboard):
        group.add_command(command)


@click.command()
@of_a_task
@click.option("--state", type=click.Choice(_STATES), help="Only runs that ended so.")
@click.option("--blessed/--not-blessed", default=None, help="Only runs whose model was (or was not) blessed.")
@click.option("--pushed", is_flag=True, help="Only runs that pushed something.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%d %H:%M"]), help="Only runs from then on.")
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Only the newest N of them.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def runs(
    paths: TaskPaths,
    state: str | None,
    blessed: bool | None,
    pushed: bool,
    since: datetime | None,
    last: int | None,
    as_json: bool,
) -> None:
    """List past runs: when, state, metrics, pushed version."""
    from pipeline.history import display, history

    past = history.past_runs(paths)
    chosen = [
        run
        for run in past
        if state in (None, run.state)
        and (blessed is None or run.summary.get("blessed") is blessed)
        and (not pushed or run.pushed)
        and (since is None or run.started >= since.astimezone())
    ][-(last or 0) :]
    if as_json:
        click.echo(_json([run.to_dict() for run in chosen]))
    elif chosen:
        _console().print(display.runs_table(chosen))
    elif past:
        click.echo(f"None of the {len(past)} runs in {paths.root} is like that.")
    else:
        click.echo(f"There are no runs in {paths.root} yet.")


@click.command()
@of_a_task
@click.argument("run", default="latest")
@click.option("--no-open", is_flag=True, help="Print the path and open nothing.")
def report(paths: TaskPaths, run: str, no_open: bool) -> None:
    """Open the report of RUN (the newest) in a browser, where there is a screen."""
    from pipeline.history.paths import REPORT, relative
    from pipeline.local import viewing

    found = _find(paths, run)
    file = paths.run_dir(found.run_id) / REPORT
    if not file.is_file():
        raise Failed(f"{found.run_id} has no report: it was killed, or its run.log says why.")
    click.echo(relative(str(file)))
    if not no_open:
        viewing.open_page(file)


@click.command()
@of_a_task
@click.argument("one")
@click.argument("other", default="latest")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def compare(paths: TaskPaths, one: str, other: str, as_json: bool) -> None:
    """Compare run OTHER (the newest) with run ONE: configuration, metrics, size, speed, times.

    \b
      ./edgeline compare latest~1             what the newest run changed
      ./edgeline compare 20260101T120000 latest

    Whether a difference of accuracy is more than chance is tested on the test rows that both runs have.
    """  # noqa: D301 (a backspace tells click to leave the paragraph as it is)
    from pipeline.history import comparison, display

    found = comparison.compare(paths, _find(paths, one), _find(paths, other))
    if as_json:
        click.echo(_json(found))
    else:
        display.show_comparison(found, _console())


@click.command()
@of_a_task
@click.argument("version", default="latest")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def lineage(paths: TaskPaths, version: str, as_json: bool) -> None:
    """Follow a pushed VERSION back to the rows.

    \b
      ./edgeline lineage                      the newest server model
      ./edgeline lineage edge/latest
      ./edgeline lineage 1767225600           a version's number, or the path of its folder
    """  # noqa: D301 (a backspace tells click to leave the paragraph as it is)
    from pipeline.history import display
    from pipeline.history.lineage import UnknownVersionError, trace

    try:
        found = trace(paths, version)
    except UnknownVersionError as error:
        raise WrongUse(str(error)) from None
    if as_json:
        click.echo(_json(found))
    else:
        display.show_lineage(found, _console())


@click.command()
@of_a_task
@click.argument("run", default="latest")
@click.option("--port", default=6006, show_default=True, help="Where it listens, on this machine only; 0 takes any.")
def tensorboard(paths: TaskPaths, run: str, port: int) -> None:
    """Show a run's training and search in TensorBoard: curves, hyperparameters, profile. Ctrl-C ends it."""
    from pipeline.history import training_logs

    found = _find(paths, run)
    folder = training_logs.gather(paths, found.run_id)
    if folder is None:
        raise Failed(f"{found.run_id} kept no TensorBoard logs: set trainer.tensorboard=true and run again.")
    training_logs.serve(folder, port)


def _find(paths: TaskPaths, run: str) -> Any:
    """The past run that `run` names."""
    from pipeline.history import history

    try:
        return history.find_run(history.past_runs(paths), run)
    except history.UnknownRunError as error:
        raise WrongUse(str(error)) from None


def _console() -> Console:
    from rich.console import Console

    # Where nobody reads along, a line must not be broken at the width of a screen that is not there.
    return Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else 160)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
