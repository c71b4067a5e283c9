"""StatisticsGen for millions of rows: it reads in batches, and counts values in memory that does not grow."""

from __future__ import annotations

from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

import tensorflow_data_validation as tfdv
from tfx import types
from tfx.components.statistics_gen import component, executor
from tfx.dsl.components.base import executor_spec

from pipeline import records


class Executor(executor.Executor):
    """The standard executor with another reader."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """TFX's hook."""
        with records.batched():
            super().Do(input_dict, output_dict, exec_properties)


class StatisticsGen(component.StatisticsGen):
    """The standard component with that executor."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)


def options() -> tfdv.StatsOptions:
    """How statistics are computed.

    By default TFDV groups all rows by the value of each text feature to count different and most frequent values: every
    text, and every text's hash, is a group of its own, held in memory. Its sketches need a fixed amount. They are exact
    for a feature of at most 1,024 different values (Misra-Gries, the most frequent values) and 16,384 (k minimum
    values, how many there are), as labels and slices are.
    """
    return tfdv.StatsOptions(use_sketch_based_topk_uniques=True)
