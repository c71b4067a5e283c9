"""TFX's border of an ExampleGen: its settings in the one message that TFX lets a file-based one carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)
from modules.settings import NodeSettings

from google.protobuf import wrappers_pb2
from pydantic import ConfigDict
from tfx.proto import example_gen_pb2
from tfx.types import standard_component_specs
from tfx.utils import proto_utils

from pipeline.config.rows.source import SourceConfig


class FilesNodeSettings(NodeSettings):
    """What finding out the files takes: the part of either node's settings that its driver reads."""

    model_config = ConfigDict(extra="ignore")  # a driver is handed the settings of the whole node

    source: SourceConfig = SourceConfig()
    """How the files are read."""
    marker: str | None = None
    """Name of a file that only complete spans have; None asks for none."""


Settings = TypeVar("Settings", bound=FilesNodeSettings)


def packed(settings: FilesNodeSettings) -> example_gen_pb2.CustomConfig:
    """The message for ExampleGen's `custom_config`.

    Args:
        settings: as they are told to the node.
    """
    message = example_gen_pb2.CustomConfig()
    message.custom_config.Pack(wrappers_pb2.StringValue(value=settings.to_json()))
    return message


def unpacked(exec_properties: Mapping[str, Any], settings: type[Settings]) -> Settings:
    """The inverse, in the node.

    Args:
        exec_properties: ExampleGen's.
        settings: the node's class; a driver, which serves both nodes, takes their base class.

    Raises:
        ValueError: the message holds no such settings.
    """
    message, text = example_gen_pb2.CustomConfig(), wrappers_pb2.StringValue()
    proto_utils.json_to_proto(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY], message)
    if not message.custom_config.Unpack(text):
        raise ValueError(f"custom_config: {message.custom_config.type_url or 'nothing'} is no {settings.__name__}.")
    return settings.from_json(text.value)
