"""ExampleValidator that stops the run, and looks at drift and skew: the standard component does neither."""

from __future__ import annotations

import json
import os
from typing import Any

from modules.artifact_files import DRIFT_FILE
from modules.inputs.kinds import InputSections
from modules.settings import NodeSettings

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.example_validator import executor
from tfx.dsl.components.base import base_component, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs
from tfx.utils import io_utils, json_utils

from pipeline.components.lookups.previous_statistics import keep
from pipeline.config.validator import ValidatorConfig
from pipeline.monitoring import drift

PREVIOUS, SERVING, SETTINGS = "previous_statistics", "serving_statistics", "settings"


class ExampleValidatorNodeSettings(NodeSettings):
    """What ExampleValidator is told."""

    validator: ValidatorConfig
    """Bounds, and what to do beyond them."""
    inputs: InputSections
    """What comes in; how far two of its profiles are apart is its own affair."""
    split: str
    """The split that is compared."""
    keep: str = ""
    """Folder that accepted statistics are kept in; empty keeps none."""


class AnomalyError(RuntimeError):
    """The examples do not fit the schema."""


class DriftError(RuntimeError):
    """The examples are too far from those of the span before, or from what is served."""


class Executor(executor.Executor):
    """Validates as the standard executor does, raises if any split has an anomaly, then compares."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> Any:
        """TFX's hook.

        Raises:
            AnomalyError: names each split, feature and reason.
            DriftError: names each feature, its distance and its bound, where the configuration says `fail`.
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
        settings = ExampleValidatorNodeSettings.from_json(exec_properties[SETTINGS])
        statistics = artifact_utils.get_single_instance(input_dict[standard_component_specs.STATISTICS_KEY])
        found = drift.compare(
            statistics,
            _optional(input_dict, PREVIOUS),
            _optional(input_dict, SERVING),
            schema=_schema(input_dict),
            split=settings.split,
            inputs=settings.inputs,
            validator=settings.validator,
        )
        target = os.path.join(artifact.uri, DRIFT_FILE)
        io_utils.write_string_file(target, json.dumps([item.to_dict() for item in found], indent=2) + "\n")
        _react(found, settings.validator)
        if settings.keep:
            keep(statistics, settings.keep)
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


def _react(found: list[drift.Comparison], validator: ValidatorConfig) -> None:
    from modules.machine.progress import tell

    reaction = {"drift": validator.on_drift, "skew": validator.on_skew}
    for item in found:
        if item.breached and reaction[item.kind] == "warn":
            tell(f"warning: {item.describe()}")
    failed = [item.describe() for item in found if item.breached and reaction[item.kind] == "fail"]
    if failed:
        raise DriftError(
            "the examples have changed more than the bounds allow:\n  " + "\n  ".join(failed) + "\n"
            "Look at the rows; if the change is right, raise the bound (validator.text, validator.inputs, or the "
            "schema's comparator), or set validator.on_drift / validator.on_skew to `warn` for this run."
        )


def _optional(input_dict: dict[str, list[types.Artifact]], key: str) -> types.Artifact | None:
    found = input_dict.get(key) or []
    return artifact_utils.get_single_instance(found) if found else None


def _schema(input_dict: dict[str, list[types.Artifact]]) -> Any:
    uri = artifact_utils.get_single_uri(input_dict[standard_component_specs.SCHEMA_KEY])
    return io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(uri))


class ExampleValidatorSpec(component_spec.ComponentSpec):
    """The standard component's, with what the statistics are compared with."""

    PARAMETERS = {
        **standard_component_specs.ExampleValidatorSpec.PARAMETERS,
        SETTINGS: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        **standard_component_specs.ExampleValidatorSpec.INPUTS,
        PREVIOUS: component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics, optional=True),
        SERVING: component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics, optional=True),
    }
    OUTPUTS = standard_component_specs.ExampleValidatorSpec.OUTPUTS


class ExampleValidator(base_component.BaseComponent):
    """Stops the run on an anomaly; tells or stops it on drift and skew."""

    SPEC_CLASS = ExampleValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        statistics: types.BaseChannel,
        schema: types.BaseChannel,
        settings: ExampleValidatorNodeSettings,
        previous_statistics: types.BaseChannel | None = None,
        serving_statistics: types.BaseChannel | None = None,
    ) -> None:
        """Wires the node.

        Args:
            statistics: StatisticsGen's output.
            schema: with the comparators.
            settings: what the verdict depends on.
            previous_statistics: those of the span before, if any.
            serving_statistics: those of what is served, if any.
        """
        super().__init__(
            ExampleValidatorSpec(
                statistics=statistics,
                schema=schema,
                previous_statistics=previous_statistics,
                serving_statistics=serving_statistics,
                exclude_splits=json_utils.dumps([]),
                settings=settings.to_json(),
                anomalies=types.Channel(type=standard_artifacts.ExampleAnomalies),
            )
        )
