"""`pipeline.ingest.custom_config`: what an ExampleGen is told arrives as it was told, in TFX's own message."""

from __future__ import annotations

from typing import Any

import modules  # noqa: F401
from modules.rows.settings import Columns
from modules.targets.cell import Cell

import pytest
from google.protobuf import struct_pb2
from tfx.proto import example_gen_pb2
from tfx.types import standard_component_specs
from tfx.utils import proto_utils

from pipeline.config.rows.augmentation import AugmentationConfig
from pipeline.config.rows.cleaning import CleaningConfig
from pipeline.config.rows.source import SourceConfig, SqlConfig
from pipeline.config.rows.splits import SplitRule
from pipeline.ingest.custom_config import FilesNodeSettings, packed, unpacked
from pipeline.ingest.example_gen import ExampleGenNodeSettings
from pipeline.ingest.serving_logs import ServingExampleGenNodeSettings

ROWS = ExampleGenNodeSettings(
    cell=Cell(),
    split=SplitRule(),
    columns=Columns(text="body", slices=["shop"]),
    labels=["bad", "good"],
    others={"price": "number"},
    source=SourceConfig(delimiter="\t", sql=SqlConfig(url="sqlite:///rows.db", batch_rows=7)),
    cleaning=CleaningConfig(near_duplicates=0.8, languages=["en"]),
    train_fraction=0.25,
    augmentation=AugmentationConfig(share=0.5, seed=2**40 + 1),
    augmentation_files={"synonym_table": "ab"},
    marker="_SUCCESS",
)
SERVED = ServingExampleGenNodeSettings(text="body", slices=["shop"], marker="_SUCCESS")


def properties(message: example_gen_pb2.CustomConfig) -> dict[str, Any]:
    """As TFX's component writes them and hands them to driver and executor."""
    return {standard_component_specs.CUSTOM_CONFIG_KEY: proto_utils.proto_to_json(message)}


@pytest.mark.parametrize("told", [ROWS, SERVED], ids=lambda told: type(told).__name__)
def test_a_node_gets_the_very_settings_that_it_was_told(told: FilesNodeSettings) -> None:
    """Whole numbers too: the protobuf Struct of before made floats of them, which lose digits."""
    assert unpacked(properties(packed(told)), type(told)) == told


@pytest.mark.parametrize("told", [ROWS, SERVED], ids=lambda told: type(told).__name__)
def test_a_driver_reads_its_part_of_either_nodes_settings(told: FilesNodeSettings) -> None:
    assert unpacked(properties(packed(told)), FilesNodeSettings).marker == "_SUCCESS"
    assert unpacked(properties(packed(told)), FilesNodeSettings).source == told.source


def test_equal_settings_are_one_cache_key() -> None:
    assert properties(packed(ROWS)) == properties(packed(ROWS.model_copy(deep=True)))
    assert properties(packed(ROWS)) != properties(packed(ROWS.with_values(train_fraction=0.5)))


def test_the_settings_of_another_node_are_refused() -> None:
    with pytest.raises(ValueError, match=r"columns\n  Field required"):
        unpacked(properties(packed(SERVED)), ExampleGenNodeSettings)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (struct_pb2.Struct(fields={"marker": struct_pb2.Value(string_value="a")}), r"protobuf\.Struct"),
        (None, "nothing"),
    ],
)
def test_a_message_of_another_kind_is_refused_by_name(message: Any, told: str) -> None:
    """A specification that an earlier Edgeline compiled holds a Struct."""
    config = example_gen_pb2.CustomConfig()
    if message is not None:
        config.custom_config.Pack(message)
    with pytest.raises(ValueError, match=rf"custom_config: .*{told} is no FilesNodeSettings"):
        unpacked(properties(config), FilesNodeSettings)
