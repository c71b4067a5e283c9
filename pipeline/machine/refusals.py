"""What to say when the operating system refuses something: which file, why, and what to do about it."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_REMEDIES = {
    errno.EACCES: "Give this user the right to it, or choose another place",
    errno.EPERM: "Give this user the right to it, or choose another place",
    errno.EROFS: "Choose a place that can be written to",
    errno.ENOTDIR: "A file stands where a folder is needed: move it away, or choose another place",
    errno.EISDIR: "A folder stands where a file is needed: move it away, or choose another place",
    errno.ENOENT: "Make the folder, or mend the path",
    errno.ENAMETOOLONG: "Choose a shorter path",
    errno.ELOOP: "Mend the symbolic link, which leads back to itself",
    errno.EMFILE: "Close files, or raise the limit of open ones (`ulimit -n`)",
    errno.ENFILE: "Close files, or raise the limit of open ones (`ulimit -n`)",
    errno.EFBIG: "Raise the limit of a file's size (`ulimit -f`)",
    errno.EIO: "The disk or its connection is broken: look at the system's log",
}
_PLACES = (
    "(--root for the runs, EDGELINE_CACHE for what was fetched, TMPDIR for what is temporary, --output and schema_path "
    "for drafts)"
)


def told(error: OSError, *, places: Iterable[Path] = ()) -> str:
    """One or two lines on a refusal of the operating system.

    Args:
        error: what was raised.
        places: folders of this command, whose free space is told where the disk is full.

    Returns:
        The file where it is known, the reason in the system's words, and what to do.
    """
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
    reason = error.strerror or str(error) or type(error).__name__
    line = f"{' -> '.join(names)}: {reason}." if names else f"{reason}."
    if error.errno in _FULL:
        return f"{line}\nFree some space: {'; '.join(_free(places))} {_PLACES}."
    remedy = _REMEDIES.get(error.errno or 0)
    return f"{line}\n{remedy} {_PLACES}." if remedy else line


def cause(error: BaseException) -> BaseException:
    """What is behind an error: the refusal of the operating system that it came from, or else the error itself.

    A library that fails while it tidies up after a refusal hides it; the refusal is what a person can mend.
    """
    chain = list(_chain(error))
    return next((one for one in reversed(chain) if isinstance(one, OSError) and one.errno in _KNOWN), chain[0])


_KNOWN = (_FULL | _REMEDIES.keys()) - {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}  # those are asked for in passing


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__


def _free(places: Iterable[Path]) -> Iterator[str]:
    for place in dict.fromkeys([*places, Path.cwd(), Path(tempfile.gettempdir())]):
        there = next((folder for folder in (place, *place.parents) if folder.is_dir()), None)
        if there is not None:
            yield f"{there} has {shutil.disk_usage(there).free / 2**20:,.0f} MiB left"
