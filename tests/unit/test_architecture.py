"""The rules of the house that no linter knows: who may import whom, what may be slow, how long a file may be."""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUNNERS = {"local_runner", "kubeflow_runner"}
# What takes seconds to import, and what must never reach a device.
HEAVY = {
    *("tensorflow", "tf_keras", "keras", "keras_nlp", "keras_tuner", "tensorboard", "tfx", "tfx_bsl", "apache_beam"),
    *("tensorflow_text", "tensorflow_transform", "tensorflow_model_analysis", "tensorflow_model_optimization"),
    *("tensorflow_data_validation", "tensorflow_metadata", "tensorflow_serving", "ml_metadata", "kfp"),
}
# These answer `--help`, a wrong configuration or a wrong file in under a second.
QUICK = (
    "local_runner.py",
    "pipeline/cli/*.py",
    "pipeline/config/*.py",
    "pipeline/config/rows/*.py",
    "pipeline/machine/doctor*.py",
    "pipeline/machine/*checks.py",
    "pipeline/machine/datasets.py",
    "pipeline/ingest/rows.py",
    "pipeline/ingest/cleaning.py",
    "pipeline/ingest/sources/*.py",
)
LONGEST_FILE = 320


def _files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def _code() -> list[Path]:
    return sorted(ROOT.glob("*_runner.py")) + _files("pipeline", "modules", "edge/edgeline_edge")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _imports(path: Path, nodes: Iterator[ast.AST] | None = None) -> Iterator[tuple[int, str]]:
    """Line and dotted name of each import; of `from a import b` both `a` and `a.b`, since `b` may be a module."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in nodes or ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) + "." if node.level else ""
            module = (base + (node.module or "")).strip(".")
            yield node.lineno, module
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def _at_import(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when the module is imported: no function bodies, nothing for type checkers only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield other
                yield from _at_import(other)
            continue
        yield child
        yield from _at_import(child)


def _own_files(name: str) -> list[Path]:
    """The files of this project that `import name` runs: each package's `__init__` on the way, then the module."""
    parts = name.split(".")
    found = []
    for top in (ROOT, ROOT / "edge"):
        for depth in range(1, len(parts) + 1):
            path = top.joinpath(*parts[:depth])
            found += [file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()]
    return found


def _forbidden(paths: list[Path], names: set[str]) -> list[str]:
    return sorted(
        {
            f"{path.relative_to(ROOT)}:{line} imports {name.split('.')[0]}"
            for path in paths
            for line, name in _imports(path)
            if name.split(".")[0] in names
        }
    )


def test_modules_know_nothing_of_the_pipeline_or_the_runners():
    _report(_forbidden(_files("modules"), {"pipeline", "benchmarks", "tests", *RUNNERS}))


def test_the_pipeline_knows_nothing_of_the_runners():
    _report(_forbidden(_files("pipeline"), {"benchmarks", "tests", *RUNNERS}))


def test_the_runners_do_not_need_each_other_nor_the_tests():
    runners = sorted(ROOT.glob("*_runner.py"))
    assert {path.stem for path in runners} <= RUNNERS
    for path in runners:
        _report(_forbidden([path], {"tests", "benchmarks", *RUNNERS - {path.stem}}))


def test_the_edge_package_stands_alone_without_tensorflow():
    _report(_forbidden(_files("edge/edgeline_edge"), {"pipeline", "modules", "benchmarks", *RUNNERS, *HEAVY}))


@pytest.mark.parametrize("pattern", QUICK)
def test_what_must_answer_at_once_imports_nothing_heavy_not_even_through_another_file(pattern: str):
    todo = [(path, str(path.relative_to(ROOT))) for path in sorted(ROOT.glob(pattern))]
    assert todo, f"no file matches {pattern}: has it moved?"
    for path in [path for path, _ in todo]:  # importing a module of a package runs the package's __init__ first
        todo += [(own, str(own.relative_to(ROOT))) for own in _own_files(_dotted(path)) if own != path]
    seen, offenders = set(), []
    while todo:
        path, trail = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        for line, name in _imports(path, _at_import(_tree(path))):
            if name.split(".")[0] in HEAVY:
                offenders.append(f"{trail}:{line} imports {name}")
            todo += [(own, f"{trail} > {own.relative_to(ROOT)}") for own in _own_files(name)]
    _report(offenders)


def _report(offenders: Iterable[str]) -> None:
    """Fails with all offenders, one a line (a plain comparison of lists shows the first only)."""
    listed = sorted(set(offenders))
    assert not listed, f"{len(listed)} against the rule:\n  " + "\n  ".join(listed)


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def test_no_file_is_too_long():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in _code()}
    _report(f"{name}: {length} lines" for name, length in lengths.items() if length > LONGEST_FILE)


def test_every_public_function_and_class_has_a_docstring():
    missing = []
    for path in _files("modules", "pipeline"):
        for node in _tree(path).body:
            missing += [f"{path.relative_to(ROOT)}:{found.lineno} {found.name}" for found in _undocumented(node)]
    _report(missing)


def _undocumented(node: ast.stmt) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """The node itself, and its methods unless it has a base class, whose documentation they inherit."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name.startswith("_"):
        return
    if not ast.get_docstring(node):
        yield node
    if isinstance(node, ast.ClassDef) and not node.bases:
        for member in node.body:
            yield from _undocumented(member)


def test_no_path_of_somebodys_machine_is_written_down():
    pattern = re.compile(r"(?<![\w/.])/(root|home/\w+|Users/\w+|work)/")
    texts = [path for name in ("*.md", "*.toml", "Makefile", ".ci/*") for path in ROOT.glob(name)]
    texts += [
        path for folder in ("configs", "schemas", "docs") for path in (ROOT / folder).rglob("*") if path.is_file()
    ]
    lines = (
        (path, number, line)
        for path in [*texts, *_code(), *_files("tests", "benchmarks", "edge/tests")]
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
    )
    _report(f"{path.relative_to(ROOT)}:{number}" for path, number, line in lines if pattern.search(line))
