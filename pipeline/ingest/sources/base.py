"""What all sources share: the record, values as text, opening a file, and the error for a column that is not there."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, BinaryIO, NamedTuple, cast

from edgeline_edge.picture import JPEG, PNG
from pipeline.config.messages import nearest, shown, some
from pipeline.ingest.rows import DataError

Opener = Callable[[str], BinaryIO]
_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK\x03\x04"


class Record(NamedTuple):
    """One row as its source has it.

    Attributes:
        values: text by column; empty where `problem` says why.
        file: the file that it is from.
        line: the line on which it ends, or its number in a source without lines; both from 1.
        problem: what is wrong with the row, if it could not be read.
        lists: the columns of which `values` has a JSON list, for the source has a list of texts.
        images: the columns of which `values` has base64, for the source has the bytes of a picture.
    """

    values: Mapping[str, str]
    file: str
    line: int
    problem: str = ""
    lists: tuple[str, ...] = ()
    images: tuple[str, ...] = ()

    def wrong(self, may_be_list: str = "", may_be_images: Collection[str] = ()) -> str:
        """What is wrong with the row, a list or a picture in the place of a text included; empty where nothing is.

        Args:
            may_be_list: the column that holds lists.
            may_be_images: the columns that hold pictures.
        """
        found = [name for name in self.images if name not in may_be_images]
        if found and not self.problem:
            return f"the value of {found[0]!r} is a picture, not text (pictures are read by an input of kind image)"
        found = [name for name in self.lists if name != may_be_list]
        if self.problem or not found:
            return self.problem
        return f"the value of {found[0]!r} is a list, not text (of several labels a row, set target.separator to json)"


def open_local(path: str) -> BinaryIO:
    """Opens a file of this machine."""
    return open(path, "rb")


def open_unpacked(path: str, opener: Opener) -> BinaryIO:
    """Opens a file; one that gzip packed, or the one file of a zip archive, is unpacked as it is read.

    Raises:
        DataError: a zip archive is damaged, or has another number of files than one.
    """
    stream = opener(path)
    magic = stream.read(len(_ZIP_MAGIC))
    stream.seek(0)
    if magic == _ZIP_MAGIC:
        archive = _zip(path, stream)
        return cast(BinaryIO, archive.open(_only_member(path, archive)))
    magic = magic[: len(_GZIP_MAGIC)]
    return cast(BinaryIO, io.BufferedReader(gzip.GzipFile(fileobj=stream))) if magic == _GZIP_MAGIC else stream


def name_in_zip(path: str) -> str:
    """The name of the one file in a zip archive of this machine.

    Raises:
        DataError: it cannot be read, or has another number of files than one.
    """
    try:
        with open_local(path) as stream:
            return _only_member(path, _zip(path, stream))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from None


def _zip(path: str, stream: BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(stream)
    except zipfile.BadZipFile as error:
        raise DataError(f"{path}: a damaged zip archive ({error}); pack or fetch it anew.") from None


def _only_member(path: str, archive: zipfile.ZipFile) -> str:
    names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
    if len(names) != 1:
        shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
        raise DataError(f"{path}: the archive holds {len(names)} files ({shown}); unpack it and name the one to read.")
    return names[0]


def to_text(value: Any) -> str:
    """A value as text, the same from every source; a missing one is empty.

    Raises:
        ValueError: it is no single value.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return "" if _is_nan(value) else str(value)
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8")  # a UnicodeDecodeError is a ValueError
    raise ValueError(f"a value is a {type(value).__name__}, not text")


def _is_nan(value: float | Decimal) -> bool:
    """Whether it is not a number: what pandas writes where a value is missing, in every format that has no null."""
    return value.is_nan() if isinstance(value, Decimal) else value != value


def as_record(pairs: Iterable[tuple[str, Any]], file: str, line: int) -> Record:
    """A record of values of any type; one whose values are neither text nor lists of it has a problem instead."""
    values: dict[str, str] = {}
    lists: list[str] = []
    images: list[str] = []
    try:
        for name, value in pairs:
            if isinstance(value, bytes) and value.startswith((JPEG, PNG)):
                images.append(name)
                values[name] = base64.b64encode(value).decode("ascii")
            elif isinstance(value, list) and all(isinstance(part, str) for part in value):
                lists.append(name)
                values[name] = json.dumps(value, ensure_ascii=False)
            else:
                values[name] = to_text(value)
    except ValueError as error:
        return Record({}, file, line, str(error))
    return Record(values, file, line, lists=tuple(lists), images=tuple(images))


def check_columns(wanted: Sequence[str], found: Sequence[str], where: str) -> None:
    """Makes sure that the wanted columns are there.

    Args:
        wanted: the text's, the label's, then the slices'.
        found: what the source has.
        where: file and line for the error.

    Raises:
        DataError: one is missing, or there twice; the message names the nearest of those that are there.
    """
    there = Counter(found)
    twice = next((column for column in wanted if there[column] > 1), None)
    if twice is not None:
        raise DataError(f"{where}: the column {shown(twice)} is there {there[twice]} times; rename all but one.")
    missing = next((column for column in wanted if column not in there), None)
    if missing is None:
        return
    near = nearest(missing, list(there))
    field = ("text", "label", "slices")[min(list(wanted).index(missing), 2)]
    raise DataError(
        f"{where}: there is no column {missing!r}; the columns are: {some(found)}."
        + (f" Did you mean {shown(near)}?" if near else "")
        + f" Set data.columns.{field} to the column's name"
        + (f" (`--set 'data.columns.{field}={json.dumps(near)}'`)." if near and field != "slices" else ".")
    )
