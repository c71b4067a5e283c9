"""CSV with a header row: quotes, line breaks inside fields, any delimiter and encoding."""

from __future__ import annotations

import csv
import dataclasses
import itertools
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.config.rows.source import SourceConfig
from pipeline.ingest.rows import DataError
from pipeline.ingest.sources import dialect, text
from pipeline.ingest.sources import header as headers
from pipeline.ingest.sources.base import Opener, Record, check_columns

_LOG = logging.getLogger(__name__)
_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_LINES = 2000
csv.field_size_limit(16 * 1024 * 1024)


def read(path: str, config: SourceConfig, columns: Sequence[str] | None, opener: Opener) -> Iterator[Record]:
    """See `pipeline.ingest.sources.read`."""
    lines = text.lines(path, config.encoding, opener, any_ends=True)
    sample = list(itertools.islice(lines, _SAMPLE_LINES))
    skipped, _ = headers.excel_delimiter(sample)
    delimiter = config.delimiter
    if delimiter == "auto":
        delimiter = find_delimiter(sample, () if config.columns else columns or ())
        if delimiter != ",":
            _LOG.warning("%s: the delimiter seems to be %r. Set data.source.delimiter if it is not.", path, delimiter)
    form = dialect.find(sample[skipped:], delimiter, config)
    if config.quoting == "auto" and not form.quoting:
        _LOG.warning("%s: quotes seem to be characters of the texts. Set data.source.quoting if they are not.", path)
    elif config.escape == "auto" and form.escape:
        _LOG.warning("%s: quotes in texts seem to have a backslash before them. Set data.source.escape if not.", path)
    reader = form.reader(itertools.chain(sample[skipped:], lines))
    row = _Place(skipped, skipped)
    try:
        header = list(config.columns) or headers.names(next(reader, []))
        if not header:
            wanted = f" with the columns {', '.join(columns)}" if columns else ""
            raise DataError(f"{path}:1: the file is empty; expected a header row{wanted}.")
        wanted_columns = header if columns is None else columns
        _check_header(header, wanted_columns, delimiter, f"{path}:{skipped + 1}", given=bool(config.columns))
        yield from _records(reader, header, wanted_columns, path, form, row)
    except csv.Error as error:
        raise DataError(
            f"{path}:{row.ended + 1}: not valid CSV: {error} (on line {reader.line_num + skipped}). {dialect.REMEDY}."
        ) from None


@dataclasses.dataclass
class _Place:
    """Where the last whole row ended; how many lines of the file its reader was not given."""

    skipped: int
    ended: int


def find_delimiter(lines: Sequence[str], columns: Sequence[str]) -> str:
    """The delimiter that fits best: it finds the wanted columns, and cuts all rows into as many fields as the header.

    Args:
        lines: the beginning of the file.
        columns: the columns that are wanted; may be empty.

    Returns:
        One of comma, semicolon, tabulator and bar; the comma where none fits. If Excel's first line (`sep=;`) names
        another character, that.
    """
    _, told = headers.excel_delimiter(lines)
    if told:
        return told

    def fit(delimiter: str) -> tuple[int, float, int]:
        reader = csv.reader(lines, delimiter=delimiter)
        try:
            header = headers.names(next(reader, []))
            widths = [len(fields) for fields in reader if fields]
        except csv.Error:  # a quoted field that goes on beyond the sample
            return 0, 0.0, 0
        found = sum(column in header for column in columns)
        even = sum(width == len(header) for width in widths) / len(widths) if widths else 1.0
        return found, even if len(header) > 1 else 0.0, len(header)

    return max(_DELIMITERS, key=fit)  # the first of equals


def _check_header(header: list[str], columns: Sequence[str], delimiter: str, where: str, *, given: bool) -> None:
    twice = next((name for name in columns if header.count(name) > 1), None)
    if twice is not None:
        hint = "" if given else "; if the file has no header, name its columns in data.source.columns (`--columns a,b`)"
        raise DataError(f"{where}: the header has the column {twice!r} twice; rename one of them{hint}.")
    if len(header) == 1 and columns:
        other = next((item for item in _DELIMITERS if item != delimiter and item in header[0]), None)
        if other is not None and columns[0] not in header:
            raise DataError(
                f"{where}: the header is one single column {header[0]!r}: the delimiter seems to be {other!r}, not "
                f"{delimiter!r}. Set data.source.delimiter (`--set data.source.delimiter=auto`)."
            )
    check_columns(columns, header, where)


def _records(
    reader: Any, header: list[str], columns: Sequence[str], path: str, form: dialect.Dialect, last: _Place
) -> Iterator[Record]:
    places = [header.index(column) for column in columns]
    width, rows = len(header), 0
    last.ended = reader.line_num + last.skipped
    for fields in reader:
        before, last.ended = last.ended, reader.line_num + last.skipped
        if not fields:  # a blank line
            continue
        rows += 1
        if last.ended - before > 1 and form.swallows(fields, width):
            yield Record(
                {},
                path,
                before + 1,
                f"a text from here to line {last.ended} holds line breaks and delimiters as rows do: a quote opens it "
                f"that may be none. {dialect.REMEDY}",
            )
        elif len(fields) == width:
            values = {column: fields[place] for column, place in zip(columns, places, strict=True)}
            yield Record(values, path, last.ended)
        else:
            yield Record(
                {},
                path,
                last.ended,
                f"{len(fields)} fields where the header has {width}; a text that holds the delimiter "
                f"{form.delimiter!r} or a line break must stand in double quotes",
            )
    if not rows:
        raise DataError(f"{path}:{last.skipped + 2}: there are no rows under the header.")
