"""TFLiteConverter: every recipe of the configuration, applied to the student; one folder per variant."""

from __future__ import annotations

from typing import Any

from modules.artifact_files import VARIANTS_FILE
from modules.inputs import kinds
from modules.inputs.kinds import InputSections
from modules.settings import NodeSettings
from modules.targets.kinds import TargetSection
from modules.tflite.settings import ConverterSettings

from tfx import types  # isort: skip
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import component_spec, standard_artifacts

from pipeline.components import artifacts

EXAMPLES, MODEL, PRUNED, VARIANTS, SETTINGS = "transformed_examples", "model", "pruned_model", "variants", "settings"


class TFLiteConverterNodeSettings(NodeSettings):
    """What TFLiteConverter is told."""

    inputs: InputSections
    """What comes in, by name."""
    target: TargetSection
    """What is predicted."""
    converter: ConverterSettings
    """The recipes."""


class Executor(base_executor.BaseExecutor):
    """Resolves artifacts to paths and calls `modules.tflite.variants.convert_all`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """TFX's hook; an empty student gives an empty artifact that says why."""
        self._log_startup(input_dict, output_dict, exec_properties)
        output = artifacts.single(output_dict, VARIANTS)
        reason = artifacts.reason_to_skip(input_dict, model=PRUNED, blessing="")
        if reason:
            artifacts.skip(output, reason, VARIANTS_FILE)
            return
        # Late: a graph that is only compiled must not wait for TensorFlow.
        from modules.network.trained import load_trained
        from modules.rows.batches import load_split
        from modules.tflite.recipes import resolve
        from modules.tflite.variants import convert_all

        settings = TFLiteConverterNodeSettings.from_json(exec_properties[SETTINGS])
        converter, main = settings.converter, kinds.with_backbone(settings.inputs)
        whole = kinds.layout(settings.inputs)
        examples = artifacts.single(input_dict, EXAMPLES)
        train, evaluation = (
            load_split([artifacts.split_pattern(examples, name)], settings.inputs, settings.target)
            for name in ("train", "eval")
        )
        convert_all(
            load_trained(artifacts.training_folder(artifacts.single(input_dict, PRUNED))),
            load_trained(artifacts.training_folder(artifacts.single(input_dict, MODEL))),
            train,
            evaluation,
            resolve(converter.recipes, converter.custom_recipes),
            folder=output.uri,
            layout=whole.cut(main.sequence_length) if main else whole,
            windows=converter.windows,
            calibration_rows=converter.calibration_rows,
            parity_rows=converter.parity_rows,
            seed=converter.seed,
        )


class TFLiteConverterSpec(component_spec.ComponentSpec):
    """Inputs and outputs."""

    PARAMETERS = {SETTINGS: component_spec.ExecutionParameter(type=str)}
    INPUTS = {
        EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        MODEL: component_spec.ChannelParameter(type=standard_artifacts.Model),
        PRUNED: component_spec.ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS = {VARIANTS: component_spec.ChannelParameter(type=standard_artifacts.Model)}


class TFLiteConverter(base_component.BaseComponent):
    """Makes the variants."""

    SPEC_CLASS = TFLiteConverterSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        transformed_examples: types.BaseChannel,
        model: types.BaseChannel,
        pruned_model: types.BaseChannel,
        settings: TFLiteConverterNodeSettings,
    ) -> None:
        """Wires the node.

        Args:
            transformed_examples: Transform's output: `train` for calibration, `eval` for the parity report.
            model: Trainer's model, converted as it is in float32 as what everything is compared with.
            pruned_model: Pruner's student.
            settings: what the variants depend on.
        """
        super().__init__(
            TFLiteConverterSpec(
                transformed_examples=transformed_examples,
                model=model,
                pruned_model=pruned_model,
                settings=settings.to_json(),
                variants=types.Channel(type=standard_artifacts.Model),
            )
        )
