"""What the CPU computes in, read without TensorFlow: Trainer goes by it, and `doctor` says what it will do."""

from __future__ import annotations

from pathlib import Path

_BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Instruction sets of the first core, by Linux' names; empty where the system does not tell."""
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()


def training_policy(flags: frozenset[str]) -> str:
    """The Keras policy that is fastest on a CPU with these flags: `mixed_bfloat16` or `float32`."""
    return "mixed_bfloat16" if flags & _BFLOAT16_FLAGS else "float32"
