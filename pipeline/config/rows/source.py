"""`data.source`: the form that rows come in. Nothing here imports TensorFlow or TFX."""

from __future__ import annotations

import codecs
from typing import Annotated, Literal

from modules.settings import Section

from pydantic import AfterValidator, Field

from pipeline.redaction.references import written_secret

_NO_DELIMITERS = ('"', "\r", "\n")
Format = Literal["csv", "jsonl", "parquet", "tfrecord", "sql", "xlsx"]


def _one_character(value: str) -> str:
    if value != "auto" and len(value) != 1:
        raise ValueError("give `auto`, or at most 1 character")
    if value in _NO_DELIMITERS:
        raise ValueError("a quote and a line break separate no columns")
    return value


def _escape(value: str) -> str:
    if value != "auto" and (len(value) > 1 or value in _NO_DELIMITERS):
        raise ValueError('give `auto`, one character such as a backslash, or "" for none')
    return value


def _known_encoding(value: str) -> str:
    if value != "auto":
        try:
            codecs.lookup(value)
        except LookupError:
            raise ValueError("there is no such encoding; utf-8 and cp1252 are some") from None
    return value


def without_secret(value: str) -> str:
    """A validator: no secret in a URL of a configuration, which is stored with every run.

    Raises:
        ValueError: the URL has one that is no `${NAME}`.
    """
    found = written_secret(value)
    if found:
        raise ValueError(f"{found} must not stand in a configuration; write ${{NAME}} in its place, or file:PATH")
    return value


class SqlConfig(Section):
    """The database that the query in `data.path` (a `.sql` file) is put to."""

    url: Annotated[str, AfterValidator(without_secret)]
    """SQLAlchemy's URL, `postgresql+psycopg://host/db` or `sqlite:///rows.db`. `${NAME}` is replaced by the environment
    variable NAME, and `${file:PATH}` by what a file holds, such as a mounted secret, quoted as the URL wants it; a
    URL that is nothing else (`${URL}`, `file:PATH`) is taken as it is."""
    watermark: str | None = None
    """A query whose one row changes whenever the rows do, such as `SELECT count(*), max(changed) FROM reviews`; the
    cache goes by it. Empty: all rows are read once more, and the cache goes by their digest."""
    batch_rows: int = Field(1000, ge=1, le=1_000_000)
    """Rows that the database hands over at once."""
    timeout_seconds: float = Field(600, gt=0, le=86_400)
    """Longest time for one answer: the connection, the first rows, each further batch."""
    max_rows: int = Field(10_000_000, ge=1)
    """A query with more rows is taken for an endless one."""
    read_only_account: bool = False
    """Says that the account of `url` may only read: for databases other than SQLite and PostgreSQL (with psycopg),
    whose connections cannot be made read-only here."""


class SourceConfig(Section):
    """How the rows of `data.path` are read."""

    format: Literal["auto"] | Format = "auto"
    """`auto` goes by the file's suffix: .csv .tsv .jsonl .ndjson .parquet .tfrecord .sql .xlsx; text files
    may be packed (.gz, or a .zip with one file)."""
    delimiter: Annotated[str, AfterValidator(_one_character)] = "auto"
    """What separates the columns of a CSV file; `auto` finds out, and says so when it is not a comma."""
    columns: list[Annotated[str, Field(min_length=1)]] = []
    """Names of the columns of a CSV file whose first line is a row and no header. Empty: it has a header."""
    quoting: Literal["auto", "double", "none"] = "auto"
    """Of a CSV file: `double` quotes stand around a text that holds the delimiter or a line break, or `none` do and a
    quote is a character like any other; `auto` takes the first unless the rows contradict it, and says so."""
    escape: Annotated[str, AfterValidator(_escape)] = "auto"
    """What stands before a double quote inside a quoted text of a CSV file, such as a backslash; empty: it is doubled.
    `auto` finds out."""
    encoding: Annotated[str, AfterValidator(_known_encoding)] = "auto"
    """Of a CSV or JSONL file; `auto` means UTF-8, else a guess that is told. A byte order mark always wins."""
    sql: SqlConfig | None = None
    """The database, for a query."""
