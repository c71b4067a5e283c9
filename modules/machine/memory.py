"""What the C library does with memory that a training step has freed."""

from __future__ import annotations

import ctypes
import logging
import sys

# Numbers of mallopt(3), from malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_SETTINGS = ((_M_MMAP_THRESHOLD, 1 << 30), (_M_TRIM_THRESHOLD, (1 << 31) - 1), (_M_TOP_PAD, 64 << 20))


def keep_freed_memory() -> bool:
    """Lets this process keep large blocks that it frees, as it will ask for the same ones in the next step.

    By default glibc takes each block of more than 128 KiB from the system and gives it back when it is freed. A step of
    a transformer frees hundreds of tensors of that size, and each page of their successors is a page fault that clears
    it: a fifth of a step on a CPU (`benchmarks/allocator.py` measures it). What is kept is at most the memory that the
    largest step needs. https://man7.org/linux/man-pages/man3/mallopt.3.html

    Returns:
        Whether the C library is one that was told so; elsewhere nothing changes.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        library = ctypes.CDLL(None)
        done = [bool(library.mallopt(name, value)) for name, value in _SETTINGS]
    except (OSError, AttributeError) as error:  # another C library (musl has no mallopt)
        logging.getLogger(__name__).info("freed memory is not kept: %s", error)
        return False
    return all(done)
