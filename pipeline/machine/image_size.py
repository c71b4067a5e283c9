"""Adds up what the image holds, which needs no Docker engine: `python -m pipeline.machine.image_size DIR`.

`DIR` is a tree that the Dockerfile's commands have made, with `opt/` and `app/` in it; `make image-check` makes one and
prints this of it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

LIMIT = 4_000_000_000
# Estimates, not measured: python:3.11-slim and Beam's boot program come from images that cannot be pulled here.
BASE_IMAGE, BEAM_BOOT = 131_000_000, 35_000_000
_LARGEST = 12


def size(folder: Path) -> int:
    """Bytes of all files in a folder; a file with several names in it counts once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            status = os.lstat(os.path.join(parent, name))
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                total += status.st_size
    return total


def parts(root: Path) -> dict[str, int]:
    """Bytes by part of the image."""
    return {
        "base image (estimate)": BASE_IMAGE,
        "Beam's boot (estimate)": BEAM_BOOT,
        "packages": size(root / "opt" / "venv"),
        "data and weights": size(root / "opt" / "edgeline-cache"),
        "project": size(root / "app"),
    }


def report(root: Path) -> str:
    """The sum, its parts, and the largest packages."""
    found = parts(root)
    site = next((root / "opt" / "venv").glob("lib/python*/site-packages"))
    largest = sorted(((size(item), item.name) for item in site.iterdir() if item.is_dir()), reverse=True)[:_LARGEST]
    lines = [f"{name:<24} {value / 1e6:8.0f} MB" for name, value in found.items()]
    lines += [f"{'sum':<24} {sum(found.values()) / 1e6:8.0f} MB of at most {LIMIT / 1e6:.0f}", "", "largest packages"]
    return "\n".join([*lines, *(f"  {name:<22} {value / 1e6:8.0f} MB" for value, name in largest)])


def main(arguments: Sequence[str]) -> int:
    """Prints the report; 1 if the image is too large."""
    root = Path(arguments[0])
    print(report(root))
    return int(sum(parts(root).values()) > LIMIT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
