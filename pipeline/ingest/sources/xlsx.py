"""An Excel workbook: the first sheet that has rows, read cell by cell as a stream."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.config.rows.source import SourceConfig
from pipeline.ingest.rows import DataError
from pipeline.ingest.sources.base import Opener, Record, as_record, check_columns
from pipeline.ingest.sources.header import names


def read(path: str, config: SourceConfig, columns: Sequence[str] | None, opener: Opener) -> Iterator[Record]:
    """See `pipeline.ingest.sources.read`. A record's line is its row in the sheet; a formula is its last result."""
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    with opener(path) as stream:
        try:
            book = load_workbook(stream, read_only=True, data_only=True)
        except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError) as error:
            raise DataError(
                f"{path}:1: not an Excel workbook (.xlsx), or a damaged one: {error}. Save it anew, or as CSV."
            ) from None
        for sheet in book.worksheets:
            rows = sheet.iter_rows(values_only=True)
            first = next(rows, None)
            if first is None or all(cell is None for cell in first):
                continue
            header = list(config.columns) or names(["" if cell is None else str(cell) for cell in first])
            wanted = header if columns is None else list(columns)
            check_columns(wanted, header, f"{path}:1")
            places = [header.index(column) for column in wanted]
            begin = [first] if config.columns else []
            try:
                yield from _records([*begin], rows, wanted, places, path, 1 if begin else 2)
            except (zipfile.BadZipFile, KeyError, ValueError, SyntaxError) as error:  # openpyxl's, of a later part
                if isinstance(error, DataError):
                    raise
                raise DataError(f"{path}: a damaged Excel workbook: {error}. Save it anew, or as CSV.") from None
            return
    raise DataError(f"{path}:1: no sheet has a header row.")


def _records(
    begin: list[Any], rows: Iterator[Any], wanted: list[str], places: list[int], path: str, number: int
) -> Iterator[Record]:
    found = 0
    for source in (begin, rows):
        for cells in source:
            if any(cell is not None for cell in cells):
                found += 1
                values = (_cell(cells[place]) if place < len(cells) else None for place in places)
                yield as_record(zip(wanted, values, strict=True), path, number)
            number += 1
    if not found:
        raise DataError(f"{path}:2: there are no rows under the header.")


def _cell(value: Any) -> Any:
    """A whole number is written without `.0`, as Excel shows it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
