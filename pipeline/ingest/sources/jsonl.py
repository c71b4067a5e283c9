"""JSON Lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from pipeline.config.rows.source import SourceConfig
from pipeline.ingest.rows import DataError
from pipeline.ingest.sources import text
from pipeline.ingest.sources.base import Opener, Record, as_record, check_columns


def read(path: str, config: SourceConfig, columns: Sequence[str] | None, opener: Opener) -> Iterator[Record]:
    """See `pipeline.ingest.sources.read`. A field that an object lacks counts as empty, unless the first lacks it."""
    first = True
    for number, line in enumerate(text.lines(path, config.encoding, opener), start=1):
        if line.isspace():
            continue
        try:
            found = json.loads(line)
            problem = "" if isinstance(found, dict) else f"a JSON {type(found).__name__} in place of an object"
        except RecursionError:
            problem = "nested too deeply"
        except ValueError as error:
            problem = f"not valid JSON: {error}"
        if problem:
            yield Record({}, path, number, problem)
            continue
        if first:
            check_columns(columns or (), list(found), f"{path}:{number}")
            first = False
        pairs = found.items() if columns is None else ((column, found.get(column)) for column in columns)
        yield as_record(pairs, path, number)
    if first:
        raise DataError(f'{path}:1: there is no JSON object; each line must be one, such as {{"text": …}}.')
