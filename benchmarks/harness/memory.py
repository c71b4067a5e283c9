"""Peak memory of this process from a moment on (Linux)."""

from __future__ import annotations

from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def reset_peak() -> None:
    """Lets the peak begin anew at what is resident now.

    Raises:
        OSError: the system has no such thing, or does not allow it; see `man proc_pid_clear_refs`.
    """
    _CLEAR.write_text("5", encoding="ascii")


def peak_bytes() -> int:
    """Largest resident memory since the last reset, or since the process began."""
    return _entry("VmHWM")


def resident_bytes() -> int:
    """What is resident now."""
    return _entry("VmRSS")


def _entry(name: str) -> int:
    line = next(line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
