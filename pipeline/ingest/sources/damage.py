"""Damaged files: one line that names the file, the place and the remedy, whatever library met the damage."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator

from pipeline.config.messages import shown
from pipeline.ingest.rows import DataError


@contextlib.contextmanager
def told(path: str) -> Iterator[None]:
    """Tells the damage that a reader meets.

    Args:
        path: the file.

    Raises:
        DataError: in place of a library's error.
    """
    try:
        yield
    except (EOFError, zlib.error) as error:
        raise _cut(path, error) from None
    except OSError as error:
        if error.errno is not None:  # the system's refusal, which is told as such
            raise
        raise _cut(path, error) from None
    except MemoryError:
        raise DataError(
            f"{path}: a value of it does not fit into memory; the file is damaged, or is no file of rows."
        ) from None


def _cut(path: str, error: Exception) -> DataError:
    words = shown(" ".join(str(error).split()), 200)
    return DataError(
        f"{path}: the file is cut short or damaged ({words}). Fetch or write it again; `gzip -t` checks one that gzip "
        "packed."
    )
