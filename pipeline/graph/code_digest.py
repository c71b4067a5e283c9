"""Digests of source files, so that the cache of a node notices when the code that it runs was edited."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_HOMES = {"modules": ".", "pipeline": ".", "edgeline_edge": "edge"}  # folder of each package, below ROOT


def digest(*modules: str) -> str:
    """Digest of some modules and of everything in this project that they import, directly or not.

    The files in a package's own folder `templates` belong to it.

    Args:
        *modules: dotted names, such as `modules.trainer`.

    Returns:
        A SHA-256 (64 hexadecimal digits) over names and contents; comments count, file times do not.

    Raises:
        FileNotFoundError: a module does not exist.
    """
    files: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in files:
            files[name] = _path(name)
            waiting.extend(_imports(files[name]) | _packages(name))
            if files[name].name == "__init__.py":
                templates = files[name].parent / "templates"
                files |= {f"{name}/{path.name}": path for path in templates.glob("*") if path.is_file()}
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(f"{name}\0".encode() + files[name].read_bytes() + b"\0")
    return total.hexdigest()


def _path(name: str) -> Path:
    base = ROOT.joinpath(_HOMES.get(name.split(".")[0], "."), *name.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(f"there is no module {name} in {ROOT}")


def _imports(path: Path) -> set[str]:
    """Names of this project's modules that a file imports, at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            candidates = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            candidates = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for candidate in candidates:
            if candidate.split(".")[0] in _HOMES and _exists(candidate):
                found.add(candidate)
    return found


def _packages(name: str) -> set[str]:
    """The packages that a module is in: Python runs their `__init__` first."""
    parts = name.split(".")
    return {package for depth in range(1, len(parts)) if _exists(package := ".".join(parts[:depth]))}


def _exists(name: str) -> bool:
    base = ROOT.joinpath(_HOMES.get(name.split(".")[0], "."), *name.split("."))
    return base.with_suffix(".py").is_file() or (base / "__init__.py").is_file()
