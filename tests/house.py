"""Reads a checkout's own imports, whether they run at the top, inside a function, or for a type checker only."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

# What takes seconds to import.
HEAVY = frozenset({
    *("tensorflow", "tf_keras", "keras", "keras_nlp", "keras_tuner", "tensorboard", "tfx", "tfx_bsl", "apache_beam"),
    *("tensorflow_text", "tensorflow_transform", "tensorflow_model_analysis", "tensorflow_model_optimization"),
    *("tensorflow_data_validation", "tensorflow_metadata", "tensorflow_serving", "ml_metadata", "kfp"),
})  # fmt: skip

Arrows = dict[str, dict[str, int]]
"""By importing module, the modules of this project that it imports, each with the first line that does."""


@cache
def tree(path: Path) -> ast.Module:
    """A file, parsed."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def dotted(path: Path, root: Path) -> str:
    """A file's name as Python imports it; of a package's `__init__` that of the package."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, root: Path, nodes: Iterator[ast.AST] | None = None) -> Iterator[tuple[int, str]]:
    """Line and dotted name of each import; of `from a import b` both `a` and `a.b`, since `b` may be a module."""
    package = path.relative_to(root).with_suffix("").parts[:-1]
    for node in nodes or ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) + "." if node.level else ""
            module = (base + (node.module or "")).strip(".")
            yield node.lineno, module
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when the module is imported: no function bodies, nothing for type checkers only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield other
                yield from at_import(other)
            continue
        yield child
        yield from at_import(child)


@cache
def own_files(name: str, *tops: Path) -> list[Path]:
    """The files of this project that `import name` runs: each package's `__init__` on the way, then the module.

    Args:
        name: dotted name of a module, or of something in one.
        tops: folders that Python looks into.
    """
    parts = name.split(".")
    found = []
    for top in tops:
        for depth in range(1, len(parts) + 1):
            path = top.joinpath(*parts[:depth])
            found += [file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()]
    return found


def arrows(root: Path, tops: Sequence[str]) -> Arrows:
    """All imports among a project's own modules.

    A name that a package's `__init__` defines is taken from the package, a module of the package is not.

    Args:
        root: the checkout.
        tops: packages and modules at its top.
    """
    paths = [
        path for top in tops for path in ((root / top).rglob("*.py") if (root / top).is_dir() else [root / f"{top}.py"])
    ]
    files = {dotted(path, root): path for path in paths}
    found: Arrows = {}
    for name, path in files.items():
        own = found.setdefault(name, {})
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Import | ast.ImportFrom):
                for target in _targets(node, path, root, files):
                    if target != name:
                        own.setdefault(target, node.lineno)
    return found


def _targets(node: ast.Import | ast.ImportFrom, path: Path, root: Path, files: Mapping[str, Path]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in files)
        return
    module = next(name for _, name in imports(path, root, iter([node])))
    for alias in node.names:
        yield from [name for name in (f"{module}.{alias.name}", module) if name in files][:1]


def circles(found: Arrows) -> list[str]:
    """Circles of imports, each as `a > b > a`; the last import of each is taken out before the next is looked for."""
    left = {name: dict(targets) for name, targets in found.items()}
    told = []
    while True:
        try:
            graphlib.TopologicalSorter(left).prepare()
        except graphlib.CycleError as error:
            ring = error.args[1][::-1]  # it names a module before the one that imports it
            told.append(" > ".join(ring))
            del left[ring[-2]][ring[-1]]
        else:
            return told


def words(module: ast.Module) -> Iterator[str]:
    """What a module names: identifiers, attributes, arguments and strings; docstrings do not count.

    An attribute `text` of columns or of a layout, and a key of that name, count as `text column`.
    """
    told = {
        id(node.body[0].value)
        for node in ast.walk(module)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute):
            yield node.attr
            if node.attr == "text" and ast.unparse(node.value).split(".")[-1].lstrip("_") in ("columns", "layout"):
                yield "text column"
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value == "text":
            yield "text column"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value
        else:
            yield from (
                value for field in ("id", "arg", "name") if isinstance(value := getattr(node, field, None), str)
            )


def room_of(name: str, floors: Sequence[Sequence[str]]) -> tuple[int, str] | None:
    """Floor (0 is the top) and room of a module; None where no room holds it."""
    held = [
        (floor, room)
        for floor, rooms in enumerate(floors)
        for room in rooms
        if name == room or name.startswith(f"{room}.")
    ]
    return max(held, key=lambda item: len(item[1]), default=None)


def upward(found: Arrows, floors: Sequence[Sequence[str]]) -> list[str]:
    """Imports that do not lead down: from a room into another one on the same floor or on a higher one.

    Args:
        found: what `arrows` gave.
        floors: rooms, the top floor first.

    Returns:
        One line for each.
    """
    told = []
    for name, targets in found.items():
        for target, line in targets.items():
            own, other = room_of(name, floors), room_of(target, floors)
            if own and other and own[1] != other[1] and other[0] <= own[0]:
                told.append(f"{name}:{line} imports {target}: {own[1]} stands {_where(own[0], other[0])} {other[1]}")
    return told


def _where(own: int, other: int) -> str:
    return "beside" if own == other else "below"


NAMED_TUPLE = {"_make", "_replace", "_asdict", "_fields", "_field_defaults"}  # public: they only avoid fields' names
_REFLECTION = {"getattr", "setattr", "hasattr", "delattr"}


def privates(path: Path) -> Iterator[tuple[int, str]]:
    """Line and name of each private attribute or module that a file takes from elsewhere.

    What a class reads from `self` counts unless a class of the same file defines it: then a base class, of a library,
    does. So does a name that reflection asks for.
    """
    own = _defined(tree(path))
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and _private(node.attr) and node.attr not in NAMED_TUPLE:
            owner = ast.unparse(node.value)
            if owner not in ("self", "cls") or node.attr not in own:
                yield node.lineno, f"{owner}.{node.attr}"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names]
            yield from ((node.lineno, name) for name in names if any(map(_private, name.split("."))))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _REFLECTION:
            name = node.args[1] if len(node.args) > 1 else None
            if isinstance(name, ast.Constant) and isinstance(name.value, str) and _private(name.value):
                yield node.lineno, f"{ast.unparse(node.args[0])}.{name.value}"


def _private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def _defined(module: ast.Module) -> set[str]:
    """Names that the classes of a file give themselves."""
    found: set[str] = set()
    for kind in (node for node in ast.walk(module) if isinstance(node, ast.ClassDef)):
        for node in ast.walk(kind):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(node.name)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                if ast.unparse(node.value) in ("self", "cls"):
                    found.add(node.attr)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
    return found
