"""`local_runner.py repair`: makes a task's folder fit to run in again."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.errors import Failed
from pipeline.cli.task import load_config, task_options


@click.command()
@task_options
def repair(
    config_path: str, profile: str | None, overrides: tuple[str, ...], data: str | None, root: Path | None
) -> None:
    """Rebuild a damaged or missing metadata store, or move it aside; pushed models and the history stay."""
    config = load_config(config_path, profile, overrides, data)
    from pipeline.history.health import MetadataError
    from pipeline.history.paths import TaskPaths
    from pipeline.local import repair as logic
    from pipeline.local.session import BusyError

    try:
        logic.repair(TaskPaths.of(config, root), click.echo)
    except (MetadataError, BusyError) as error:
        raise Failed(str(error)) from None
