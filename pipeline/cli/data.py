"""`local_runner.py data`: what is in the rows, before there is a task for them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from pipeline.cli.collect import collect
from pipeline.cli.errors import WrongUse


@click.group()
def data() -> None:
    """Look at rows, and fetch them."""


data.add_command(collect)


@data.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--text", "text_column", metavar="COLUMN", help="The column with the text, in place of the guess.")
@click.option("--label", "label_column", metavar="COLUMN", help="The column with the label, in place of the guess.")
@click.option("--slice", "slice_columns", multiple=True, metavar="COLUMN",
              help="A column to evaluate by, in place of the guess; repeatable, `none` for none.")  # fmt: skip
@click.option(
    "--input",
    "input_columns",
    multiple=True,
    metavar="COLUMN",
    help="A column to learn from beside the text: a number, a time, a category or a list of numbers; repeatable.",
)
@click.option("--target", type=click.Choice(["one_label", "many_labels", "number"]),
              help="What the label's column holds, in place of the guess.")  # fmt: skip
@click.option("--columns", metavar="A,B,…", help="Names of the columns of a CSV file without a header row.")
@click.option(
    "--delimiter", help="What separates the columns of a CSV file; `tab` for a tabulator.  [default: found out]"
)
@click.option("--encoding", help="Of a CSV or JSONL file, e.g. gb18030.  [default: UTF-8, else a guess]")
@click.option("--name", help="Name of the task.  [default: the file's name]")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False),
              help="Folder for both drafts.  [default: configs/ and schemas/]")  # fmt: skip
@click.option("--no-draft", is_flag=True, help="Look only; write nothing.")
@click.option("--force", is_flag=True, help="Replace drafts that are there.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def profile(
    path: Path, text_column: str | None, label_column: str | None, slice_columns: tuple[str, ...],
    input_columns: tuple[str, ...], target: str | None, columns: str | None, delimiter: str | None,
    encoding: str | None, name: str | None, output: Path | None, no_draft: bool, force: bool, as_json: bool,
) -> None:  # fmt: skip
    """Say what is in a file, and draft a configuration and a schema for it.

    \b
      ./edgeline data profile my.csv
      ./edgeline run --config configs/my.yaml
    """  # noqa: D301 (a backspace tells click to leave the paragraph as it is)
    from pipeline.ingest.rows import DataError
    from pipeline.profiling import display, draft
    from pipeline.profiling.profile import ColumnChoiceError

    try:
        task = draft.task_name(path, name)
        source = _source(columns, delimiter, encoding)
        found = _with_progress(path, text_column, label_column, slice_columns, input_columns, target, source)
    except (DataError, ColumnChoiceError, draft.DraftError) as error:
        raise WrongUse(str(error)) from None
    config_path, schema_path = draft.paths(task, output)
    problem = "" if no_draft else _draft(found, task, config_path, schema_path, force)
    written = not no_draft and not problem
    if as_json:
        drafts = {"config": str(config_path), "schema": str(schema_path)} if written else None
        shown = {name: value for name, value in found.items() if name != "vocabulary"}
        click.echo(json.dumps({**shown, "draft": drafts}, indent=2, ensure_ascii=False))
    else:
        display.show(found, _console())
    if problem:
        raise WrongUse(problem)
    if written and not as_json:
        more = f"\n          {draft.vocabulary_path(schema_path, found['backbone'])}" if found["vocabulary"] else ""
        click.echo(f"\nDrafted   {config_path}\n          {schema_path}{more}\nNext      read them, then: "
                   f"./edgeline run --config {config_path}")  # fmt: skip


def _draft(found: dict[str, Any], task: str, config_path: Path, schema_path: Path, force: bool) -> str:
    """Writes the drafts; what kept it from doing so, if something did."""
    from pipeline.profiling import draft

    try:
        draft.write(found, task, config_path, schema_path, overwrite=force)
    except (draft.DraftError, FileExistsError) as error:
        return str(error)
    return ""


def _source(columns: str | None, delimiter: str | None, encoding: str | None) -> Any:
    """How the file is to be read, as far as it was said.

    Raises:
        WrongUse: an option that no configuration could have.
    """
    import csv

    from pydantic import ValidationError

    from pipeline.config.rows.source import SourceConfig

    given = {
        "columns": [name.strip() for name in next(csv.reader([columns]))] if columns else None,
        "delimiter": {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter) if delimiter else None,
        "encoding": encoding,
    }
    try:
        return SourceConfig.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        raise WrongUse(f"--{first['loc'][0]}: {first['msg'].removeprefix('Value error, ')}.") from None


def _with_progress(
    path: Path,
    text_column: str | None,
    label_column: str | None,
    slice_columns: tuple[str, ...],
    input_columns: tuple[str, ...],
    target: str | None,
    source: Any,
) -> dict[str, Any]:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from pipeline.profiling.profile import profile as read

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    screen = Console(stderr=True, emoji=False)
    with Progress(*columns, console=screen, transient=True, disable=not sys.stderr.isatty()) as bar:
        shown = bar.add_task("reading")
        return read(
            path,
            text_column=text_column,
            label_column=label_column,
            slice_columns=None if not slice_columns else [] if slice_columns == ("none",) else slice_columns,
            input_columns=input_columns,
            target=target,
            source=source,
            progress=lambda stage, row: bar.update(shown, description=f"{stage}: row {row:,}"),
        )


def _console() -> Any:
    from rich.console import Console

    return Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else 160)
