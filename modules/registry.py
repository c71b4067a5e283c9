"""Kinds by name: one table for each thing that a configuration chooses by `kind`, open for a task's own.

A table's rows are import paths, so that a kind costs nothing until it is asked for. A configuration's `extensions`
names modules whose import adds rows: a kind of one's own stands in one's own file.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class UnknownKindError(ValueError):
    """A kind that no row of the table has; the message lists those that there are."""


class Registry(Generic[T]):
    """A table of kinds.

    Attributes:
        what: what the kinds are kinds of, for messages, such as `input`.
    """

    def __init__(self, what: str, rows: Mapping[str, str]) -> None:
        """Makes the table.

        Args:
            what: what the kinds are kinds of.
            rows: by kind, `package.module:Name` of the class or object.
        """
        self.what = what
        self._paths = dict(rows)
        self._loaded: dict[str, T] = {}

    def register(self, kind: str) -> Callable[[T], T]:
        """Decorates a class or a function of an extension, which becomes the kind of this name.

        Args:
            kind: its name in a configuration.

        Raises:
            ValueError: another one has the name.
        """

        def add(item: T) -> T:
            there = self._loaded.get(kind)
            # A module that is imported again, under a test's or a worker's loader, brings the same class anew.
            if kind in self._paths or (there is not None and _path(there) != _path(item)):
                raise ValueError(f"there is a kind of {self.what} named {kind!r} already; choose another name")
            self._loaded[kind] = item
            return item

        return add

    @property
    def kinds(self) -> list[str]:
        """Names of all kinds, those of loaded extensions among them, sorted."""
        return sorted({*self._paths, *self._loaded})

    @property
    def own(self) -> list[str]:
        """Names of the kinds that come with this project, sorted."""
        return sorted(self._paths)

    def __contains__(self, kind: object) -> bool:
        """Whether there is a kind of this name."""
        return kind in self._paths or kind in self._loaded

    def __getitem__(self, kind: str) -> T:
        """The class or object of a kind.

        Raises:
            UnknownKindError: there is none of this name.
        """
        if kind not in self._loaded:
            if kind not in self._paths:
                raise UnknownKindError(
                    f"{kind!r} is no kind of {self.what}; there are: {', '.join(self.kinds)}. One of your own comes by "
                    "`extensions`, a list of modules that register it."
                )
            module, _, name = self._paths[kind].partition(":")
            self._loaded[kind] = getattr(importlib.import_module(module), name)
        return self._loaded[kind]


def load(path: str) -> Any:
    """What an import path names.

    Args:
        path: `package.module:name`.
    """
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def load_extensions(names: Iterable[str]) -> None:
    """Imports the modules that a configuration's `extensions` names; each registers what it brings.

    Every process that reads the configuration does this first: runner, node, Beam worker, container.

    Args:
        names: dotted names of modules.

    Raises:
        ValueError: a module does not exist.
    """
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name and not name.startswith(error.name):
                raise  # the module is there; something that it imports is not
            raise ValueError(
                f"extensions: there is no module {name}; it must be importable from the project's folder."
            ) from None


def _path(item: object) -> str:
    return f"{getattr(item, '__module__', '')}.{getattr(item, '__qualname__', item)}"
