"""`driving`: what camera, LiDAR and speedometer of a car see on a simulated highway, and whether it crashes.

The simulator, highway-env (MIT licence), needs packages that do not go with TFX: it is installed once into an
environment of its own in the cache, with `venv` and `pip`. Rows are made by seed: the same ones on each machine, and
others for another seed (`data collect driving --seed 18`).
"""

from __future__ import annotations

import base64
import concurrent.futures
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from modules.datasets import highway
from modules.datasets.base import Dataset, Simulation
from modules.datasets.fashion import png
from modules.machine import packages
from modules.machine.packages import PackageError

import filelock

_SEED, _EPISODES = 17, 1000
_CHUNK = 25  # episodes of a process
_REQUIREMENTS = (
    "highway-env==1.12.1", "gymnasium==1.4.0", "pygame-ce==2.5.8", "numpy==2.4.6", "pillow==13.0.0", "pandas==3.1.1",
    "matplotlib==3.11.2", "cloudpickle==3.1.3", "contourpy==1.3.3", "cycler==0.12.1", "Farama-Notifications==0.0.6",
    "fonttools==4.68.0", "kiwisolver==1.5.1", "packaging==26.4", "pyparsing==3.3.3", "python-dateutil==4.0.0",
    "typing-extensions==4.16.0", "tzdata==2026.6",
)  # fmt: skip
_HEADER = ("episode", "photo", "lidar", "speed", "label")


def simulator() -> Path:
    """Python of the simulator's environment, which is made where there is none.

    Raises:
        PackageError: `venv` or `pip` could not make it.
    """
    digest = hashlib.sha256("\n".join(_REQUIREMENTS).encode()).hexdigest()[:12]
    folder = packages.cache_dir() / "environments" / f"highway-env-{digest}"
    python, whole = folder / "bin" / "python", folder / "installed"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(f"{folder}.lock"):
        if not whole.is_file():
            _done([sys.executable, "-m", "venv", "--clear", str(folder)])
            _done(
                [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", *_REQUIREMENTS]
            )
            whole.touch()
    return python


def rows(seed: int, episodes: int) -> Iterator[tuple[str, ...]]:
    """Moments of a seed's episodes, in their order.

    Args:
        seed: of the traffic, the light and the noise of the sensors.
        episodes: how many; one has 20 moments at most.

    Yields:
        Cells of `episode`, `photo` (a PNG in base64), `lidar` (JSON, `[32, 2]`: metres and relative metres a second of
        each cell, from straight ahead over the right), `speed` (m/s) and `label`.

    Raises:
        PackageError: the simulator cannot be installed, or it failed.
    """
    python = simulator()
    parts = [(first, min(first + _CHUNK, episodes)) for first in range(0, episodes, _CHUNK)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for text in pool.map(lambda part: _simulated(python, seed, *part), parts):
            for line in text.splitlines():
                yield _cells(json.loads(line))


def _simulated(python: Path, seed: int, first: int, last: int) -> str:
    return _done([str(python), "-I", str(Path(highway.__file__).resolve()), *map(str, (seed, first, last))])


def _cells(moment: dict) -> tuple[str, ...]:
    shot = png(base64.b64decode(moment["photo"]), highway.HEIGHT, highway.WIDTH)
    photo, lidar = base64.b64encode(shot).decode("ascii"), json.dumps(moment["lidar"])
    return moment["episode"], photo, lidar, str(moment["speed"]), moment["label"]


def _done(words: list[str]) -> str:
    quiet = {"SDL_VIDEODRIVER": "dummy", "PYGAME_HIDE_SUPPORT_PROMPT": "1"}
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | quiet | {"MPLCONFIGDIR": folder}
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise PackageError(
            f"`{' '.join(words[:4])} …` ended with exit code {done.returncode}: {done.stderr.strip()[-600:]}\nThe "
            "simulator highway-env needs the package index once (`pip download highway-env` by hand says more); or "
            f"copy the cache folder of a machine that has made the rows and point {packages.CACHE_VARIABLE} to it."
        )
    return done.stdout


DRIVING = Dataset(
    "1", _HEADER, lambda: rows(_SEED, _EPISODES), "moments on a simulated highway: camera, LiDAR, speed (highway-env)",
    Simulation(rows, "drives"),
)  # fmt: skip
