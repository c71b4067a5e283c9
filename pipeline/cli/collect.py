"""`data collect`: rows of an HTTP API as a new span, or of a simulation as a file."""

from __future__ import annotations

import fnmatch
import time
from pathlib import Path

import click

from pipeline.cli.errors import Failed, WrongUse
from pipeline.cli.task import load_config, task_options
from pipeline.redaction import references

_SPAN_FOLDER = "span-{SPAN}"
_EVERY = 2.0  # seconds between two lines of progress


@click.command("collect")
@click.argument("simulation", required=False)
@task_options
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the spans.  [default: what stands before span-{SPAN} in data.path]; of a simulation, of the file",
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Of a simulation: the same rows for the same number.")
@click.option("--count", type=click.IntRange(1), help="Of a simulation: how much of it, such as 100 drives.")
def collect(
    simulation: str | None, config_path: str, profile: str | None, overrides: tuple[str, ...], data: str | None,
    root: Path | None, into: Path | None, seed: int | None, count: int | None,
) -> None:  # fmt: skip
    """Fetch rows from the HTTP API that data.collect describes, or make those of a SIMULATION.

    Rows of the API become the next span, span-N/version-1/rows.jsonl, whole or not at all. A call that was stopped or
    killed is gone on with by the next one.

    `data collect driving --seed 18 --count 100 --into more` writes more/driving-18-100.csv.
    """
    if simulation is not None:
        _simulate(simulation, seed, count, into)
        return
    if seed is not None or count is not None:
        raise WrongUse("--seed and --count are of a simulation; name it, as in `data collect driving`.")
    config = load_config(config_path, profile, overrides, data)
    settings = config.data.collect
    if settings is None:
        raise WrongUse(f"{config_path}: data.collect is missing; it says which API, and how it pages.")
    folder = into or _folder_of(config.data.path)
    from pipeline.ingest import collect as collecting
    from pipeline.ingest.http.pages import Api
    from pipeline.ingest.rows import DataError

    shown = time.monotonic()

    def progress(pages: int, rows: int) -> None:
        nonlocal shown
        if time.monotonic() - shown >= _EVERY:
            shown = time.monotonic()
            click.echo(f"{pages} pages, {rows} rows …", err=True)

    try:
        api = Api(settings)
    except DataError as error:
        raise WrongUse(str(error)) from None
    try:
        found = collecting.collect(settings, folder, api, progress=progress)
    except DataError as error:
        raise Failed(str(error)) from None
    finally:
        api.close()
    went_on = f" ({found.resumed} of them by an earlier call)" if found.resumed else ""
    if found.file is None:
        click.echo(f"{references.shown_url(settings.url)}: no rows in {found.pages} pages; no span was written.")
        return
    click.echo(f"{found.file}: {found.rows} rows of {found.pages} pages{went_on}")


def _simulate(name: str, seed: int | None, count: int | None, into: Path | None) -> None:
    from modules.datasets import base as datasets
    from modules.machine.packages import PackageError

    known = {kind: datasets.DATASETS[kind].simulation for kind in datasets.DATASETS.kinds}
    found = known.get(name)
    if found is None:
        there = ", ".join(kind for kind, made in known.items() if made)
        raise WrongUse(f"{name!r} is no simulation; there are: {there}. Rows of an API need no name.")
    if seed is None or count is None or into is None:
        raise WrongUse(f"Give --seed N, --count N ({found.unit}) and --into FOLDER.")
    target = into / f"{name}-{seed}-{count}.csv"
    try:
        rows = datasets.write_rows(target, datasets.DATASETS[name].header, found.rows(seed, count))
    except PackageError as error:
        raise Failed(str(error)) from None
    click.echo(f"{target}: {rows} rows of {count} {found.unit}")


def _folder_of(path: str | None) -> Path:
    from pipeline.ingest.collect import FILE

    before, found, rest = (path or "").partition(_SPAN_FOLDER)
    if not found:
        raise WrongUse("Give --into FOLDER, or set data.path to FOLDER/span-{SPAN}/version-{VERSION}/*.")
    if not fnmatch.fnmatchcase(FILE, rest.rpartition("/")[2]):
        raise WrongUse(
            f"data.path: {path} would not read the {FILE} that this writes; let it end with `*` or `*.jsonl`, or give "
            "--into FOLDER."
        )
    return Path(before or ".")
