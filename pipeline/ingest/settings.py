"""The settings of an ExampleGen's executor, in the message that TFX hands over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

from google.protobuf import json_format, struct_pb2
from tfx.proto import example_gen_pb2
from tfx.types import standard_component_specs
from tfx.utils import proto_utils


def custom_config(settings: dict[str, Any]) -> example_gen_pb2.CustomConfig:
    """Packs the executor's settings into the message that ExampleGen carries.

    Args:
        settings: JSON values: `text`, `label`, `label_type`, `slices`, `labels`, `source`, `cleaning`,
            `train_fraction`, `augmentation` (None adds no row), `marker` of complete spans, and a digest of this
            executor's sources, which is there for the cache alone.
    """
    packed = example_gen_pb2.CustomConfig()
    packed.custom_config.Pack(json_format.ParseDict(settings, struct_pb2.Struct()))
    return packed


def settings_of(exec_properties: Mapping[str, Any]) -> dict[str, Any]:
    """Unpacks what `custom_config` packed."""
    packed = example_gen_pb2.CustomConfig()
    proto_utils.json_to_proto(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY], packed)
    struct = struct_pb2.Struct()
    packed.custom_config.Unpack(struct)
    return json.loads(json_format.MessageToJson(struct))
