"""The single checks of `doctor`: each looks at one thing and says how to mend it.

They run on any Python from 3.8 on with nothing installed, since they are wanted most when `make setup` has failed.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from modules.machine import cpu

from pipeline.machine import host, stack

ROOT = Path(__file__).resolve().parents[2]
State = Literal["ok", "warn", "fail"]

_GIB = 1 << 30
# The newest C library that a locked wheel asks for (TensorFlow and LiteRT), and the one that TFX's own wheels (of ML
# Metadata and TFDV 1.21) name. Those exist for Python 3.12 and 3.13 too, where TFX drops its `kfp` extra.
_GLIBC_LOCKED = (2, 27)
_GLIBC_OFFICIAL = (2, 39)
# Rules of thumb with room to spare: the imports take 1 GiB, Beam in memory 2 GiB for 100,000 rows, then training.
_MEMORY_NEEDED, _MEMORY_ADVISED = 3 * _GIB, 6 * _GIB
_ENVIRONMENT_SIZE, _RUN_SIZE = 4 * _GIB, 1 * _GIB
# What the index is asked for: the package that carries the default data.
_PROBE = "vaderSentiment"
_SETUP = "Run `make setup`."


@dataclasses.dataclass(frozen=True)
class Check:
    """The outcome of looking at one thing.

    Attributes:
        name: what was looked at.
        state: `ok`; `warn` where a run works with a drawback; `fail` where it does not work.
        found: what there is.
        advice: how to mend it; empty where nothing has to be.
    """

    name: str
    state: State
    found: str
    advice: str = ""


def check_platform() -> Check:
    """The operating system and the kind of processor that the wheels are built for."""
    found = f"{platform.system()} {platform.machine()}"
    if (sys.platform, platform.machine()) == ("linux", "x86_64"):
        return Check("platform", "ok", found)
    advice = "ML Metadata exists for Linux x86_64 only: use a container, WSL 2 or another machine."
    return Check("platform", "fail", found, advice)


def check_glibc() -> Check:
    """The C library: which of the two rows of TFX wheels runs here."""
    version = host.glibc_version()
    if version is None:
        return Check("C library", "fail", "no glibc", "The wheels need glibc (Debian, Ubuntu, RHEL …), not musl.")
    found = f"glibc {version[0]}.{version[1]}"
    if version < _GLIBC_LOCKED:
        needed = ".".join(map(str, _GLIBC_LOCKED))
        return Check("C library", "fail", found, f"glibc {needed} or later is needed: Debian 10, Ubuntu 20.04, RHEL 8.")
    if version < _GLIBC_OFFICIAL:
        return Check("C library", "ok", f"{found}: the row of wheels that uv.lock holds runs here")
    newer = "TFX's own newer one too (on Python 3.12 as well, but without Kubeflow: the project stays with 3.11)"
    return Check("C library", "ok", f"{found}: uv.lock's row of wheels runs here, {newer}")


def check_packages() -> Check:
    """The installed packages against `uv.lock`."""
    if not importlib.util.find_spec("tomllib"):
        return Check("packages", "warn", "uv.lock can be read by Python 3.11 only", _SETUP)
    versions, required = stack.read_lock(ROOT / "uv.lock")
    installed = stack.installed_versions()
    missing = sorted(required - set(installed))
    drifted = sorted(
        f"{name} {version} (locked: {', '.join(sorted(versions[name]))})"
        for name, version in installed.items()
        if name in versions and version not in versions[name]
    )
    if missing:
        return Check("packages", "fail", f"{len(missing)} of {len(required)} missing: {_some(missing)}", _SETUP)
    if drifted:
        advice = "Run `make -B setup`: results are reproducible on the locked versions only."
        return Check("packages", "warn", f"other versions than locked: {_some(drifted)}", advice)
    return Check("packages", "ok", f"{len(set(installed) & set(versions))} installed, as locked")


def check_keras() -> Check:
    """Versions that work with Keras 2 together, and the switch to it."""
    names = ("tensorflow", "tf-keras", "keras-nlp", "keras-tuner", "tensorflow-model-optimization")
    versions = {name: stack.installed_version(name) for name in names}
    absent = [name for name, version in versions.items() if not version]
    if absent or not importlib.util.find_spec("tf_keras"):
        return Check("Keras", "fail", f"not installed: {', '.join(absent) or 'tf_keras'}", _SETUP)
    found = ", ".join(f"{name} {version}" for name, version in versions.items())
    releases = {name: stack.release(version) for name, version in versions.items()}
    rules = {
        "tf-keras must have TensorFlow's version": releases["tf-keras"] == releases["tensorflow"],
        "keras-nlp must be 0.12 for Keras 2": releases["keras-nlp"] == (0, 12),
        "keras-tuner must be older than 1.4 for Keras 2": releases["keras-tuner"] < (1, 4),
    }
    wrong = [rule for rule, holds in rules.items() if not holds]
    if wrong:
        return Check("Keras", "fail", found, f"{'; '.join(wrong)}. Run `make -B setup`.")
    try:
        import modules  # noqa: F401  (settles the flavour for this process, as everywhere else)
    except ImportError as error:
        return Check("Keras", "fail", found, str(error))
    if os.environ.get("KERAS_BACKEND") not in (None, "", "tensorflow"):
        return Check("Keras", "warn", f"{found}; KERAS_BACKEND is set", "Unset KERAS_BACKEND: Keras 2 has one backend.")
    return Check("Keras", "ok", f"{found}; Keras 2 (`tf_keras`) is switched on")


def check_memory() -> Check:
    """The memory that this process can have, a container's limit included."""
    known = host.memory()
    if known is None:
        return Check("memory", "warn", "unknown", f"A run needs about {_size(_MEMORY_NEEDED)}.")
    total, free = known
    found = f"{_size(total)}, {_size(free)} of it free"
    if total < _MEMORY_NEEDED:
        return Check("memory", "fail", found, f"{_size(_MEMORY_NEEDED)} is the least: raise the container's limit.")
    if free < _MEMORY_ADVISED:
        advice = f"{_size(_MEMORY_ADVISED)} free is advised; with less, end other programs or train on smaller batches."
        return Check("memory", "warn", found, advice)
    return Check("memory", "ok", found)


def check_disk() -> Check:
    """Free space for the environment and for runs."""
    needed = _RUN_SIZE if stack.installed_version("tensorflow") else _ENVIRONMENT_SIZE + _RUN_SIZE
    free = host.free_disk(ROOT)
    found = f"{_size(free)} free for the project"
    if free < needed:
        return Check("disk", "fail", found, f"{_size(needed)} is needed (.venv takes {_size(_ENVIRONMENT_SIZE)}).")
    if free < needed + 4 * _GIB:
        return Check("disk", "warn", found, "Runs pile up under runs/: `make clean` deletes them, pushed models too.")
    return Check("disk", "ok", found)


def check_cpu() -> Check:
    """Cores and instruction sets, and the training precision that follows from them."""
    flags = cpu.cpu_flags()
    cores = f"{host.cpu_cores()} cores"
    if not flags:
        return Check("CPU", "ok", f"{cores}; instruction sets unknown")
    if "avx" not in flags:
        return Check("CPU", "fail", f"{cores}, no AVX", "TensorFlow needs AVX: give it to the virtual machine.")
    fast = [name for name in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16") if name in flags]
    policy = cpu.training_policy(flags)
    return Check("CPU", "ok", f"{cores}, {' '.join(fast) or 'avx'}; precision `auto` is {policy} without a GPU")


def check_gpu() -> Check:
    """NVIDIA GPUs, and the libraries that TensorFlow needs to see them."""
    found = host.gpus()
    if not found:
        return Check("GPU", "ok", "none: the CPU is used")
    text = "; ".join(found)
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return Check("GPU", "warn", f"{text}; hidden", "CUDA_VISIBLE_DEVICES hides the GPUs: unset it to use them.")
    if not stack.installed_version("nvidia-cudnn-cu12"):
        wanted = f"tensorflow[and-cuda]=={stack.installed_version('tensorflow') or '2.21.*'}"
        advice = f"Run `uv pip install '{wanted}'` after `make setup`, unless CUDA 12 and cuDNN 9 are on the machine."
        return Check("GPU", "warn", f"{text}; TensorFlow's CUDA libraries are not in .venv", advice)
    return Check("GPU", "ok", text)


def check_cache() -> Check:
    """The folder that keeps fetched data and weights."""
    try:
        from modules.machine import packages
    except ImportError as error:  # nothing is installed yet
        return Check("cache folder", "warn", f"unknown without {error.name}", _SETUP)
    folder = packages.cache_dir()
    advice = f"Make it writable, or set {packages.CACHE_VARIABLE} to a folder that is."
    try:
        with tempfile.TemporaryFile(dir=host.existing_parent(folder)):
            pass
    except OSError as error:
        return Check("cache folder", "fail", f"{folder}: {error.strerror}", advice)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
    return Check("cache folder", "ok", f"{folder}, holding {size / 1e6:.0f} MB")


def check_index(online: bool) -> Check:
    """The package index, by way of pip, whose settings hold for data and weights.

    Args:
        online: really ask it.
    """
    if not importlib.util.find_spec("pip"):
        if not stack.installed_version("tensorflow"):
            return Check("package index", "ok", "not asked: nothing is installed yet, `make setup` asks it")
        return Check("package index", "fail", "this environment has no pip, which fetches data and weights", _SETUP)
    if not online:
        return Check("package index", "ok", "not asked (`--online` does)")
    # A dry run reads the index and one file's metadata; it installs nothing.
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--ignore-installed", "--quiet"]
    command += ["--disable-pip-version-check", "--timeout", "15", "--retries", "1", _PROBE]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        cause = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
    except subprocess.TimeoutExpired:
        return Check("package index", "fail", "no answer in a minute", "Check the network and the proxy settings.")
    if done.returncode == 0:
        return Check("package index", "ok", "answers")
    advice = "Check `pip config list`, PIP_NO_INDEX and the proxy settings. Cached data and weights work without it."
    return Check("package index", "fail", re.sub(r"//[^/@\s]*@", "//", cause[0]), advice)


def check_bytecode() -> Check:
    """Whether Python keeps what it compiles."""
    if not sys.dont_write_bytecode:
        return Check("bytecode", "ok", "is kept")
    tensorflow = importlib.util.find_spec("tensorflow")
    if tensorflow and tensorflow.origin and (Path(tensorflow.origin).parent / "__pycache__").is_dir():
        return Check("bytecode", "ok", "PYTHONDONTWRITEBYTECODE is set; the packages are compiled already")
    advice = "Unset it (make and ./edgeline do): each start takes 20 s longer otherwise."
    return Check("bytecode", "warn", "PYTHONDONTWRITEBYTECODE is set", advice)


def _size(size: int) -> str:
    return f"{size / _GIB:.1f} GiB"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (" …" if len(names) > 4 else "")
