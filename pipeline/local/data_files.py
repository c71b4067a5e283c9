"""The files behind `data.path` on this machine: one file, or the window of spans that a run reads."""

from __future__ import annotations

from pathlib import Path

from modules.datasets import base as datasets

from pipeline.config.rows import span_pattern
from pipeline.config.task import Config
from pipeline.ingest import rows, spans


def data_path(config: Config) -> Path:
    """The file of a configuration, fetched first if a package of the registry has it, or its pattern of spans."""
    return Path(config.data.path).resolve() if config.data.path else datasets.csv_file(str(config.data.dataset))


def window(config: Config) -> list[spans.SpanVersion]:
    """The spans that a run would read now; none where the path has no spans.

    Raises:
        SpanError: there is no such span, or none that is complete.
    """
    if not config.data.has_spans:
        return []
    path, wanted = str(data_path(config)), config.data.spans
    newest = None if wanted.span == "latest" else wanted.span
    return spans.window(path, newest=newest, count=wanted.window, marker=wanted.marker)


def files(config: Config) -> list[Path]:
    """All files that a run would read now.

    Raises:
        DataError: there is none.
    """
    if config.data.has_spans:
        found = [Path(file) for item in window(config) for file in item.files]
        for path in found:
            if path.is_dir():
                raise rows.DataError(f"{path} is a folder; end data.path with the files' names, such as `/*.csv`.")
        return found
    path = data_path(config)
    if not path.is_file():
        raise rows.DataError(f"{path}: no such file. Set data.path, or `--data FILE`.")
    return [path]


def serving_logs(config: Config) -> str:
    """The files with what was served, as a path that does not depend on the working directory; empty without any."""
    return str(Path(config.data.serving_logs).resolve()) if config.data.serving_logs else ""


def check_serving_logs(config: Config) -> None:
    """Finds out before anything runs whether there are such files.

    Raises:
        DataError: they are configured, and there are none.
    """
    path = serving_logs(config)
    base, pattern = span_pattern.split(path)
    if path and not spans.expand(base, pattern):
        raise rows.DataError(f"{path}: no such file. Set data.serving_logs to what was served, or unset it.")


def pinned(config: Config) -> Config:
    """The configuration with the number of the newest span in place of `latest`.

    A span that appears while a run goes on belongs to the next run, and the stored configuration says what was read.
    """
    chosen = window(config)
    if not chosen:
        return config
    wanted = config.data.spans.model_copy(update={"span": chosen[-1].span})
    return config.model_copy(update={"data": config.data.model_copy(update={"spans": wanted})})
