"""Facts about the installed packages and the locked ones, read without importing any of them."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path
from typing import Any


def read_lock(path: Path) -> tuple[dict[str, set[str]], set[str]]:
    """Reads uv's lock file.

    Args:
        path: the file.

    Returns:
        The locked versions by package, and the names of the packages that every machine must have. Those that hang on
        a condition (an operating system, a Python version) are among the first only.
    """
    import tomllib  # new in Python 3.11

    packages: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["package"]
    versions: dict[str, set[str]] = {}
    needs: dict[tuple[str, str], list[dict[str, Any]]] = {}
    todo: list[dict[str, Any]] = []
    for package in packages:
        name = package["name"]
        if "virtual" in package.get("source", {}):  # the project itself
            todo = package.get("dependencies", []) + package.get("dev-dependencies", {}).get("dev", [])
            continue
        if "version" in package:  # a package of this repository takes its version from its source
            versions.setdefault(name, set()).add(package["version"])
        needs.setdefault((name, ""), []).extend(package.get("dependencies", []))
        for extra, dependencies in package.get("optional-dependencies", {}).items():
            needs.setdefault((name, extra), []).extend(dependencies)
    required: set[tuple[str, str]] = set()
    while todo:
        dependency = todo.pop()
        if "marker" in dependency:
            continue
        for key in ((dependency["name"], extra) for extra in ("", *dependency.get("extra", []))):
            if key not in required:
                required.add(key)
                todo.extend(needs.get(key, []))
    return versions, {name for name, _ in required} & set(versions)


def installed_versions() -> dict[str, str]:
    """Versions of all installed packages by normalised name; the first on the path counts, as in an import."""
    versions: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            versions.setdefault(re.sub(r"[-_.]+", "-", name).lower(), distribution.version)
    return versions


def installed_version(name: str) -> str:
    """The installed version of one package, empty if it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def release(version: str) -> tuple[int, ...]:
    """The first two numbers of a version: (2, 21) for `2.21.0`, nothing for the empty version."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])
