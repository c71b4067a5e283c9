"""`pruner.student.target`: what a configuration may state, and what it changes elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modules.student.settings import BudgetSettings

import pytest
from pydantic import ValidationError

from pipeline.config import loader
from pipeline.config.task import Config
from tests import tiny


def config(folder: Path, target: dict[str, Any], **more: Any) -> Config:
    task = tiny.make(folder, rows=4)
    values = tiny.settings(task, folder / "schema.pbtxt")
    values.pop("profiles", None)
    values["edge_evaluator"] = {}
    values["converter"] = {}
    pruner = values.get("pruner", {})
    student = {**pruner.get("student", {}), "target": target}
    return Config.model_validate({**values, "pruner": {**pruner, "student": student}, **more})


@pytest.mark.parametrize(("said", "size"), [("4MB", 4_000_000), ("0.5 MiB", 524_288), (900, 900), ("12kb", 12_000)])
def test_a_size_may_have_a_unit(said: Any, size: int) -> None:
    assert BudgetSettings(bytes=said).asked == ("bytes", size)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "exactly one of speedup, ms, bytes, not none of them"),
        ({"ms": 1, "bytes": 4}, "exactly one of speedup, ms, bytes, not ms, bytes"),
        ({"bytes": "4 parsecs"}, "'4 parsecs' is no size"),
        ({"speedup": 0}, "greater than 0"),
    ],
)
def test_a_budget_that_says_nothing_or_too_much_is_refused(values: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        BudgetSettings(**values)


def test_the_gate_keeps_what_was_asked_for(tmp_path: Path) -> None:
    made = config(tmp_path, {"speedup": 6})
    gate = made.edge_evaluator.gate
    assert (gate.min_latency_ratio, gate.min_size_ratio) == (5.7, None)
    assert made.pruner.student.target is not None
    assert made.pruner.student.target.windows == made.converter.windows
    gate = config(tmp_path, {"bytes": "1MB"}).edge_evaluator.gate
    assert (gate.max_bytes, gate.min_latency_ratio) == (1_050_000, None)


def test_a_stricter_bound_of_the_configuration_stays(tmp_path: Path) -> None:
    made = config(tmp_path, {"ms": 2}, edge_evaluator={"gate": {"max_latency_ms": 1.5, "min_size_ratio": 9}})
    assert (made.edge_evaluator.gate.max_latency_ms, made.edge_evaluator.gate.min_size_ratio) == (1.5, 9)
    made = config(tmp_path, {"ms": 2}, edge_evaluator={"gate": {"max_latency_ms": 8}})
    assert made.edge_evaluator.gate.max_latency_ms == 2.1


@pytest.mark.parametrize("recipe", ["static_wi8_ai8", "no_such", "float16"])
def test_a_budget_is_reckoned_in_a_recipe_that_is_made(tmp_path: Path, recipe: str) -> None:
    with pytest.raises(ValidationError, match="must be a recipe of the catalogue without calibration"):
        config(tmp_path, {"ms": 2, "recipe": recipe}, converter={"recipes": ["dynamic_wi4_afp32", "static_wi8_ai8"]})


@pytest.mark.parametrize("said", ["pruner.student.target={bytes: 4MB}", "pruner.student.target.bytes=4MB"])
def test_a_budget_may_be_said_on_the_command_line(tmp_path: Path, said: str) -> None:
    task = tiny.make(tmp_path, rows=4)
    more = "converter.recipes=[float32, dynamic_wi4_afp32]"
    made = loader.load(task.config, profile="quick", overrides=(said, more))
    assert made.pruner.student.target is not None
    assert made.pruner.student.target.asked == ("bytes", 4_000_000)
    assert loader.load(task.config, profile="quick").pruner.student.target is None
