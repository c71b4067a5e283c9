"""A recipe of one's own comes by the configuration, and is converted, compared and listed like any other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from modules.artifact_files import VARIANTS_FILE
from modules.tflite.recipes import resolve
from modules.tflite.variants import convert_all

import pytest
import yaml

from pipeline.config import loader
from tests.unit import compression_helpers as helpers

TASK = "{task: toys, labels: [bad, good], schema_path: s.pbtxt, data: {path: rows.csv}, converter: %s}"


def configured(folder: Path, repository: Path, **changes: Any) -> Any:
    section = yaml.safe_load((repository / "tests" / "toys" / "recipe.yaml").read_text(encoding="utf-8"))
    section["custom_recipes"][0] |= changes
    path = folder / "toys.yaml"
    path.write_text(TASK % json.dumps(section), encoding="utf-8")
    return loader.load(path).converter


def test_a_recipe_of_ones_own_becomes_a_file_beside_the_others(tmp_path: Path, repository: Path) -> None:
    converter = configured(tmp_path, repository)
    trained, rows = helpers.random_trained(seed=1), helpers.examples(24)
    convert_all(
        trained,
        trained,
        rows,
        rows,
        resolve(converter.recipes, converter.custom_recipes),
        folder=str(tmp_path / "out"),
        layout=helpers.text_layout(),
        windows=[],
        calibration_rows=8,
        parity_rows=16,
        seed=1,
    )
    variants = json.loads((tmp_path / "out" / VARIANTS_FILE).read_text(encoding="utf-8"))["variants"]
    assert list(variants) == ["float32", "toy"]
    assert [item.get("error") for item in variants.values()] == [None, None]
    assert variants["toy"]["bytes"] < variants["float32"]["bytes"]
    assert variants["toy"]["parity"]["agreement"] >= 0.8


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"quantise": []}, "custom_recipes.0.quantise: there is no such field. Did you mean `quantize`?"),
        ({"quantize": [{"mode": "dynamic", "weight_bits": 3}]}, "custom_recipes.0.quantize.0.weight_bits"),
    ],
)
def test_a_recipe_that_cannot_be_is_told_with_its_field(
    tmp_path: Path, repository: Path, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(loader.ConfigError) as caught:
        configured(tmp_path, repository, **changes)
    assert told in str(caught.value)
