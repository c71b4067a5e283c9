"""What the commands of the local runner share: the options that choose a task, and what these come to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipeline.cli.errors import DEFAULT_CONFIG, Failed, WrongUse

DEFAULT_PROFILE = "quick"


def task_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose a task and its folder."""
    for option in reversed(
        [
            click.option("--config", "-c", "config_path", default=DEFAULT_CONFIG, show_default=True,
                         help="The task's configuration."),
            click.option("--profile", "-p", default=None,
                         help="A profile of the configuration; `none` applies none.  "
                              "[default: quick, if the configuration has it]"),
            click.option("--set", "overrides", multiple=True, metavar="FIELD=VALUE",
                         help="Replace a field of the configuration, e.g. `--set trainer.epochs=2`. Repeatable."),
            click.option("--data", metavar="FILE", help="A file with rows in place of the configuration's data."),
            click.option("--root", type=click.Path(path_type=Path),
                         help="Folder of the task's runs.  [default: runs/<task>]"),
        ]
    ):  # fmt: skip
        command = option(command)
    return command


def span_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose spans, for the commands that run the pipeline."""
    command = click.option("--window", type=click.IntRange(min=1), metavar="N",
                           help="How many span numbers to read, counted back from the newest (data.spans.window).",
                           )(command)  # fmt: skip
    return click.option("--span", metavar="NUMBER|latest",
                        help="The newest span of data.path to read (data.spans.span).")(command)  # fmt: skip


def span_overrides(span: str | None, window: int | None) -> tuple[str, ...]:
    """What these options come to as overrides of the configuration."""
    values = {"span": span, "window": window}
    return tuple(f"data.spans.{name}={value}" for name, value in values.items() if value is not None)


def require_spans(config: Any, option: str) -> None:
    """Refuses an option about spans where there are none.

    Raises:
        WrongUse: `data.path` is no pattern of spans.
    """
    if not config.data.has_spans:
        raise WrongUse(
            f"{option}: data.path is {config.data.path!r}, which has no spans; set it to a pattern such as "
            "'data/span-{SPAN}/version-{VERSION}/*.csv' (docs/spans.md)."
        )


def load_config(config_path: str, profile: str | None, overrides: tuple[str, ...], data: str | None) -> Any:
    """The resolved configuration that the options name.

    Args:
        config_path: the YAML file.
        profile: which of its profiles; None means the default one, if there is one.
        overrides: `section.field=value`, in order.
        data: the file that replaces `data.path`.

    Raises:
        WrongUse: it cannot be read, or something in it is wrong.
    """
    from pipeline.config import loader

    try:
        return loader.load(config_path, profile=chosen_profile(config_path, profile), overrides=overrides, data=data)
    except loader.ConfigError as error:
        raise WrongUse(str(error)) from None


def chosen_profile(config_path: str, given: str | None) -> str | None:
    """The profile to apply; where none was given, the default one if the configuration has it."""
    from pipeline.config import loader

    if given is not None:
        return None if given == "none" else given
    return DEFAULT_PROFILE if DEFAULT_PROFILE in loader.profile_names(config_path) else None


def checked_data(config: Any, *, schema_too: bool = True, root: Path | None = None) -> dict[str, Any]:
    """Reads all rows once and looks for all that a run would refuse.

    Args:
        config: the resolved configuration.
        schema_too: False reads the rows alone, for a schema that is to be drafted from them.
        root: folder of the task's runs, if not `runs/<task>`.

    Raises:
        WrongUse: the schema, the file or a row is wrong.
        Failed: the data set could not be fetched.
    """
    from modules.machine.packages import PackageError

    from pipeline.config.loader import ConfigError
    from pipeline.ingest.rows import DataError
    from pipeline.local import data_files, preflight

    try:
        if schema_too:
            preflight.check_root(config, root)
            return preflight.check(data_files.pinned(config), root=root)
        return preflight.check_data(config)
    except (ConfigError, DataError) as error:
        raise WrongUse(str(error)) from None
    except PackageError as error:
        raise Failed(str(error)) from None
