"""What is written about the code is true of it: names exist, and what a function raises is told."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import house

ROOT = Path(__file__).resolve().parents[2]
NAME = re.compile(r"`((?:modules|pipeline|edgeline_edge|edgeline_serving)(?:\.\w+)+)")
PACKAGES = {"edgeline_edge": "edge", "edgeline_serving": "serving"}  # by where they stand
SERVING = ("serving/edgeline_serving", "serving/tests")  # and not its environment
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def code() -> list[Path]:
    return sorted(path for folder in ("modules", "pipeline") for path in (ROOT / folder).rglob("*.py"))


def texts() -> list[Path]:
    python = (path for folder in ("benchmarks", "tests", "edge", *SERVING) for path in (ROOT / folder).rglob("*.py"))
    patterns = ("*.md", "docs/*.md", "edge/*.md", "serving/*.md", "configs/*")
    documents = (path for pattern in patterns for path in ROOT.glob(pattern))
    return sorted({*code(), *python, *documents} - {Path(__file__)})


def names(module: ast.Module | ast.ClassDef) -> set[str]:
    """What a module or a class defines, imports included."""
    found: set[str] = set()
    for node in ast.walk(module) if isinstance(module, ast.ClassDef) else module.body:
        if isinstance(node, FUNCTIONS | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
            found |= {part.attr for target in targets for part in ast.walk(target) if isinstance(part, ast.Attribute)}
    return found


def exists(dotted: str, root: Path = ROOT) -> bool:
    """Whether a package, a module, or what it or its class defines, has this name."""
    parts = dotted.split(".")
    top = root / PACKAGES.get(parts[0], "")
    for depth in range(len(parts), 0, -1):
        path, rest = top.joinpath(*parts[:depth]), parts[depth:]
        file = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
        if not file.is_file():
            continue
        scope: ast.Module | ast.ClassDef = house.tree(file)
        for number, name in enumerate(rest):
            if name not in names(scope):
                return False
            kinds = [node for node in scope.body if isinstance(node, ast.ClassDef) and node.name == name]
            if not kinds:
                return number == len(rest) - 1
            scope = kinds[0]
        return True
    return False


def raised(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Classes that a body raises itself; not what an inner function raises, nor what is caught and raised again."""

    def walk(node: ast.AST) -> Iterator[ast.Raise]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, FUNCTIONS | ast.Lambda | ast.ClassDef):
                continue
            if isinstance(child, ast.Raise):
                yield child
            yield from walk(child)

    kinds = set()
    for node in walk(function):
        kind = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        if isinstance(kind, ast.Name | ast.Attribute):
            name = ast.unparse(kind).split(".")[-1]
            if name[:1].isupper():
                kinds.add(name)
    return kinds


def public(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions of a module, and methods of its public classes, magic ones left out.

    Left out are commands, whose docstring is what `--help` prints, and what refers to another docstring as a whole.
    """
    for node in _documented_alone(module):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from (item for item in node.body if isinstance(item, FUNCTIONS) and not item.name.startswith("_"))
        elif isinstance(node, FUNCTIONS) and not node.name.startswith("_"):
            yield node


def _documented_alone(module: ast.Module) -> Iterator[ast.stmt]:
    for node in module.body:
        if isinstance(node, FUNCTIONS):
            command = any(".command(" in ast.unparse(decorator) for decorator in node.decorator_list)
            if command or (ast.get_docstring(node) or "").startswith("See `"):
                continue
        yield node


def untold(path: Path) -> Iterator[str]:
    for function in public(house.tree(path)):
        told = (ast.get_docstring(function) or "").partition("Raises:")[2]
        missing = sorted(name for name in raised(function) if not re.search(rf"\b{name}\b", told))
        if missing:
            yield f"{path.name}:{function.lineno} {function.name}: Raises lacks {', '.join(missing)}"


def undescribed(path: Path) -> Iterator[str]:
    """Functions of several parameters whose docstring explains none."""
    for function in public(house.tree(path)):
        arguments = function.args
        given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        given = [item for item in given if item.arg not in ("self", "cls")]
        text = ast.get_docstring(function) or ""
        if len(given) > 3 and text and "Args:" not in text and "hook" not in text:
            yield f"{path.name}:{function.lineno} {function.name}: {len(given)} parameters without Args"


def report(offenders: Iterator[str]) -> None:
    listed = sorted(set(offenders))
    assert not listed, f"{len(listed)} against the rule:\n  " + "\n  ".join(listed)


def test_every_name_that_is_quoted_exists() -> None:
    report(
        f"{path.relative_to(ROOT)}:{number} {name}"
        for path in texts()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        for name in NAME.findall(line)
        if not name.endswith(".py") and not exists(name)
    )


def test_a_public_function_tells_what_it_raises() -> None:
    report(line for path in code() for line in untold(path))


def test_a_public_function_of_many_parameters_explains_them() -> None:
    report(line for path in code() for line in undescribed(path))


PLANTED = '''
class Public:
    """Doc."""

    LIMIT = 1

    def told(self):
        """Runs.

        Raises:
            ValueError: always.
        """
        raise ValueError("a")

    def partly(self):
        """Runs.

        Raises:
            ValueError: sometimes.
        """
        if self.LIMIT:
            raise ValueError("a")
        raise errors.OtherError("b")


def passes_on():
    """Runs."""
    try:
        work()
    except OSError as error:
        raise error


def inner():
    """Runs."""
    def later():
        raise KeyError
    return later


def silent(one, two, three, four):
    """Runs."""
    raise KeyError
'''


def test_planted_faults_are_found(tmp_path: Path) -> None:
    planted = tmp_path / "modules" / "planted.py"
    planted.parent.mkdir()
    planted.write_text(PLANTED, encoding="utf-8")
    assert [line.split(" ", 1)[1] for line in untold(planted)] == [
        "partly: Raises lacks OtherError",
        "silent: Raises lacks KeyError",
    ]
    assert [line.split(" ", 1)[1] for line in undescribed(planted)] == ["silent: 4 parameters without Args"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("modules.planted", True),
        ("modules.planted.Public", True),
        ("modules.planted.Public.LIMIT", True),
        ("modules.planted.silent", True),
        ("modules.planted.absent", False),
        ("modules.planted.Public.absent", False),
        ("modules.gone.silent", False),
    ],
)
def test_a_name_exists_or_does_not(tmp_path: Path, name: str, found: bool) -> None:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "__init__.py").touch()
    (tmp_path / "modules" / "planted.py").write_text(PLANTED, encoding="utf-8")
    assert exists(name, tmp_path) is found
