"""The pictures of rows: a cell has the name of a file beside that of the rows, or the picture's bytes in base64.

On its way through cleaning a row holds no picture, but a text that says where it is, and begins with a digest of its
bytes: equal pictures are duplicates wherever they lie, and what moves between workers is small where files are named.
Imports neither Beam nor TensorFlow.
"""

from __future__ import annotations

import base64
import hashlib
import posixpath
import re

from edgeline_edge.picture import PictureError, carries, content_of, decoded
from pipeline.config.messages import shown
from pipeline.ingest.sources.base import Opener

_FILE, _DATA = " file ", " data "
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def found(cell: str, rows_file: str, opener: Opener) -> str:
    """Reads the picture of a cell, decodes it to see whether it can be used, and says where it is.

    Args:
        cell: name of a file, relative to the folder of the rows; or the picture in base64, with or without
            `data:…;base64,` before it. Empty where there is none.
        rows_file: the file that the row is from.
        opener: opens a path for reading bytes.

    Returns:
        The digest of the bytes, a blank, and what `content` reads; empty where there is no picture.

    Raises:
        PictureError: there is no such file, or it is no picture that can be used.
    """
    cell = cell.strip()
    if not cell:
        return ""
    if carries(cell):
        content = content_of(cell)
        where = _DATA + base64.b64encode(content).decode("ascii")
    else:
        path = _beside(cell, rows_file)
        content = _read(path, opener)
        where = _FILE + path
    decoded(content)
    return hashlib.sha256(content).hexdigest() + where


def content(kept: str, opener: Opener) -> bytes:
    """The bytes of a picture; none where there is no picture.

    Args:
        kept: what `found` gave.
        opener: opens a path for reading bytes.

    Raises:
        PictureError: the file has changed since `found` read it.
    """
    digest, _, where = kept.partition(" ")
    kind, _, value = where.partition(" ")
    if not kept:
        return b""
    if kind == _DATA.strip():
        return base64.b64decode(value)
    read = _read(value, opener)
    if hashlib.sha256(read).hexdigest() != digest:
        raise PictureError(f"{value}: has changed while the rows were read; run again.")
    return read


def _beside(name: str, rows_file: str) -> str:
    """The path of a file below the folder of the rows: rows may come from anywhere, and must not name other files."""
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or _SCHEME.match(name) or ".." in parts:
        raise PictureError(
            f"{shown(name)} is no name of a file below the folder of the rows; put the pictures beside them, and name "
            "them relative to it, without .."
        )
    return posixpath.join(posixpath.dirname(rows_file), *parts)


def _read(path: str, opener: Opener) -> bytes:
    try:
        with opener(path) as stream:
            return stream.read()
    except OSError as error:
        raise PictureError(f"{path}: cannot be read ({error.strerror or type(error).__name__})") from error
    except ValueError:  # a NUL, or half of a surrogate pair
        raise PictureError(f"{shown(posixpath.basename(path))}: no file can have such a name") from None
