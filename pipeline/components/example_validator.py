"""ExampleValidator that stops the run: the standard component only writes its findings down."""

from __future__ import annotations

import os
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.example_validator import component, executor
from tfx.dsl.components.base import executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_component_specs


class AnomalyError(RuntimeError):
    """The examples do not fit the schema."""


class Executor(executor.Executor):
    """Validates as the standard executor does, then raises if any split has an anomaly."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> Any:
        """TFX's hook.

        Raises:
            AnomalyError: names each split, feature and reason.
        """
        result = super().Do(input_dict, output_dict, exec_properties)
        artifact = artifact_utils.get_single_instance(output_dict[standard_component_specs.ANOMALIES_KEY])
        problems = [
            problem
            for split in artifact_utils.decode_split_names(artifact.split_names)
            for problem in describe(artifact_utils.get_split_uri([artifact], split), split)
        ]
        if problems:
            raise AnomalyError(
                "the examples do not fit the schema:\n  " + "\n  ".join(problems) + "\n"
                "Correct the rows, or, if the data is right, the schema (`make schema` drafts one from the data)."
            )
        return result


def describe(uri: str, split: str) -> list[str]:
    """One line per anomaly of a split.

    Args:
        uri: folder that ExampleValidator wrote.
        split: name of the split.

    Returns:
        `split, feature: reason` lines, in the order of the features.
    """
    anomalies = anomalies_pb2.Anomalies()
    with fileio.open(os.path.join(uri, executor.DEFAULT_FILE_NAME), "rb") as stream:
        anomalies.ParseFromString(stream.read())
    lines = [
        f"{split}, feature {feature!r}: {anomalies.anomaly_info[feature].description}"
        for feature in sorted(anomalies.anomaly_info)
    ]
    if anomalies.HasField("dataset_anomaly_info"):
        lines.append(f"{split}, whole data set: {anomalies.dataset_anomaly_info.description}")
    return lines


class ExampleValidator(component.ExampleValidator):
    """The standard component with the executor that stops the run."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
