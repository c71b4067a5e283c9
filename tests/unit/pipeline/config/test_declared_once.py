"""Every setting is declared once, in a light file beside the code that uses it; nothing mirrors it."""

from __future__ import annotations

import ast
import importlib
import itertools
from pathlib import Path

import pytest

from tests import house

ROOT = Path(__file__).resolve().parents[4]
MIRRORED = 2 / 3  # share of the smaller class' fields that two classes must not have in common
Fields = set[str]


def _bases(node: ast.ClassDef) -> set[str]:
    return {base.attr if isinstance(base, ast.Attribute) else ast.unparse(base) for base in node.bases}


def _is_dataclass(node: ast.ClassDef) -> bool:
    return any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list)


def _decided(node: ast.ClassDef) -> Fields:
    """The fields that a class itself decides: those with a default. What it inherits is decided elsewhere.

    What a class variable says is a fact of the kind, not a setting.
    """
    return {
        item.target.id
        for item in node.body
        if isinstance(item, ast.AnnAssign)
        and isinstance(item.target, ast.Name)
        and item.value is not None
        and "ClassVar" not in ast.unparse(item.annotation)
    }


def _classes(*folders: str) -> dict[str, ast.ClassDef]:
    return {
        f"{path.relative_to(ROOT).with_suffix('')}:{node.name}": node
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(house.tree(path))
        if isinstance(node, ast.ClassDef)
    }


def _sections(classes: dict[str, ast.ClassDef]) -> dict[str, ast.ClassDef]:
    """Classes that are a `Section`, directly or not."""
    known = {"Section"}
    while True:
        found = {node.name for node in classes.values() if _bases(node) & known} | {"Section"}
        if found <= known:
            return {name: node for name, node in classes.items() if node.name in known}
        known |= found


def mirrors(classes: dict[str, Fields]) -> list[str]:
    """Pairs of classes that decide the same thing twice."""
    told = []
    for (one, first), (other, second) in itertools.combinations(classes.items(), 2):
        shared = sorted(first & second)
        if len(shared) > 2 and len(shared) >= MIRRORED * min(len(first), len(second)):
            told.append(f"{one} and {other} both decide {', '.join(shared)}")
    return told


def test_no_two_classes_declare_the_same_settings() -> None:
    classes = _classes("modules", "pipeline")
    sections = _sections(classes)
    assert len(sections) > 40
    fields = {name: _decided(node) for name, node in classes.items() if name in sections or _is_dataclass(node)}
    pairs = [pair for pair in mirrors(fields) if any(name in pair for name in sections)]
    assert not pairs, "\n".join(pairs)


def test_a_planted_mirror_is_found() -> None:
    section = {"pattern", "sparsity", "begin", "end", "targets"}
    mirror = {"pattern", "sparsity", "begin", "end"}
    assert mirrors({"settings:Pruning": section, "pruning:Pruning": mirror}) == [
        "settings:Pruning and pruning:Pruning both decide begin, end, pattern, sparsity"
    ]
    assert mirrors({"a": section, "b": {"pattern", "seed", "end", "rows"}}) == []


def test_no_dataclass_of_the_modules_holds_settings() -> None:
    named = [
        name
        for name, node in _classes("modules").items()
        if _is_dataclass(node) and node.name.endswith(("Settings", "Config", "Gate", "Recipe", "Storage"))
    ]
    assert named == []


def test_the_settings_of_a_room_are_in_its_light_file() -> None:
    """What the configuration composes must be read before anything heavy is imported."""
    files = {name.partition(":")[0] for name in _sections(_classes("modules"))}
    assert "modules/student/settings" in files
    heavy = [file for file in files if not file.endswith("settings") and not _is_light(ROOT / f"{file}.py")]
    assert heavy == []


def _is_light(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    return "\nimport tensorflow" not in text and "\nimport tf_keras" not in text


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("modules.training.settings", "TrainerSettings"),
        ("modules.student.settings", "PrunerSettings"),
        ("modules.tflite.settings", "Recipe"),
        ("modules.device.settings", "Gate"),
    ],
)
def test_the_code_that_uses_settings_and_the_configuration_have_one_class(module: str, name: str) -> None:
    declared = getattr(importlib.import_module(module), name)
    from pipeline.config import reference
    from pipeline.config.task import Config

    assert declared in [section for _, section, _ in reference._sections(Config, None, "")]
