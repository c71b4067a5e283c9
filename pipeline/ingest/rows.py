"""Rows of a CSV file, checked one by one, with errors that name file, line and column.

Used by ExampleGen's executor and by `validate`; imports neither Beam nor TensorFlow.
"""

from __future__ import annotations

import codecs
import csv
import dataclasses
import difflib
import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

TEXT_HASH = "text_hash"
_DELIMITERS = (",", ";", "\t", "|")
csv.field_size_limit(16 * 1024 * 1024)


class DataError(ValueError):
    """The input cannot be used; the message names file, line, column and remedy."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """What a row must look like.

    Attributes:
        text: column of the text.
        label: column of the label.
        slices: columns to evaluate by.
        labels: the labels that the schema's domain allows.
        delimiter: between the columns.
    """

    text: str
    label: str
    slices: tuple[str, ...]
    labels: tuple[str, ...]
    delimiter: str = ","


@dataclasses.dataclass(frozen=True)
class Row:
    """One checked row.

    Attributes:
        text: the text, not empty.
        label: one of the layout's labels.
        slices: values of the slice columns, in the layout's order.
        line: line of the file on which the row ends, from 1.
    """

    text: str
    label: str
    slices: tuple[str, ...]
    line: int


def read_csv(stream: BinaryIO, name: str, layout: Layout) -> Iterator[Row]:
    """Reads a CSV file with a header row, as a stream.

    Args:
        stream: the open file, UTF-8 with or without a byte order mark.
        name: what errors call the file.
        layout: columns and labels.

    Yields:
        The rows in order.

    Raises:
        DataError: the file is empty or not UTF-8, has another delimiter, lacks a column, or a row has too few or too
            many fields, an empty text, or an unknown label.
    """
    reader = csv.reader(_lines(stream, name), delimiter=layout.delimiter, strict=True)
    try:
        header = next(reader, None)
        if not header:
            raise DataError(f"{name}:1: the file is empty; expected a header row with the columns {_names(layout)}.")
        places = _places(header, name, layout)
        rows = 0
        for fields in reader:
            if fields:
                rows += 1
                yield _row(fields, header, places, f"{name}:{reader.line_num}", reader.line_num, layout)
        if not rows:
            raise DataError(f"{name}:2: there are no rows under the header.")
    except csv.Error as error:
        raise DataError(f"{name}:{reader.line_num}: not valid CSV: {error}.") from None


def text_hash(text: str) -> str:
    """SHA-256 of the normalised text: NFKC, case-folded, white space collapsed.

    Rows with equal hashes are duplicates and always fall into the same split.
    """
    normalised = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return hashlib.sha256(normalised.encode("utf-8", errors="surrogatepass")).hexdigest()


def count_rows(rows: Iterable[Row], layout: Layout) -> dict[str, Counter[str]]:
    """Counts rows by label and by each slice column.

    Returns:
        A counter of values for the label column and for every slice column.
    """
    counts: dict[str, Counter[str]] = {name: Counter() for name in (layout.label, *layout.slices)}
    for row in rows:
        for name, value in zip((layout.label, *layout.slices), (row.label, *row.slices), strict=True):
            counts[name][value] += 1
    return counts


def _lines(stream: BinaryIO, name: str) -> Iterator[str]:
    """Decodes line by line, so that a wrong byte is found on its line."""
    for number, raw in enumerate(stream, start=1):
        line = raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{name}:{number}: byte {error.start + 1} is not UTF-8; save the file as UTF-8 "
                f"(for example `iconv -f WINDOWS-1252 -t UTF-8`)."
            ) from None


def _names(layout: Layout) -> str:
    return ", ".join((layout.text, layout.label, *layout.slices))


def _places(header: Sequence[str], name: str, layout: Layout) -> list[int]:
    header = [column.strip() for column in header]
    wanted = (layout.text, layout.label, *layout.slices)
    missing = [column for column in wanted if column not in header]
    if not missing:
        return [header.index(column) for column in wanted]
    if len(header) == 1:
        for other in _DELIMITERS:
            if other != layout.delimiter and other in header[0]:
                raise DataError(
                    f"{name}:1: the header is one single column {header[0]!r}: the delimiter seems to be {other!r}, "
                    f"not {layout.delimiter!r}. Set data.delimiter (`--set 'data.delimiter={json.dumps(other)}'`)."
                )
    column = missing[0]
    near = difflib.get_close_matches(column, header, n=1)
    field = {layout.text: "text", layout.label: "label"}.get(column, "slices")
    raise DataError(
        f"{name}:1: there is no column {column!r}; the header has: {', '.join(header)}."
        + (f" Did you mean {near[0]!r}?" if near else "")
        + f" Set data.columns.{field} to the column's name."
    )


def _row(
    fields: Sequence[str], header: Sequence[str], places: Sequence[int], where: str, line: int, layout: Layout
) -> Row:
    if len(fields) != len(header):
        raise DataError(
            f"{where}: {len(fields)} fields where the header has {len(header)}; a text that holds the delimiter "
            f"{layout.delimiter!r} or a line break must stand in double quotes."
        )
    text, label, *slices = (fields[place] for place in places)
    if not text.strip():
        raise DataError(f"{where}: column {layout.text!r} is empty; remove the row or fill in the text.")
    if label not in layout.labels:
        near = difflib.get_close_matches(label, layout.labels, n=1)
        raise DataError(
            f"{where}: column {layout.label!r} is {label!r}, which is not among the labels {', '.join(layout.labels)}."
            + (
                f" Did you mean {near[0]!r}?"
                if near
                else " Correct the row, or add the label to `labels` and the schema."
            )
        )
    return Row(text, label, tuple(slices), line)
