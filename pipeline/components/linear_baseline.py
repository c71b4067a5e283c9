"""LinearBaseline: what a user would get without a network, on the same rows and splits."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any

from modules.artifact_files import BASELINE_FILE, PREDICTIONS_FILE
from modules.inputs import kinds
from modules.inputs.kinds import InputSections
from modules.rows.settings import Columns
from modules.settings import NodeSettings
from modules.targets.kinds import TargetSection

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx.utils import io_utils

EXAMPLES, EVALUATION, SETTINGS = "examples", "evaluation", "settings"


class LinearBaselineNodeSettings(NodeSettings):
    """What LinearBaseline is told."""

    columns: Columns
    """Which column is what."""
    inputs: InputSections
    """What comes in, by name: beside a text, or without one, the model reads the columns of kinds that say how."""
    target: TargetSection
    """What is predicted."""
    seed: int
    """Of the solver."""


class Executor(base_executor.BaseExecutor):
    """Resolves the splits to files and asks the target for its linear model."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """TFX's hook."""
        from modules.quality import predictions
        from modules.rows.raw import read_raw_split

        settings = LinearBaselineNodeSettings.from_json(exec_properties[SETTINGS])
        examples = artifact_utils.get_single_instance(input_dict[EXAMPLES])
        identity = kinds.identity_column(settings.inputs)
        read = {
            column: part.linear
            for part in settings.inputs.values()
            for column in part.columns()
            if part.linear and column.name != identity
        }
        main = kinds.with_backbone(settings.inputs)
        texts = main.columns() if main and not identity else ()  # rows may lack it: no identity of theirs
        splits = {
            name: read_raw_split(
                [io_utils.all_files_pattern(artifact_utils.get_split_uri([examples], name))],
                **settings.columns.model_dump(exclude={"label"}),
                target=settings.target,
                others={column.name: column.type for column in (*read, *texts)},
                linear={column.name: how for column, how in read.items()},
            )
            for name in artifact_utils.decode_split_names(examples.split_names)
        }
        for column in texts:
            splits = {
                name: dataclasses.replace(split, texts=split.others[column.name], has_texts=True)
                for name, split in splits.items()
            }
        found = settings.target.part("linear")(splits, settings.target, settings.seed)
        folder = artifact_utils.get_single_uri(output_dict[EVALUATION])
        fileio.makedirs(folder)  # open-source Kubeflow's launcher makes none
        predictions.write(os.path.join(folder, PREDICTIONS_FILE), found.predictions, settings.target.names)
        io_utils.write_string_file(os.path.join(folder, BASELINE_FILE), json.dumps(found.record, indent=2))


class LinearBaselineSpec(component_spec.ComponentSpec):
    """Inputs and outputs."""

    PARAMETERS = {SETTINGS: component_spec.ExecutionParameter(type=str)}
    INPUTS = {EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples)}
    OUTPUTS = {EVALUATION: component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation)}


class LinearBaseline(base_component.BaseComponent):
    """Trains the scikit-learn baseline, scores it, and keeps its answer to every row of eval and test."""

    SPEC_CLASS = LinearBaselineSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, examples: types.BaseChannel, settings: LinearBaselineNodeSettings) -> None:
        """Wires the node.

        Args:
            examples: ExampleGen's output.
            settings: what the baseline depends on.
        """
        super().__init__(
            LinearBaselineSpec(
                examples=examples,
                settings=settings.to_json(),
                evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
            )
        )
