"""`data.source`: the form that rows come in. Nothing here imports TensorFlow or TFX."""

from __future__ import annotations

import codecs
import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from modules.settings import Section

from pydantic import AfterValidator, Field

Format = Literal["csv", "jsonl", "parquet", "tfrecord", "sql", "xlsx"]
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
SECRET_FILE = "file:"


def _one_character(value: str) -> str:
    if value != "auto" and len(value) != 1:
        raise ValueError("give `auto`, or at most 1 character")
    return value


def _known_encoding(value: str) -> str:
    if value != "auto":
        try:
            codecs.lookup(value)
        except LookupError:
            raise ValueError("there is no such encoding; utf-8 and cp1252 are some") from None
    return value


def without_password(value: str) -> str:
    """A validator: no password in a configuration, which is stored with every run.

    Raises:
        ValueError: the URL has one that is no `${VARIABLE}`.
    """
    password = urlsplit(value).password if "://" in value else None
    if password and not VARIABLE.fullmatch(password):
        raise ValueError("a password must not stand in a configuration; write ${NAME} in its place, or file:PATH")
    return value


class SqlConfig(Section):
    """The database that the query in `data.path` (a `.sql` file) is put to."""

    url: Annotated[str, AfterValidator(without_password)]
    """SQLAlchemy's URL, `postgresql+psycopg://host/db` or `sqlite:///rows.db`. `${NAME}` is replaced by the environment
    variable NAME, and `file:PATH` reads the URL from a file, such as a mounted secret."""
    watermark: str | None = None
    """A query whose one row changes whenever the rows do, such as `SELECT count(*), max(changed) FROM reviews`; the
    cache goes by it. Empty: all rows are read once more, and the cache goes by their digest."""
    batch_rows: int = Field(1000, ge=1)
    """Rows that the database hands over at once."""


class SourceConfig(Section):
    """How the rows of `data.path` are read."""

    format: Literal["auto"] | Format = "auto"
    """`auto` goes by the file's suffix: .csv .tsv .jsonl .ndjson .parquet .tfrecord .sql .xlsx; text files
    may be packed (.gz, or a .zip with one file)."""
    delimiter: Annotated[str, AfterValidator(_one_character)] = "auto"
    """What separates the columns of a CSV file; `auto` finds out, and says so when it is not a comma."""
    columns: list[Annotated[str, Field(min_length=1)]] = []
    """Names of the columns of a CSV file whose first line is a row and no header. Empty: it has a header."""
    encoding: Annotated[str, AfterValidator(_known_encoding)] = "auto"
    """Of a CSV or JSONL file; `auto` means UTF-8, else a guess that is told. A byte order mark always wins."""
    sql: SqlConfig | None = None
    """The database, for a query."""
