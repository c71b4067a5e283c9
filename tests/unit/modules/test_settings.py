"""`modules.settings`: what every settings class has, and the one way across TFX's border."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from modules.settings import NodeSettings, Section

import pytest
from pydantic import Field, ValidationError


class Part(Section):
    """A section of a node's settings."""

    rate: float = Field(0.5, gt=0)
    """Some rate."""


class Node(NodeSettings):
    """What a node is told."""

    part: Part = Part()
    """Its section."""
    names: tuple[str, ...] = ()
    """Some names."""


def test_a_node_gets_the_very_objects_that_its_graph_was_made_with() -> None:
    told = Node(part=Part(rate=0.25), names=("a", "b"), code="f00")
    assert Node.from_json(told.to_json()) == told
    assert Node.from_values(json.loads(json.dumps(told.to_values()))) == told


def test_equal_settings_give_equal_texts_whatever_the_order_they_were_written_in() -> None:
    assert Node(names=("a",), code="f00").to_json() == Node(code="f00", names=("a",)).to_json()


def test_what_tfx_adds_to_a_custom_config_is_left_out_and_nothing_else() -> None:
    values = Node().to_values()
    assert Node.from_values({**values, "ai_platform_training_args": {"project": "p"}}) == Node()
    with pytest.raises(ValidationError, match="rates"):
        Node.from_values({**values, "rates": 1})


def test_a_node_imports_the_extensions_before_it_reads_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kinds_for_a_node.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ValidationError):
        Node.from_json(json.dumps({"extensions": ["kinds_for_a_node"], "part": {"rate": 0}}))
    assert sys.modules.pop("kinds_for_a_node")
    with pytest.raises(ValueError, match="there is no module nowhere_to_be_found"):
        Node.from_json(Node(extensions=["nowhere_to_be_found"]).to_json())


def test_other_values_are_validated_as_the_first_ones_were() -> None:
    assert Part().with_values(rate=2) == Part(rate=2.0)
    with pytest.raises(ValidationError, match="greater than 0"):
        Part().with_values(rate=-1)
    with pytest.raises(ValidationError, match="rates"):
        Part().with_values(rates=1)
