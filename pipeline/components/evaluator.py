"""Evaluator that also looks at the gaps between slices, and keeps the answer to every row.

TFMA's metrics and bounds come first, as with the standard component. Then the model answers the rows of the split once
more: the answers stay beside the metrics, since intervals, comparisons of runs and model cards need them row by row,
and the gaps between slices are measured on them. Where a gap misses its bound the blessing is taken back before the
node ends, so that nothing behind it ever sees one.
"""

from __future__ import annotations

import os
from typing import Any

from modules.artifact_files import FAIRNESS_FILE, PREDICTIONS_FILE  # and settles Keras 2 before TFX
from modules.quality.settings import FairnessSettings
from modules.rows.settings import Columns
from modules.settings import NodeSettings
from modules.targets.kinds import TargetSection
from modules.tensors import ColumnType

from tfx import types  # isort: skip
from tfx.components.evaluator import constants, executor
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.dsl.io import fileio
from tfx.types import component_spec, standard_artifacts, standard_component_specs
from tfx.utils import io_utils, json_utils

from pipeline.components import artifacts

BLESSING, EVALUATION, EXAMPLES, MODEL, SETTINGS = "blessing", "evaluation", "examples", "model", "settings"


class EvaluatorNodeSettings(NodeSettings):
    """What Evaluator is told, besides TFMA's configuration."""

    columns: Columns
    """Which column is what."""
    target: TargetSection
    """What is predicted."""
    others: dict[str, ColumnType] = {}
    """Columns of further inputs, by name."""
    fairness: FairnessSettings
    """Gaps between slices; without bounds where they do not gate."""
    gated: bool
    """Whether a gap can take the blessing back."""


class Executor(executor.Executor):
    """Evaluates as the standard executor does, predicts the split, and takes the blessing back where a gap is wide."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """TFX's hook."""
        super().Do(input_dict, output_dict, exec_properties)
        # Late: a graph that is only compiled must not wait for TensorFlow.
        from modules.machine.progress import tell
        from modules.quality import fairness, predictions, scoring

        settings = EvaluatorNodeSettings.from_json(exec_properties[SETTINGS])
        [split] = json_utils.loads(exec_properties[standard_component_specs.EXAMPLE_SPLITS_KEY])
        judge, folder = scoring.of(settings.target), artifacts.single(output_dict, EVALUATION).uri
        found = _predict(split, settings, judge, input_dict)
        predictions.write(os.path.join(folder, PREDICTIONS_FILE), {split: found}, settings.target.names)
        measured = judge.gaps(found.label, found.predicted, found.slices, settings.fairness)
        missed = fairness.missed(measured, settings.fairness.bounds) if settings.gated else []
        artifacts.write_json(os.path.join(folder, FAIRNESS_FILE), {**measured, "missed": missed})
        if missed:
            tell("not blessed: a gap between slices is too wide", missed=[item["message"] for item in missed])
            take_back(artifacts.single(output_dict, BLESSING))


def take_back(blessing: types.Artifact) -> None:
    """Turns a blessing into a refusal, in its file and in its property, as TFX would have written it."""
    blessed = os.path.join(blessing.uri, constants.BLESSED_FILE_NAME)
    if fileio.exists(blessed):
        fileio.remove(blessed)
    io_utils.write_string_file(os.path.join(blessing.uri, constants.NOT_BLESSED_FILE_NAME), "")
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, constants.NOT_BLESSED_VALUE)


def _predict(split: str, settings: EvaluatorNodeSettings, judge: Any, input_dict: artifacts.Artifacts) -> Any:
    from modules.quality import predictions
    from modules.rows.raw import read_raw_split

    rows = read_raw_split(
        [artifacts.split_pattern(examples, split) for examples in input_dict[EXAMPLES]],
        **settings.columns.model_dump(exclude={"label"}),
        target=settings.target,
        others=settings.others,
    )
    serving = artifacts.serving_folder(artifacts.single(input_dict, MODEL))
    return predictions.predict_split(predictions.served(serving), rows, judge.answered, name=split)


class EvaluatorSpec(standard_component_specs.EvaluatorSpec):
    """The standard one with one more property."""

    PARAMETERS = {
        **standard_component_specs.EvaluatorSpec.PARAMETERS,
        SETTINGS: component_spec.ExecutionParameter(type=str),
    }


class Evaluator(base_beam_component.BaseBeamComponent):
    """The standard component with the executor that looks at gaps, for one split."""

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        eval_config: Any,
        split: str,
        settings: EvaluatorNodeSettings,
        baseline_model: types.BaseChannel | None = None,
    ) -> None:
        """Wires the node.

        Args:
            examples: ExampleGen's output.
            model: Trainer's model.
            eval_config: TFMA's configuration, a `tfma.EvalConfig`.
            split: the split to evaluate on.
            settings: what the look at the gaps depends on.
            baseline_model: what the model is compared with.
        """
        super().__init__(
            EvaluatorSpec(
                examples=examples,
                model=model,
                baseline_model=baseline_model,
                eval_config=eval_config,
                example_splits=json_utils.dumps([split]),
                fairness_indicator_thresholds=json_utils.dumps(None),
                settings=settings.to_json(),
                evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
                blessing=types.Channel(type=standard_artifacts.ModelBlessing),
            )
        )
