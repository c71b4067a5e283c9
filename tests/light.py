"""Which test files need neither TensorFlow nor TFX nor Beam: what `pytest --light` (make test-fast) keeps.

Read off the imports, so that nobody has to keep a list: a file is heavy if it, or what it imports of this project,
imports one of them. Imports inside the test file's functions count; inside the project's only those at the top, since
the project imports such packages late, where they are used.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEAVY = {
    *("tensorflow", "tf_keras", "keras", "keras_nlp", "keras_tuner", "tensorboard", "tfx", "tfx_bsl", "apache_beam"),
    *("tensorflow_text", "tensorflow_transform", "tensorflow_model_analysis", "tensorflow_model_optimization"),
    *("tensorflow_data_validation", "tensorflow_metadata", "tensorflow_serving", "ml_metadata", "kfp", "sklearn"),
    *("ai_edge_litert", "ai_edge_quantizer"),
}
_TOPS = (ROOT, ROOT / "edge", ROOT / "tests", ROOT / "tests" / "unit")


def is_light(path: Path) -> bool:
    """Whether running a test file imports none of the packages that take seconds."""
    seen: set[str] = set()
    waiting = set(_names(ast.walk(_tree(path))))
    while waiting:
        name = waiting.pop()
        if name.split(".")[0] in HEAVY:
            return False
        seen.add(name)
        for file in _own_files(name):
            waiting |= _imported(file) - seen
    return True


@cache
def _imported(path: Path) -> frozenset[str]:
    """What importing a file of this project imports in turn."""
    return frozenset(_names(_at_import(_tree(path))))


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _names(nodes: Iterator[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _at_import(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when a module is imported."""
    for child in ast.iter_child_nodes(node):
        lazy = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if lazy or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
            continue
        yield child
        yield from _at_import(child)


@cache
def _own_files(name: str) -> list[Path]:
    parts = name.split(".")
    found = []
    for top in _TOPS:
        for depth in range(1, len(parts) + 1):
            path = top.joinpath(*parts[:depth])
            found += [file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()]
    return found
