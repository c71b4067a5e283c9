"""Guards of the places that reach into another library: they fail loudly when the library has moved on.

What is replaced inside a library, or read from its private names, is no promise of that library. A new version may go
another way and leave ours unused, which no result shows: only time and memory do. So a gap checks what it relies on
before a node starts, and counts afterwards whether the library came by.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import inspect
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

_MISSING = object()


class GapError(RuntimeError):
    """A library no longer does what one of our extensions relies on."""


@dataclasses.dataclass(frozen=True)
class Gap:
    """One place that reaches into a library.

    Attributes:
        package: the library's distribution.
        room: the module that fills the gap, which says what is missing and why.
    """

    package: str
    room: str

    def broken(self, what: str) -> GapError:
        """The error that says what has changed.

        Args:
            what: how the library differs from what is relied on, as the end of "tfx 1.21.0 …".
        """
        file = f"{self.room.replace('.', '/')}.py"
        return GapError(
            f"{self.package} {importlib.metadata.version(self.package)} {what}. {file} relies on it: adapt it to this "
            f"version, or install the one that uv.lock names."
        )

    def require(self, owner: Any, *names: str) -> None:
        """Checks that something has what is read from it.

        Args:
            owner: a module, class or object of the library.
            names: its attributes.

        Raises:
            GapError: one is missing.
        """
        for name in names:
            if not hasattr(owner, name):
                raise self.broken(f"has no {_name(owner)}.{name}")

    def require_parameters(self, function: Callable[..., Any], *names: str) -> None:
        """Checks what a function takes.

        Args:
            function: of the library.
            names: all its parameters, in order, `self` included.

        Raises:
            GapError: they are others.
        """
        found = tuple(inspect.signature(function).parameters)
        if found != names:
            raise self.broken(f"has {_name(function)}({', '.join(found)}) instead of ({', '.join(names)})")

    def require_use(self, owner: Any, function: str, *names: str) -> None:
        """Checks that a function of the library still goes by some names: of its module, or of its objects.

        Args:
            owner: a module or class of the library.
            function: its function; of a method, what it calls by `super()` counts.
            names: functions or attributes that it must name in its code.

        Raises:
            GapError: it does not.
        """
        used: set[str] = set()
        for place in owner.__mro__ if inspect.isclass(owner) else (owner,):
            if function in vars(place):
                here = _names(inspect.unwrap(getattr(place, function)).__code__)
                used |= here
                if "super" not in here:
                    break
        for name in names:
            if name not in used:
                raise self.broken(f"no longer goes through {name} in {_name(owner)}.{function}")

    @contextlib.contextmanager
    def replaced(
        self, owner: Any, name: str, replacement: Callable[..., Any], *, parameters: tuple[str, ...] | None = None
    ) -> Iterator[None]:
        """Puts a function in place of one of the library, and asks at the end whether the library called it.

        Args:
            owner: a module or class of the library.
            name: of its function.
            replacement: what is called instead, with the same arguments.
            parameters: what the library's own must take; None where `replacement` hands all of them on.

        Raises:
            GapError: there is no such function, it takes other parameters, or nobody called the replacement although
                what ran meanwhile ended well.
        """
        original = inspect.getattr_static(owner, name, _MISSING)
        if original is _MISSING:
            raise self.broken(f"has no {_name(owner)}.{name}")
        if parameters is not None:
            self.require_parameters(getattr(owner, name), *parameters)
        calls = 0

        def counted(*args: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            return replacement(*args, **options)

        setattr(owner, name, staticmethod(counted) if inspect.isclass(owner) else counted)
        try:
            yield
        finally:
            setattr(owner, name, original)
        if not calls:
            raise self.broken(f"no longer looks {name} up in {_name(owner)}: it was not called once")


def _name(item: Any) -> str:
    return str(getattr(item, "__qualname__", None) or getattr(item, "__name__", None) or type(item).__qualname__)


def _names(code: CodeType) -> set[str]:
    inner = (item for item in code.co_consts if isinstance(item, CodeType))
    return {*code.co_names, *code.co_freevars, *(name for item in inner for name in _names(item))}
