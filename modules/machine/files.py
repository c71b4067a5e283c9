"""Writes a file whole or not at all, so that nobody ever reads half of one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Writes a text file of this machine in one step; what was there stays until all of the new one is on the disk.

    Args:
        path: the file; its folder must be there.
        text: its content, written as UTF-8.

    Raises:
        OSError: it could not be written; `filename` says which file, where the system itself does not (a full disk).
    """
    partial = None
    try:
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(handle)
        os.chmod(partial, 0o666 & ~_umask())
        os.replace(partial, path)
    except BaseException as error:
        if partial is not None:
            with contextlib.suppress(OSError):
                os.unlink(partial)
        if isinstance(error, OSError) and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def _umask() -> int:
    """What this process leaves out of a new file's rights; `mkstemp` gives nobody else any."""
    current = os.umask(0o077)
    os.umask(current)
    return current
