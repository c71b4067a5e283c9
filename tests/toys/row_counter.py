"""The component of the toy node."""

from __future__ import annotations

import os
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

from tfx import types  # isort: skip
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts


class Executor(base_executor.BaseExecutor):
    """Counts."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict) -> None:  # noqa: N802 - TFX's name
        import tensorflow as tf

        from tests.toys import node

        [examples] = input_dict["examples"]
        counts = {}
        for split in artifact_utils.decode_split_names(examples.split_names):
            folder = artifact_utils.get_split_uris([examples], split)[0]
            files = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
            counts[split] = sum(1 for _ in tf.data.TFRecordDataset(files, compression_type="GZIP"))
        [output] = output_dict["counts"]
        os.makedirs(output.uri, exist_ok=True)
        node.write(output.uri, counts)


class RowCounterSpec(component_spec.ComponentSpec):
    PARAMETERS = {"settings": component_spec.ExecutionParameter(type=str)}
    INPUTS = {"examples": component_spec.ChannelParameter(type=standard_artifacts.Examples)}
    OUTPUTS = {"counts": component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation)}


class RowCounter(base_component.BaseComponent):
    SPEC_CLASS = RowCounterSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, examples: Any, settings: str) -> None:
        counts = types.Channel(type=standard_artifacts.ModelEvaluation)
        super().__init__(RowCounterSpec(examples=examples, settings=settings, counts=counts))
