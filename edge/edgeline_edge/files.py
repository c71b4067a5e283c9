"""Bundles on disk: read whole, and written so that no half of one is ever seen."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from edgeline_edge import archive
from edgeline_edge.errors import BundleError


def read(path: Path) -> bytes:
    """The content of a bundle's file.

    Args:
        path: the file.

    Raises:
        BundleError: it cannot be read, or is larger than a bundle can be.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise BundleError("not a regular file")
        if status.st_size > archive.MAX_BYTES:
            raise BundleError(f"has {status.st_size:,} bytes; a flatbuffer holds at most {archive.MAX_BYTES:,}")
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"cannot be read: {error.strerror or error}") from error


def write(path: Path, content: bytes) -> None:
    """Writes a file beside its place and renames it.

    Args:
        path: the file.
        content: what is to stand there.

    Raises:
        OSError: it cannot be written.
    """
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp makes files that only their owner may read; a bundle is as public as any other file.
        os.chmod(partial, 0o644)
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise
