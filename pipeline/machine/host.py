"""Facts about the machine that this process runs on, read without TensorFlow and without third-party packages.

`doctor` judges them. Every function answers `None` (or nothing) where the system does not tell, and never raises.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

_MEMORY_INFO = Path("/proc/meminfo")
# A container's limit (version 2 of the kernel's control groups, then version 1); the machine's own memory hides it.
_MEMORY_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def glibc_version() -> tuple[int, int] | None:
    """The C library's version, or None where it is another one than glibc."""
    name, version = platform.libc_ver()
    numbers = version.split(".")
    if name != "glibc" or len(numbers) < 2 or not all(number.isdigit() for number in numbers[:2]):
        return None
    return int(numbers[0]), int(numbers[1])


def memory() -> tuple[int, int] | None:
    """Bytes of memory that this process can have in all, and bytes that are free now."""
    entries = {}
    for line in _read(_MEMORY_INFO).splitlines():
        name, _, value = line.partition(":")
        entries[name] = value.split()
    try:
        total, free = (int(entries[name][0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    except (KeyError, IndexError, ValueError):
        return None
    for limit in _MEMORY_LIMITS:
        text = _read(limit).strip()
        if text.isdigit() and int(text) < total:
            total = int(text)
    return total, min(free, total)


def free_disk(path: Path) -> int:
    """Bytes free on the disk that holds `path`, or that would hold it once it exists."""
    return shutil.disk_usage(existing_parent(path)).free


def existing_parent(path: Path) -> Path:
    """The nearest folder at or above `path` that exists."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


def cpu_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def gpus() -> list[str]:
    """One line for each NVIDIA GPU: name, memory, driver version."""
    program = shutil.which("nvidia-smi")
    if not program:
        return []
    command = [program, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
