"""What of a file of Python decides a result: its tree without docstrings, its imports, the files that it names."""

from __future__ import annotations

import ast
import dataclasses
import fnmatch
import functools
import glob
import hashlib
from collections.abc import Iterable, Iterator, Mapping


@dataclasses.dataclass(frozen=True)
class Import:
    """One import.

    Attributes:
        module: what is imported, or imported from.
        names: what is taken from it; None takes the module itself.
    """

    module: str
    names: tuple[str, ...] | None = None


@dataclasses.dataclass(frozen=True)
class Code:
    """A file of Python, as far as it counts.

    Attributes:
        digest: of the parsed tree.
        imports: at its top or inside functions, those for type checkers left out, and the rows of its registries.
        homes: of a package that loads its names on first use: by name, the module that it comes from.
        paths: patterns of the files that it may read: constants, and f-strings with `*` for what is filled in.
        folders: constants that are joined into a path.
        parts: of a module that only declares names (constants and functions), each with a digest and the others that
            it needs; empty for any other module, which counts as a whole.
    """

    digest: str
    imports: tuple[Import, ...]
    homes: Mapping[str, str]
    paths: tuple[str, ...]
    folders: frozenset[str]
    parts: Mapping[str, tuple[str, frozenset[str]]]

    def closure(self, names: Iterable[str]) -> set[str]:
        """Some of the parts, with all that they need."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self.parts[name][1]
        return found

    def names(self, file: str) -> bool:
        """Whether the text names a file, given as its path below the package, or a folder that it is in."""
        *folders, name = file.split("/")
        if self.folders.intersection(folders):
            return True
        return any(fnmatch.fnmatchcase(file, text) or fnmatch.fnmatchcase(name, text) for text in self.paths)


@functools.lru_cache(maxsize=4096)
def parsed(content: bytes, package: str, where: str) -> Code:
    """Parses a file.

    Args:
        content: of the file.
        package: that it is in, for relative imports.
        where: for messages.

    Raises:
        SyntaxError: it is no Python.
    """
    whole = ast.parse(content, where)
    homes = _homes_of(whole, package)
    tree = _Bare().visit(whole)
    imports, paths, folders = [], [], set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [Import(alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            imports.append(_import_from(node, package))
        elif isinstance(node, ast.Call):
            imports += [Import(module) for module in _registered(node)]
            folders |= {text for text in map(_text, node.args) if _called(node) == "joinpath" and text}
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and (text := _text(node.right)):
            folders.add(text)
        if pattern := _pattern(node):
            paths.append(pattern)
    imports = list(dict.fromkeys(imports))
    return Code(_dump(tree), tuple(imports), homes, tuple(paths), frozenset(folders), _parts(tree))


def _dump(node: ast.AST) -> str:
    return sha256(ast.dump(node, annotate_fields=False))


def sha256(*lines: str) -> str:
    """A digest, 64 hexadecimal digits."""
    return hashlib.sha256("\n".join(lines).encode("utf-8", errors="surrogatepass")).hexdigest()


def _parts(tree: ast.Module) -> dict[str, tuple[str, frozenset[str]]]:
    """The names of a module that only declares some; nothing where it does anything else."""
    found: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.FunctionDef) and not node.decorator_list:
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value and not _runs(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [name for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            if any(name.id in found for name in names):
                return {}
            found |= {name.id: node for name in names}
        else:
            return {}
    needs = {
        name: frozenset(item.id for item in ast.walk(node) if isinstance(item, ast.Name) and item.id in found) - {name}
        for name, node in found.items()
    }
    return {name: (_dump(node), needs[name]) for name, node in found.items()}


def _runs(value: ast.expr) -> bool:
    """Whether the value of a name is more than a constant or some of them."""
    plain = (ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Name, ast.expr_context, ast.UnaryOp, ast.unaryop)
    return any(not isinstance(node, (*plain, ast.Starred)) for node in ast.walk(value))


class _Bare(ast.NodeTransformer):
    """Takes out what decides nothing: docstrings, and what is for type checkers only."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if _text(node.value) is not None else self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        return node.orelse if _for_type_checkers(node) else node


def _for_type_checkers(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _homes_of(tree: ast.Module, package: str) -> dict[str, str]:
    """Where the names of a package come from that loads them on first use: what it tells type checkers."""
    if not any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body):
        return {}
    told = [node for block in tree.body if _for_type_checkers(block) for node in ast.walk(block)]
    found = [_import_from(node, package) for node in told if isinstance(node, ast.ImportFrom)]
    return {name: item.module for item in found for name in item.names or ()}


def _import_from(node: ast.ImportFrom, package: str) -> Import:
    parts = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
    module = ".".join([*parts, *([node.module] if node.module else [])])
    names = tuple(alias.name for alias in node.names)
    return Import(module, None if names == ("*",) else names)


def _registered(node: ast.Call) -> Iterator[str]:
    """The modules in the rows of a `modules.registry.Registry`, which imports them when they are asked for."""
    if _called(node) == "Registry":
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            for value in argument.values if isinstance(argument, ast.Dict) else ():
                if text := _text(value):
                    yield text.partition(":")[0]


def _called(node: ast.Call) -> str:
    function = node.func.value if isinstance(node.func, ast.Subscript) else node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _pattern(node: ast.AST) -> str | None:
    """A constant or an f-string as a pattern of file names; what cannot be one is left out."""
    if isinstance(node, ast.JoinedStr):
        text = "".join(glob.escape(part) if (part := _text(value)) is not None else "*" for value in node.values)
        return text if text.strip("*") and "." in text else None
    constant = _text(node)
    short = constant and "." in constant and len(constant) < 200 and "\n" not in constant
    return glob.escape(constant) if constant and short else None
