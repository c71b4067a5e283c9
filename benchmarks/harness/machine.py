"""The machine that was measured on: enough to judge a figure, nothing that tells whose it is."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modules.machine import cpu

from pipeline.machine import host

# The instruction sets that decide how fast a network is on a CPU.
_TELLING_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
_VERSIONS = """
import importlib.metadata, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


def describe(packages: Sequence[str] = (), *, peers: Path | None = None, peer_packages: Sequence[str] = ()) -> dict:
    """Facts of this machine as JSON values.

    Args:
        packages: distributions of this environment whose versions matter.
        peers: the interpreter of the peers' environment, if they took part.
        peer_packages: distributions of it.

    Returns:
        `cpu`, `cores`, `memory_gib`, `instruction_sets`, `system`, `python`, `load` (of the last minute when the
        measurement ended: what else was going on), `packages` and `peers`.
    """
    memory = host.memory()
    flags = cpu.cpu_flags()
    found: dict[str, Any] = {
        "cpu": _cpu_name(),
        "cores": host.cpu_cores(),
        "memory_gib": round(memory[0] / 2**30) if memory else None,
        "instruction_sets": [flag for flag in _TELLING_FLAGS if flag in flags],
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "packages": versions(Path(sys.executable), packages) if packages else {},
    }
    if peers:
        found["peers"] = versions(peers, peer_packages)
    return found


def has_bfloat16() -> bool:
    """Whether the CPU computes in bfloat16; without it, doing so is many times slower than float32."""
    return bool(cpu.cpu_flags() & {"avx512_bf16", "amx_bf16"})


def versions(interpreter: Path, packages: Sequence[str]) -> dict[str, str]:
    """Versions of distributions in the environment of an interpreter; those that are missing are left out."""
    command = [str(interpreter), "-c", _VERSIONS, *packages]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
