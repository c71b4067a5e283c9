"""Evaluator that also looks at gaps between slices and at the baseline, and keeps the answer to every row.

TFMA's metrics and bounds come first, as with the standard component. Then the model answers the rows of the split once
more: the answers stay beside the metrics, since intervals, comparisons of runs and model cards need them row by row,
and the gaps between slices and the difference to the linear baseline are measured on them. Where one of these misses
its bound the blessing is taken back before the node ends, so that nothing behind it ever sees one.
"""

from __future__ import annotations

import copy
import json
import os
from typing import Any, Literal

from modules.artifact_files import (  # and settles Keras 2 before TFX
    BASELINE_FILE,
    BEATS_BASELINE_FILE,
    BEATS_SERVED_FILE,
    FAIRNESS_FILE,
    PREDICTIONS_FILE,
    SHARED_LABELS_FILE,
)
from modules.quality import shared_labels
from modules.quality.settings import BeatsBaseline, BeatsServed, Bound, FairnessSettings, OtherLabels
from modules.quality.tfma import config as tfma_config
from modules.rows.settings import Columns
from modules.settings import NodeSettings
from modules.targets.kinds import TargetSection
from modules.tensors import ColumnType

from tfx import types  # isort: skip
from tfx.components.evaluator import constants, executor
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs
from tfx.utils import io_utils, json_utils, proto_utils

from pipeline.components import artifacts, model_labels

BLESSING, EVALUATION, EXAMPLES, MODEL, SETTINGS = "blessing", "evaluation", "examples", "model", "settings"
BASELINE, PREVIOUS = "baseline_evaluation", standard_component_specs.BASELINE_MODEL_KEY
_Inputs = dict[str, list[types.Artifact]]


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
    beats_baseline: BeatsBaseline | None = None
    """How the model is compared with the linear baseline; None where it is not."""
    beats_served: BeatsServed | None = None
    """How the model is compared with the one that was blessed last; None where it is not."""
    gated: bool
    """Whether a gap, or the baseline, can take the blessing back."""
    other_labels: OtherLabels = "not_compared"
    """How the model is compared with a blessed one of other labels."""
    max_drops: dict[str, Bound] = {}
    """Of the bounds, those against such a model; where they are compared."""


class Executor(executor.Executor):
    """Evaluates as the standard executor does, predicts the split, and takes the blessing back where it must."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """TFX's hook."""
        settings = EvaluatorNodeSettings.from_json(exec_properties[SETTINGS])
        [split] = json_utils.loads(exec_properties[standard_component_specs.EXAMPLE_SPLITS_KEY])
        # TFMA compares label ids, so a model with other labels is not for it.
        compared_with = comparison(settings, input_dict)
        given = {key: value for key, value in input_dict.items() if key != PREVIOUS or compared_with == "whole"}
        exec_properties = {**exec_properties, **tfma_config.LOADING}
        super().Do(given, output_dict, exec_properties)
        # Late: a graph that is only compiled must not wait for TensorFlow.
        from modules.machine.progress import tell
        from modules.quality import fairness, predictions, scoring

        judge, folder = scoring.of(settings.target), artifacts.single(output_dict, EVALUATION).uri
        found = _predict(split, settings, judge, input_dict)
        predictions.write(os.path.join(folder, PREDICTIONS_FILE), {split: found}, settings.target.names)
        measured = judge.gaps(found.label, found.predicted, found.slices, settings.fairness)
        missed = fairness.missed(measured, settings.fairness.bounds) if settings.gated else []
        artifacts.write_json(os.path.join(folder, FAIRNESS_FILE), {**measured, "missed": missed})
        if missed:
            tell("not blessed: a gap between slices is too wide", missed=[item["message"] for item in missed])
        if settings.beats_baseline:
            compared = _against_baseline(split, found, judge, settings.beats_baseline, input_dict)
            artifacts.write_json(os.path.join(folder, BEATS_BASELINE_FILE), compared)
            if settings.gated and compared["missed"]:
                tell("not blessed: the linear baseline is better", **compared["difference"])
                missed += compared["missed"]
        if settings.beats_served and compared_with == "whole" and input_dict.get(PREVIOUS):
            compared = _against_served(split, found, judge, settings, input_dict)
            artifacts.write_json(os.path.join(folder, BEATS_SERVED_FILE), compared)
            if compared["missed"]:
                tell("not blessed: what is served is not beaten", **compared["difference"])
                missed += compared["missed"]
        if compared_with == "shared":
            compared = self._on_shared_labels(split, settings, input_dict, output_dict, exec_properties)
            artifacts.write_json(os.path.join(folder, SHARED_LABELS_FILE), compared)
            tell(f"compared {compared['told']}")
            missed += compared["missed"]
        if missed:
            take_back(artifacts.single(output_dict, BLESSING))

    def _on_shared_labels(
        self, split: str, settings: EvaluatorNodeSettings, inputs: _Inputs, outputs: _Inputs, properties: dict[str, Any]
    ) -> dict[str, Any]:
        """The standard evaluation once more, of both models and the rows cut down to the labels that both know."""
        from modules.serving import narrowed

        results = os.path.join(artifacts.single(outputs, EVALUATION).uri, os.path.splitext(SHARED_LABELS_FILE)[0])
        work = os.path.join(results, "work")
        previous = artifacts.single(inputs, PREVIOUS)
        ours, theirs = settings.target.names, model_labels.labels_of(previous.uri) or []
        target = settings.target.narrowed(shared_labels.shared(ours, theirs))
        if target is None:
            raise ValueError(f"a target of kind {settings.target.kind} has no labels of which some can be left out")
        cut = {EXAMPLES: _moved(inputs[EXAMPLES][0], os.path.join(work, EXAMPLES))}
        patterns = [artifacts.split_pattern(examples, split) for examples in inputs[EXAMPLES]]
        file = os.path.join(artifact_utils.get_split_uri([cut[EXAMPLES]], split), "rows.gz")
        of, rows = shared_labels.write_rows(patterns, file, target)
        for key, model, labels in ((MODEL, artifacts.single(inputs, MODEL), ours), (PREVIOUS, previous, theirs)):
            cut[key] = _moved(model, os.path.join(work, key))
            served = artifacts.serving_folder(model)
            narrowed.save(artifacts.serving_folder(cut[key]), served, labels=labels, target=target)
        evaluation, blessing = standard_artifacts.ModelEvaluation(), standard_artifacts.ModelBlessing()
        evaluation.uri, blessing.uri = results, os.path.join(work, BLESSING)
        config = tfma_config.eval_config(target, settings.columns.slices, settings.max_drops, gated=True)
        if any(rows.values()):
            super().Do(
                {key: [artifact] for key, artifact in cut.items()},
                {EVALUATION: [evaluation], BLESSING: [blessing]},
                {**properties, standard_component_specs.EVAL_CONFIG_KEY: proto_utils.proto_to_json(config)},
            )
        artifacts.remove(work)
        return shared_labels.found(
            results, target, ours=ours, theirs=theirs, of=of, rows=rows, bounded=list(settings.max_drops)
        )


def comparison(settings: EvaluatorNodeSettings, inputs: _Inputs) -> Literal["whole", "shared", "none"]:
    """How a new model is compared with the one before; not every look-up knows which labels that has.

    Args:
        settings: of the node.
        inputs: of the node.

    Returns:
        `whole`: on all rows, if there is one before; `shared`: on those of the labels that both know; `none`: other
        labels keep them apart, which is told.
    """
    given, ours = inputs.get(PREVIOUS) or [], settings.target.names
    theirs = model_labels.labels_of(given[0].uri) if given else None
    if theirs is None or theirs == ours:
        return "whole"
    if settings.other_labels == "shared" and shared_labels.shared(ours, theirs):
        return "shared"
    from modules.machine.progress import tell

    tell(f"not compared with {given[0].uri}: {model_labels.other_labels(theirs, ours)}")
    return "none"


def _moved(artifact: types.Artifact, uri: str) -> types.Artifact:
    """The same artifact with other content."""
    moved = copy.deepcopy(artifact)
    moved.uri = uri
    return moved


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


def _against_baseline(
    split: str, found: Any, judge: Any, bound: BeatsBaseline, input_dict: artifacts.Artifacts
) -> dict[str, Any]:
    from modules.quality import against_baseline, predictions

    folder = artifacts.single(input_dict, BASELINE).uri
    answers, labels = predictions.read(os.path.join(folder, PREDICTIONS_FILE))
    if labels != judge.target.names:
        raise ValueError(f"the linear baseline knows the labels {labels}, the model {judge.target.names}")
    with fileio.open(os.path.join(folder, BASELINE_FILE)) as stream:
        name = json.loads(stream.read())["model"]
    return against_baseline.measure(found, answers[split], judge, bound, name=name)


def _against_served(
    split: str, found: Any, judge: Any, settings: EvaluatorNodeSettings, input_dict: artifacts.Artifacts
) -> dict[str, Any]:
    """The model that was blessed last answers the same rows."""
    from modules.quality import against_baseline

    bound, previous = settings.beats_served, input_dict[PREVIOUS]
    assert bound is not None
    answers = _predict(split, settings, judge, {**input_dict, MODEL: previous})
    name = os.path.basename(previous[0].uri)
    return against_baseline.measure(found, answers, judge, bound, name=name, other=against_baseline.SERVED)


class EvaluatorSpec(standard_component_specs.EvaluatorSpec):
    """The standard one with one more property and one more input."""

    PARAMETERS = {
        **standard_component_specs.EvaluatorSpec.PARAMETERS,
        SETTINGS: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        **standard_component_specs.EvaluatorSpec.INPUTS,
        BASELINE: component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation, optional=True),
    }


class Evaluator(base_beam_component.BaseBeamComponent):
    """The standard component with the executor that looks at gaps and at the baseline, for one split."""

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
        baseline_evaluation: types.BaseChannel | None = None,
    ) -> None:
        """Wires the node.

        Args:
            examples: ExampleGen's output.
            model: Trainer's model.
            eval_config: TFMA's configuration, a `tfma.EvalConfig`.
            split: the split to evaluate on.
            settings: what the look at gaps and baseline depends on.
            baseline_model: the model that it is compared with by TFMA.
            baseline_evaluation: LinearBaseline's output; needed where `settings` asks for a comparison with it.
        """
        super().__init__(
            EvaluatorSpec(
                examples=examples,
                model=model,
                baseline_model=baseline_model,
                baseline_evaluation=baseline_evaluation,
                eval_config=eval_config,
                example_splits=json_utils.dumps([split]),
                fairness_indicator_thresholds=json_utils.dumps(None),
                settings=settings.to_json(),
                evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
                blessing=types.Channel(type=standard_artifacts.ModelBlessing),
            )
        )
