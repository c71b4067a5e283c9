"""Transform that reads and writes in batches."""

from __future__ import annotations

from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

from tfx import types
from tfx.components.transform import component, executor
from tfx.dsl.components.base import executor_spec

from pipeline.tfx_gaps.batched_reader import reading_in_batches
from pipeline.tfx_gaps.batched_writer import writing_features_in_batches


class Executor(executor.Executor):
    """The standard executor with another reader and writer."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """TFX's hook."""
        with reading_in_batches(), writing_features_in_batches():
            super().Do(input_dict, output_dict, exec_properties)


class Transform(component.Transform):
    """The standard component with that executor."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
