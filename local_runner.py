"""Runs, resumes and inspects Edgeline's pipeline on this machine.

TensorFlow and TFX are imported by the commands that need them, after everything that can go wrong without them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

import click
from click_default_group import DefaultGroup

from pipeline.cli import history
from pipeline.cli.data import data as data_group
from pipeline.cli.errors import FAILED, NOT_BLESSED, Commands, Failed, WrongUse, program
from pipeline.cli.monitor import monitor
from pipeline.cli.repair import repair
from pipeline.cli.task import (
    checked_data,
    chosen_profile,
    load_config,
    require_spans,
    span_options,
    span_overrides,
    task_options,
)
from pipeline.cli.watch import watch


class Local(Commands, DefaultGroup):
    """The commands of this machine; `run` is the one that need not be named."""


@click.group(
    cls=Local, default="run", default_if_no_args=True, context_settings={"help_option_names": ["-h", "--help"]}
)
def cli() -> None:
    """Edgeline on this machine: from rows to a blessed, pushed model.

    Without a command it runs the pipeline; what is in the cache is not done again.

    \b
      ./edgeline                          the default task, quick profile
      ./edgeline --profile full           as one would for a release
      ./edgeline --data my.csv            the same task on your rows (.jsonl, .parquet, … too)
      ./edgeline data profile my.csv      what is in a file, and a task of its own for it
      ./edgeline --set trainer.epochs=2   any field of the configuration
      ./edgeline --span latest            the newest span, on from the latest blessed model
      ./edgeline watch                    the same whenever a new span is written
      ./edgeline monitor --log served     what is served, and alerts
      ./edgeline nodes                    what a run would execute

    Exit codes: 0 done (blessed or not), 1 failed, 2 wrong use, 3 not blessed with --require-blessing.
    """  # noqa: D301 (a backspace tells click to leave the paragraph as it is)


history.add_commands(cli)


@cli.command()
@task_options
@span_options
@click.option("--only", metavar="NODE", help="Execute this node, and before it what it needs and the cache lacks.")
@click.option("--from", "start", metavar="NODE", help="Execute this node and all that depend on it, cached or not.")
@click.option("--no-cache", is_flag=True, help="Execute every node.")
@click.option("--name", help="Added to the run's id: letters, digits, `-` and `_`.")
@click.option("--require-blessing", is_flag=True, help="Exit with 3 when the model was not blessed.")
@click.option("--verbose", "-v", is_flag=True, help="Show TensorFlow's and TFX's log on the screen.")
def run(
    config_path: str, profile: str | None, overrides: tuple[str, ...], data: str | None, root: Path | None,
    span: str | None, window: int | None, only: str | None, start: str | None, no_cache: bool, name: str | None,
    require_blessing: bool, verbose: bool,
) -> None:  # fmt: skip
    """Run the pipeline; finished work is taken from the cache, killed work is gone on with."""
    if only and start:
        raise WrongUse("--only and --from exclude each other.")
    chosen = span_overrides(span, window)
    config = load_config(config_path, profile, overrides + chosen, data)
    if chosen:
        require_spans(config, "--span" if span else "--window")
    from modules.machine.packages import PackageError

    from rich.console import Console

    from pipeline.config.loader import ConfigError
    from pipeline.history.health import MetadataError
    from pipeline.history.paths import relative
    from pipeline.ingest.rows import DataError
    from pipeline.local import closing, session

    options = session.RunOptions(
        root=root, name=name, profile=chosen_profile(config_path, profile), only=only, start=start,
        cache=not no_cache, verbose=verbose,
    )  # fmt: skip
    try:
        outcome = session.run(config, options)
    except (ConfigError, DataError, session.OptionError) as error:
        raise WrongUse(str(error)) from None
    except (PackageError, MetadataError, session.BusyError) as error:
        raise Failed(str(error)) from None
    console = Console(highlight=False, emoji=False)
    if outcome.error is not None:
        _report_failure(outcome, console)
    shown = relative(str(outcome.run_dir))
    closing.show(outcome.summary, console, run_dir=shown)
    if config.data.dataset and not config.data.path:
        closing.how_to_go_on(console)
    if outcome.unwritten:
        raise Failed(f"the run is done, but its summary could not be written: {outcome.unwritten}")
    if require_blessing and not outcome.summary["blessed"]:
        sys.exit(NOT_BLESSED)


@cli.command()
@task_options
def validate(
    config_path: str, profile: str | None, overrides: tuple[str, ...], data: str | None, root: Path | None
) -> None:
    """Check configuration, schema and every row, without TensorFlow."""
    from pipeline.local import preflight

    config = load_config(config_path, profile, overrides, data)
    found = checked_data(config, root=root)
    applied = chosen_profile(config_path, profile) or "no profile"
    click.echo(f"{config_path} ({applied}): valid, digest {config.digest()[:16]}")
    click.echo(f"{found['file']}: {found['rows']} rows")
    for column, values in found["counts"].items():
        click.echo(f"  {column}: {preflight.told(config, column, values)}")
    if found["quarantined"]:
        by_reason = ", ".join(f"{reason} {count}" for reason, count in found["quarantined"].most_common())
        click.echo(f"would be quarantined, before duplicates are looked for: {by_reason}")
        for row in found["examples"]:
            click.echo(f"  {row}")
    for note in preflight.notes(config, found["counts"]):
        click.echo(f"note: {note}")


@cli.command()
@task_options
def nodes(
    config_path: str, profile: str | None, overrides: tuple[str, ...], data: str | None, root: Path | None
) -> None:
    """Show the graph, and which nodes a run would execute."""
    config = load_config(config_path, profile, overrides, data)
    found = checked_data(config, root=root)
    from rich.console import Console
    from rich.table import Table

    from pipeline.history import health
    from pipeline.history.paths import TaskPaths
    from pipeline.local import data_files, logs, session

    paths = TaskPaths.of(config, root)
    try:
        health.check(paths, say=lambda text: click.echo(text, err=True))
    except health.MetadataError as error:
        raise Failed(str(error)) from None
    with logs.captured(paths.root / "nodes.log"):
        from pipeline.local import cache_state

        logs.hand_absl_over()
        ir = session.compile_task(data_files.pinned(config), paths, found["file"])
        states = cache_state.cache_state(ir, paths.metadata)
    table = Table(box=None, pad_edge=False)
    for heading in ("node", "state", "after"):
        table.add_column(heading)
    for item in ir.nodes:
        node = item.pipeline_node
        table.add_row(node.node_info.id, states[node.node_info.id], ", ".join(node.upstream_nodes))
    Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else 160).print(table)


@cli.command()
@task_options
@click.option("--json", "as_json", is_flag=True, help="Print summary.json itself.")
def summary(
    config_path: str,
    profile: str | None,
    overrides: tuple[str, ...],
    data: str | None,
    root: Path | None,
    as_json: bool,
) -> None:
    """Show the closing summary of the newest run again."""
    config = load_config(config_path, profile, overrides, data)
    from rich.console import Console

    from pipeline.history import begun
    from pipeline.history.history import read_summary
    from pipeline.history.paths import TaskPaths, relative
    from pipeline.local import closing

    paths = TaskPaths.of(config, root)
    newest = begun.newest_finished(paths)
    found = read_summary(paths, newest) if newest else {}
    if not found:
        raise Failed(f"There is no finished run in {paths.root} yet; `./edgeline` makes one.")
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    closing.show(found, Console(highlight=False, emoji=False), run_dir=relative(str(paths.run_dir(found["run_id"]))))


@cli.command()
@task_options
@click.option("--force", is_flag=True, help="Replace a schema that is there.")
def schema(
    config_path: str, profile: str | None, overrides: tuple[str, ...], data: str | None, root: Path | None, force: bool
) -> None:
    """Draft the task's schema from its rows, at the configuration's `schema_path`."""
    config = load_config(config_path, profile, overrides, data)
    from pipeline.local import preflight
    from pipeline.profiling import schema_draft

    found = checked_data(config, schema_too=False)
    try:
        draft = schema_draft.draft(found["counts"], preflight.layout(config))
        schema_draft.write(draft, config.schema_file, overwrite=force)
    except FileExistsError as error:
        raise WrongUse(str(error)) from None
    click.echo(f"{config.schema_file}: drafted from {found['rows']} rows; read it before you rely on it.")


@cli.command()
@click.option("--online", is_flag=True, help="Also ask the package index.")
def doctor(online: bool) -> None:
    """Say what is wrong with this machine, and how to mend it."""
    from pipeline.machine import doctor as checks

    sys.exit(checks.main(["--online"] if online else []))


cli.add_command(data_group)
cli.add_command(watch)
cli.add_command(monitor)
cli.add_command(repair)


def _report_failure(outcome: Any, console: Any) -> NoReturn:
    from pipeline.history.paths import relative
    from pipeline.machine import refusals
    from pipeline.redaction.redact import redact

    node = outcome.summary["failed_node"] or "The run"
    cause = refusals.cause(outcome.error.__cause__ or outcome.error)
    log = relative(str(outcome.run_dir / "run.log"))
    if isinstance(outcome.error, KeyboardInterrupt):
        console.print("\nStopped. The next run goes on from here.")
        sys.exit(FAILED)
    text = str(cause).strip()
    if isinstance(cause, OSError) and cause.errno is not None:
        text = refusals.told(cause, places=[outcome.run_dir])
    console.print(f"\n[bold red]{node} failed:[/] {type(cause).__name__}")
    console.print(redact(text)[:2000], markup=False, soft_wrap=True)
    console.print(f"\nLog       {log}", soft_wrap=True, markup=False)
    if outcome.unwritten:
        console.print(f"Summary   could not be written: {outcome.unwritten}", soft_wrap=True, markup=False)
    console.print("Next      mend the cause and run the same command again: finished nodes come from the cache.")
    sys.exit(FAILED)


if __name__ == "__main__":
    cli(prog_name=program())
