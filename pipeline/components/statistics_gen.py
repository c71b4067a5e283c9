"""StatisticsGen for millions of rows, which also summarises the inputs, and says of which span its statistics are.

It reads in batches, and counts values in memory that does not grow.
"""

from __future__ import annotations

import os
from typing import Any

from modules.inputs.kinds import InputSections
from modules.inputs.profiles import profile_file
from modules.settings import NodeSettings

import tensorflow_data_validation as tfdv
from tfx import types
from tfx.components.statistics_gen import executor
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs
from tfx.utils import io_utils, json_utils

from pipeline.components.marks import span_of
from pipeline.tfx_gaps.batched_reader import reading_in_batches

_SETTINGS = "settings"


class StatisticsGenNodeSettings(NodeSettings):
    """What StatisticsGen is told."""

    inputs: InputSections
    """What comes in; what is summarised of it is its own affair."""
    label: str | None
    """Column with the label; None where there is none, as in what was served."""
    split: str
    """The split whose inputs are summarised."""
    sample_rows: int
    """Most rows to look into."""
    vocabulary: str | None = None
    """Digest of the vocabulary, where it is a file of one's own; there for the cache alone."""


class Executor(executor.Executor):
    """Computes statistics as the standard executor does, and beside them a profile of each input of one split."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """TFX's hook."""
        with reading_in_batches():
            super().Do(input_dict, output_dict, exec_properties)
        from modules.inputs import kinds

        settings = StatisticsGenNodeSettings.from_json(exec_properties[_SETTINGS])
        examples = artifact_utils.get_single_instance(input_dict[standard_component_specs.EXAMPLES_KEY])
        statistics = artifact_utils.get_single_instance(output_dict[standard_component_specs.STATISTICS_KEY])
        statistics.span = span_of(examples)  # TFX copies a property that ExampleGen does not set
        split = settings.split
        pattern = io_utils.all_files_pattern(artifact_utils.get_split_uri([examples], split))
        folder = artifact_utils.get_split_uri([statistics], split)
        for name, (part, summarise) in kinds.playing(settings.inputs, "statistics").items():
            found = summarise(part, [pattern], label=settings.label, sample=settings.sample_rows)
            io_utils.write_string_file(os.path.join(folder, profile_file(name)), found.to_json())


class StatisticsGenSpec(component_spec.ComponentSpec):
    """The standard component's, with settings."""

    PARAMETERS = {
        **standard_component_specs.StatisticsGenSpec.PARAMETERS,
        _SETTINGS: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = standard_component_specs.StatisticsGenSpec.INPUTS
    OUTPUTS = standard_component_specs.StatisticsGenSpec.OUTPUTS


class StatisticsGen(base_beam_component.BaseBeamComponent):
    """The standard component with the executor that looks at the inputs, too."""

    SPEC_CLASS = StatisticsGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, examples: types.BaseChannel, settings: StatisticsGenNodeSettings) -> None:
        """Wires the node.

        Args:
            examples: an ExampleGen's output.
            settings: what the summary of the inputs depends on.
        """
        super().__init__(
            StatisticsGenSpec(
                examples=examples,
                exclude_splits=json_utils.dumps([]),
                stats_options_json=_options().to_json(),
                settings=settings.to_json(),
                statistics=types.Channel(type=standard_artifacts.ExampleStatistics),
            )
        )


def _options() -> tfdv.StatsOptions:
    """How statistics are computed.

    By default TFDV groups all rows by the value of each text feature to count different and most frequent values: every
    text, and every text's hash, is a group of its own, held in memory. Its sketches need a fixed amount. They are exact
    for a feature of at most 1,024 different values (Misra-Gries, the most frequent values) and 16,384 (k minimum
    values, how many there are), as labels and slices are.
    """
    return tfdv.StatsOptions(use_sketch_based_topk_uniques=True)
