"""`docs/settings.md`: every field of a configuration with its default, as the classes have it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from modules.network.backbones.base import BACKBONES
from modules.registry import load_extensions
from modules.settings import Section

import pytest

from pipeline.config import reference
from pipeline.config.task import Config

# Defaults that once stood in two classes and disagreed: the configuration's won, since that is what users had.
DISPUTED = {
    "pruner.student.layers": 4,
    "pruner.learning_rate": 2e-4,
    "pruner.seed": 17,
    "pruner.distillation.alpha": 0.8,
    "pruner.pruning.pattern": "unstructured",
    "pruner.pruning.end": 0.6,
    "pruner.quantization_aware.kernel_bits": 4,
    "pruner.quantization_aware.begin": 0.6,
}


def test_the_page_of_settings_is_the_reviewed_one(repository: Path) -> None:
    """After a wanted change of a field: `make golden`, then read the diff of docs/settings.md."""
    file = repository / "docs" / "settings.md"
    if os.environ.get("EDGELINE_UPDATE_GOLDEN"):
        file.write_text(reference.page(), encoding="utf-8")
    assert file.read_text(encoding="utf-8") == reference.page(), "docs/settings.md is not what the classes say"


@pytest.mark.parametrize(("place", "expected"), DISPUTED.items())
def test_a_default_that_was_disputed_is_the_configurations(place: str, expected: Any) -> None:
    value: Any = Config.model_validate(
        {"task": "a", "labels": ["x", "y"], "schema_path": "s", "data": {"path": "rows.csv"}}
    )
    for part in place.split("."):
        value = getattr(value, part)
    assert value == expected


def test_the_page_shows_the_default_of_the_place_and_not_of_the_class_alone() -> None:
    rows = [line for line in reference.page().split("## tuner\n")[1].splitlines() if line.startswith("| `enabled`")]
    assert rows[0].startswith("| `enabled` | `false` | true, false |"), "without a section there is no search"


def test_every_field_has_a_row() -> None:
    page = reference.page()
    for place, section, _ in reference._sections(Config, None, ""):
        part = page.split(f"## {place or 'The file'}\n", 1)[1].split("\n## ", 1)[0]
        fields = [name for name, info in section.model_fields.items() if not info.exclude]
        assert [line.split("`")[1] for line in part.splitlines() if line.startswith("| `")] == fields


def test_a_kind_of_an_extension_does_not_get_into_the_projects_page() -> None:
    before = reference.page()
    load_extensions(["tests.toys.backbone"])
    assert "toy" in BACKBONES
    assert reference.page() == before


def test_a_bound_and_a_choice_are_told_as_a_person_reads_them() -> None:
    class Toy(Section):
        """A toy."""

    assert reference._takes({"type": "integer", "minimum": 1}, {}) == "whole number, at least 1"
    assert reference._takes({"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]}, {}) == "`a`, `b` or empty"
    assert reference._takes({"type": "array", "items": {"type": "string"}, "minItems": 2}, {}) == (
        "list of text (at least 2)"
    )
    assert reference._takes(Toy.model_json_schema(), {}) == "section"
