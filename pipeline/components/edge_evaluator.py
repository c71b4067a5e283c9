"""EdgeEvaluator: runs every variant as a device would, blesses one or none, and hands it to Pusher."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from typing import Any

from modules.artifact_files import BUNDLE_FILE, PARETO_FILE, PROBES_FILE
from modules.device.settings import EdgeEvaluatorSettings
from modules.inputs import kinds
from modules.inputs.kinds import InputSections
from modules.rows.settings import Columns
from modules.settings import NodeSettings
from modules.targets.kinds import TargetSection

from tfx import types  # isort: skip
from tfx.components.evaluator import constants
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import component_spec, standard_artifacts
from tfx.utils import io_utils

from pipeline.components import artifacts

EXAMPLES, VARIANTS, MODEL = "examples", "variants", "model"
BLESSING, EVALUATION, BUNDLE, SETTINGS = "blessing", "evaluation", "bundle", "settings"


class EdgeEvaluatorNodeSettings(NodeSettings):
    """What EdgeEvaluator is told."""

    edge_evaluator: EdgeEvaluatorSettings
    """Gate, objective and measurement."""
    columns: Columns
    """What the rows have."""
    inputs: InputSections
    """What comes in, by name."""
    target: TargetSection
    """What is predicted."""
    task: str
    """Name of the task, for the manifest."""
    digests: dict[str, str] = {}
    """For the manifest, by what they are of."""


class Executor(base_executor.BaseExecutor):
    """Resolves artifacts to paths and calls `modules.device.measure`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """TFX's hook; without variants nothing is blessed and that is recorded."""
        self._log_startup(input_dict, output_dict, exec_properties)
        evaluation, bundle = artifacts.single(output_dict, EVALUATION), artifacts.single(output_dict, BUNDLE)
        variants = artifacts.single(input_dict, VARIANTS)
        reason = artifacts.reason_to_skip(input_dict, model=VARIANTS, blessing="")
        if reason:
            artifacts.skip(evaluation, reason, PARETO_FILE)
            artifacts.skip(bundle, reason, artifacts.SKIPPED + ".json")
            _bless(output_dict, input_dict, selected=None)
            return
        settings = EdgeEvaluatorNodeSettings.from_json(exec_properties[SETTINGS])
        with tempfile.TemporaryDirectory() as folder:
            result, selected, probes = _evaluate(settings, variants, input_dict, folder)
            artifacts.write_json(os.path.join(evaluation.uri, PARETO_FILE), result)
            if probes:
                io_utils.write_string_file(os.path.join(evaluation.uri, PROBES_FILE), probes)
            if selected:
                serving = artifacts.serving_folder(bundle)
                fileio.makedirs(serving)
                io_utils.copy_file(selected, os.path.join(serving, BUNDLE_FILE), overwrite=True)
                bundle.set_string_custom_property("recipe", result["selected"])
            else:
                artifacts.skip(bundle, "no variant passed the gate", artifacts.SKIPPED + ".json")
        _bless(output_dict, input_dict, selected=result["selected"])


def _evaluate(
    settings: EdgeEvaluatorNodeSettings, variants: types.Artifact, input_dict: artifacts.Artifacts, folder: str
) -> tuple[dict[str, Any], str | None, str]:
    """Measures, decides, measures the chosen one on `test`; the record, the path of the chosen bundle, its probes."""
    # Late: a graph that is only compiled must not wait for TensorFlow.
    from modules.device import measure, probes, verdict
    from modules.machine.progress import tell
    from modules.quality import scoring
    from modules.rows.raw import read_raw_split
    from modules.tflite.variants import FLOAT, REFERENCE, read_index

    from edgeline_edge import update_manifest

    section = settings.edge_evaluator
    examples, model = artifacts.single(input_dict, EXAMPLES), artifacts.single(input_dict, MODEL)
    index, judge = read_index(variants.uri), scoring.of(settings.target)

    def split(name: str) -> Any:
        return read_raw_split(
            [artifacts.split_pattern(examples, name)],
            **settings.columns.model_dump(exclude={"label"}),
            target=settings.target,
            others=kinds.table(settings.inputs),
        )

    provenance = measure.Provenance(task=settings.task, run_id=f"model {model.id}", digests=settings.digests)
    bundles = measure.make_bundles(variants.uri, folder, provenance, settings.inputs, settings.target)
    score = verdict.main_score(judge)
    results = measure.measure(
        bundles, index, split("eval"), judge, cost=section.latency, seed=section.seed, choose=True
    )
    selected, reasons = measure.decide(results, section.gate, section.objective)
    for name, values in results.items():
        values["selected"] = name == selected
        values["missed"] = reasons.get(name, [])
    result = {
        "selected": selected,
        "objective": section.objective,
        "gate": section.gate.model_dump(mode="json"),
        "variants": results,
        "pareto": verdict.pareto_names(results, judge),
        "score": dataclasses.asdict(score),
        "reference_float32_bytes": index["reference"]["float32_bytes"],
        "student": verdict.against_teacher(results[FLOAT], judge),
        "test": None,
    }
    if selected is None:
        tell("no variant passed the gate", **{name: "; ".join(why) for name, why in reasons.items()})
        return result, None, ""
    kept = {name: bundles[name] for name in dict.fromkeys((REFERENCE, FLOAT, selected))}
    rows = split("test")
    test = measure.measure(kept, index, rows, judge, cost=None)
    result["test"] = {"reference": test[REFERENCE], "selected": test[selected]}
    told = {key: test[selected][key] for key in ("rows", *judge.titles, score.drop, "slices")}
    update_manifest(bundles[selected], bundles[selected], metrics=told)
    tell(f"selected {selected}: {results[selected]['bytes']:,} bytes, {score.title} on test {told[score.name]:.4f}")
    return result, bundles[selected], probes.ask(bundles[selected], rows)


def _bless(output_dict: artifacts.Artifacts, input_dict: artifacts.Artifacts, *, selected: str | None) -> None:
    """Writes the blessing as TFX's own Evaluator does, so that Pusher and resolvers understand it."""
    blessing, candidate = artifacts.single(output_dict, BLESSING), artifacts.single(output_dict, BUNDLE)
    blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, candidate.uri)
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, candidate.id)
    if input_dict.get(MODEL):
        reference = artifacts.single(input_dict, MODEL)
        blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY, reference.uri)
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY, reference.id)
    name = constants.BLESSED_FILE_NAME if selected else constants.NOT_BLESSED_FILE_NAME
    io_utils.write_string_file(os.path.join(blessing.uri, name), "")
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(selected is not None))


class EdgeEvaluatorSpec(component_spec.ComponentSpec):
    """Inputs and outputs."""

    PARAMETERS = {SETTINGS: component_spec.ExecutionParameter(type=str)}
    INPUTS = {
        EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        VARIANTS: component_spec.ChannelParameter(type=standard_artifacts.Model),
        MODEL: component_spec.ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS = {
        BLESSING: component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
        EVALUATION: component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation),
        BUNDLE: component_spec.ChannelParameter(type=standard_artifacts.Model),
    }


class EdgeEvaluator(base_component.BaseComponent):
    """Decides what ships."""

    SPEC_CLASS = EdgeEvaluatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        variants: types.BaseChannel,
        model: types.BaseChannel,
        settings: EdgeEvaluatorNodeSettings,
    ) -> None:
        """Wires the node.

        Args:
            examples: ExampleGen's output, with the splits `eval` and `test`.
            variants: TFLiteConverter's output.
            model: Trainer's model; named in the blessing as the baseline.
            settings: what the choice depends on.
        """
        super().__init__(
            EdgeEvaluatorSpec(
                examples=examples,
                variants=variants,
                model=model,
                settings=settings.to_json(),
                blessing=types.Channel(type=standard_artifacts.ModelBlessing),
                evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
                bundle=types.Channel(type=standard_artifacts.Model),
            )
        )
