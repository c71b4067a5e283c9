"""Right answers that arrive after their request (`monitor.labels`): which request and row each is of."""

from __future__ import annotations

import glob
from collections.abc import Iterator

from pipeline.config.monitor import LateLabelsConfig
from pipeline.ingest import sources
from pipeline.ingest.rows import DataError
from pipeline.ingest.sources import damage
from pipeline.ingest.sources.base import open_local, open_unpacked

Key = tuple[str, int]
"""A request's id, and the row's number in it."""


def files(config: LateLabelsConfig) -> list[str]:
    """The files that there are, in the order of their names.

    Args:
        config: the section.
    """
    return sorted(glob.glob(config.path or ""))


def read(path: str, config: LateLabelsConfig) -> Iterator[tuple[Key, str] | str]:
    """Reads one file; a row without a label yet is none, and so is a file with nothing under its header.

    Args:
        path: of the file.
        config: the section.

    Yields:
        The key and the label of each row; or what is wrong with a row, by file and line.

    Raises:
        DataError: a column is missing, or the file is not what its name says.
    """
    if _is_empty(path, config):
        return
    for record in sources.read(path, config.source):
        where = f"{record.file}:{record.line}"
        if record.wrong(config.label):
            yield f"{where}: {record.wrong(config.label)}."
            continue
        for name in (config.request_id, config.label):
            if name not in record.values:
                raise DataError(
                    f"{where}: there is no column {name!r} (monitor.labels); there are: {', '.join(record.values)}."
                )
        row = record.values.get(config.row, "").strip() or "0"
        if not row.isdecimal():
            yield f"{where}: {config.row} is {row!r}, must be the number of a row (monitor.labels.row)."
        elif label := record.values[config.label].strip():
            yield (record.values[config.request_id], int(row)), label


def _is_empty(path: str, config: LateLabelsConfig) -> bool:
    """Whether no label arrived yet: a file may begin with its header alone."""
    form = sources.format_of(path, config.source)
    if form not in ("csv", "jsonl"):
        return False
    wanted = 2 if form == "csv" and not config.source.columns else 1
    with damage.told(path), open_unpacked(path, open_local) as stream:
        lines = [line for _, line in zip(range(wanted), filter(bytes.strip, stream), strict=False)]
    return len(lines) < wanted
