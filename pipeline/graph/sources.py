"""What a module is made of, as far as it decides a result: its code, what it imports of this project, its data files.

Read off the text: nothing is imported. Comments, docstrings and formatting are no code; an import for type checkers is
no import. A file of data beside the code (a table, a template, a schema) belongs to the modules of its package that
name it, and to the whole package where none does.
"""

from __future__ import annotations

import fnmatch
import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pipeline.graph.parsed_code import Code, Import, parsed, sha256

HOMES = {"modules": ".", "pipeline": ".", "edgeline_edge": "edge"}  # folder of each package, below the checkout
_NO_DATA = ("*.py", "*.pyc", "*.pyi", "py.typed", ".*")


class Sources:
    """The files of a checkout, each read once; an edit is seen by the next object."""

    def __init__(self, root: Path, extensions: Iterable[str] = (), *, homes: Mapping[str, str] = HOMES) -> None:
        """Looks at nothing yet.

        Args:
            root: the checkout.
            extensions: modules that a configuration brings; they lie in the checkout or on Python's path.
            homes: the folder of each package of the project, below the checkout.
        """
        self._homes = {name: root / folder for name, folder in homes.items()}
        for extension in extensions:
            top = extension.split(".")[0]
            if top not in self._homes:
                self._homes[top] = _home(root, extension)
        self._paths: dict[str, Path | None] = {}
        self._read: dict[str, Code] = {}
        self._data: dict[str, dict[str, Path]] = {}

    def files(self, modules: Iterable[str]) -> dict[str, str]:
        """All that some modules run or read, directly or not.

        Args:
            modules: dotted names.

        Returns:
            Digests by name: of a module its dotted name, of a data file its package's and its own below that. Of a
            module that only declares names, those alone count that somebody takes.

        Raises:
            FileNotFoundError: a module does not exist.
        """
        whole: set[str] = set()
        taken: dict[str, set[str]] = {}
        waiting = [Import(name) for name in modules]
        while waiting:
            item = waiting.pop()
            name, parts = item.module, self.code(item.module).parts
            if item.names is not None and parts and parts.keys() >= set(item.names):
                new = name not in taken
                taken.setdefault(name, set()).update(self.code(name).closure(item.names))
            else:
                new = name not in whole
                whole.add(name)
            if new:
                waiting += [*self._imported(name), *(Import(package) for package in self._packages(name))]
        found = {name: self.code(name).digest for name in whole}
        for name in taken.keys() - whole:
            parts = self.code(name).parts
            found[name] = sha256(*(f"{part} {parts[part][0]}" for part in sorted(taken[name])))
        data = {file: path for name in found for file, path in self._data_of(name).items()}
        return found | {file: hashlib.sha256(path.read_bytes()).hexdigest() for file, path in data.items()}

    def digest(self, modules: Iterable[str]) -> str:
        """A SHA-256 over the names and the contents of `files`."""
        return sha256(*(f"{name} {digest}" for name, digest in sorted(self.files(modules).items())))

    def path(self, name: str) -> Path | None:
        """The file of a module or of a package's `__init__`; None where there is none, or it is somebody else's."""
        if name not in self._paths:
            top = self._homes.get(name.split(".")[0])
            base = top.joinpath(*name.split(".")) if top else None
            candidates = (base.with_suffix(".py"), base / "__init__.py") if base else ()
            self._paths[name] = next((path for path in candidates if path.is_file()), None)
        return self._paths[name]

    def code(self, name: str) -> Code:
        """A module of the project, parsed.

        Raises:
            FileNotFoundError: it does not exist.
        """
        if name not in self._read:
            path = self.path(name)
            if path is None:
                raise FileNotFoundError(f"there is no module {name} in {', '.join(map(str, self._tops()))}")
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            self._read[name] = parsed(path.read_bytes(), package, str(path))
        return self._read[name]

    def _tops(self) -> list[Path]:
        return sorted(set(self._homes.values()))

    def _imported(self, name: str) -> Iterator[Import]:
        for item in self.code(name).imports:
            known = self.path(item.module) is not None
            homes = self.code(item.module).homes if known else {}
            if item.names is None:
                # Who takes a package that loads its names late as a whole may ask it for any of them.
                yield from (Import(module) for module in (item.module, *homes.values()) if known)
                continue
            modules = {taken for taken in item.names if self.path(f"{item.module}.{taken}")}
            yield from (Import(f"{item.module}.{taken}") for taken in item.names if taken in modules)
            yield from (Import(homes[taken]) for taken in item.names if taken in homes)
            if known:
                yield Import(item.module, tuple(taken for taken in item.names if taken not in modules))

    def _packages(self, name: str) -> Iterator[str]:
        """The packages that a module is in: Python runs their `__init__` first."""
        parts = name.split(".")
        for depth in range(1, len(parts)):
            if self.path(package := ".".join(parts[:depth])):
                yield package

    def _data_of(self, name: str) -> dict[str, Path]:
        """The data files that a module names; of a package's `__init__`, also those that no module of it names."""
        path = self.path(name)
        assert path is not None
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        data = self._data_below(package) if package else {}
        own = {file for file in data if self.code(name).names(file)}
        if package == name and len(own) < len(data):
            modules = [f"{package}.{other.stem}" for other in path.parent.glob("*.py") if other.name != "__init__.py"]
            own |= {file for file in data if not any(self.code(other).names(file) for other in modules)}
        return {f"{package}/{file}": data[file] for file in own}

    def _data_below(self, package: str) -> dict[str, Path]:
        """Files below a package that are neither code nor a package's of its own."""
        if package not in self._data:
            init = self.path(package)
            self._data[package] = dict(_data(init.parent, init.parent)) if init and init.name == "__init__.py" else {}
        return self._data[package]


def _home(root: Path, extension: str) -> Path:
    relative = Path(*extension.split("."))
    for folder in (root, *(Path(entry or ".") for entry in sys.path)):
        if (folder / relative.with_suffix(".py")).is_file() or (folder / relative / "__init__.py").is_file():
            return folder
    return root


def _data(folder: Path, top: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if path.name != "__pycache__" and not (path / "__init__.py").is_file():
                yield from _data(path, top)
        elif not any(fnmatch.fnmatchcase(path.name, pattern) for pattern in _NO_DATA):
            yield path.relative_to(top).as_posix(), path
