"""Pruner: a small student of the blessed model, trimmed, cut, distilled and pruned."""

from __future__ import annotations

import os
from typing import Any

from modules.artifact_files import PRUNING_FILE
from modules.inputs.kinds import InputSections
from modules.settings import NodeSettings
from modules.student.settings import PrunerSettings
from modules.targets.kinds import TargetSection

from tfx import types  # isort: skip
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import component_spec, standard_artifacts

from pipeline.components import artifacts

EXAMPLES, MODEL, BLESSING = "transformed_examples", "model", "model_blessing"
PRUNED, SETTINGS = "pruned_model", "settings"


class PrunerNodeSettings(NodeSettings):
    """What Pruner is told."""

    inputs: InputSections
    """What comes in, by name."""
    target: TargetSection
    """What is predicted."""
    pruner: PrunerSettings
    """The student."""


class Executor(base_executor.BaseExecutor):
    """Resolves artifacts to paths and calls `modules.student.compress.compress`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """TFX's hook; an unblessed model gives an empty artifact that says so."""
        self._log_startup(input_dict, output_dict, exec_properties)
        output = artifacts.single(output_dict, PRUNED)
        reason = artifacts.reason_to_skip(input_dict, model=MODEL, blessing=BLESSING)
        if reason:
            artifacts.skip(output, reason, PRUNING_FILE)
            return
        # Late: a graph that is only compiled must not wait for TensorFlow.
        from modules.machine import devices
        from modules.machine.progress import tell
        from modules.network.trained import load_trained, save_trained
        from modules.rows.batches import load_split
        from modules.serving.student import save_student
        from modules.student import distillation
        from modules.student.compress import compress, decided, describe

        settings = PrunerNodeSettings.from_json(exec_properties[SETTINGS])
        examples, model = artifacts.single(input_dict, EXAMPLES), artifacts.single(input_dict, MODEL)
        teacher = load_trained(artifacts.training_folder(model))
        splits = {
            name: load_split([artifacts.split_pattern(examples, name)], settings.inputs, settings.target)
            for name in ("train", "eval")
        }
        policy = devices.resolve_precision(settings.pruner.precision)
        backup = artifacts.work_folder(output, [settings.to_values(), examples.uri, model.uri, policy])
        compressed = compress(
            teacher,
            splits["train"],
            splits["eval"],
            settings.pruner,
            backup_dir=backup,
            policy=policy,
            strategy=devices.distribution_strategy(),
            inputs=settings.inputs,
        )
        student = compressed.trained
        save_trained(
            artifacts.training_folder(output),
            student.model,
            student.architecture,
            vocabulary=student.vocabulary,
            labels=student.labels,
        )
        target = decided(compressed, settings.target)
        save_student(student, artifacts.serving_folder(output), inputs=settings.inputs, target=target)
        artifacts.write_json(os.path.join(output.uri, PRUNING_FILE), compressed.record)
        artifacts.remove(backup)
        measure = distillation.of(settings.target.kind).measure
        scores = compressed.record[f"eval_{measure}"]
        tell(
            f"student: {describe(student.architecture)}; {measure} on eval {scores['student']:.4f}, "
            f"teacher {scores['teacher']:.4f}",
            **scores,
        )


class PrunerSpec(component_spec.ComponentSpec):
    """Inputs and outputs."""

    PARAMETERS = {SETTINGS: component_spec.ExecutionParameter(type=str)}
    INPUTS = {
        EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        MODEL: component_spec.ChannelParameter(type=standard_artifacts.Model),
        BLESSING: component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing, optional=True),
    }
    OUTPUTS = {PRUNED: component_spec.ChannelParameter(type=standard_artifacts.Model)}


class Pruner(base_component.BaseComponent):
    """Makes the student."""

    SPEC_CLASS = PrunerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        transformed_examples: types.BaseChannel,
        model: types.BaseChannel,
        settings: PrunerNodeSettings,
        model_blessing: types.BaseChannel | None = None,
    ) -> None:
        """Wires the node.

        Args:
            transformed_examples: Transform's output, with the splits `train` and `eval`.
            model: Trainer's model, the teacher.
            settings: what the student depends on.
            model_blessing: Evaluator's; without a blessing the output is empty and says so.
        """
        super().__init__(
            PrunerSpec(
                transformed_examples=transformed_examples,
                model=model,
                model_blessing=model_blessing,
                settings=settings.to_json(),
                pruned_model=types.Channel(type=standard_artifacts.Model),
            )
        )
