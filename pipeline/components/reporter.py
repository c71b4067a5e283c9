"""Reporter: what a run came to, as data and as one page to look at; the last node of the graph.

The page of a run on this machine is rendered again after the run, with the times and states of the nodes, from the
same `report.json`; on Kubeflow and Vertex AI the page of the node is the report.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

from modules.report.settings import ReporterNodeSettings

from tfx import types  # isort: skip
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import component_spec, standard_artifacts
from tfx.utils import io_utils

from pipeline import nodes
from pipeline.components import artifacts as edge_nodes

REPORT, SETTINGS, EXAMPLES, MODEL, BLESSING = "report", "settings", "examples", "model", "blessing"
_ERRORS_OF = "eval"  # nobody is to look at the rows of `test` and then change something
_PUSHED = {"pushed_model": "server", "pushed_bundle": "edge"}
_ROWS = nodes.rows()
_TYPES = {
    key: getattr(standard_artifacts, _ROWS[node].outputs[output]) for key, (node, output) in nodes.reported().items()
}


class Executor(base_executor.BaseExecutor):
    """Resolves artifacts to folders and calls `modules.report`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """TFX's hook."""
        self._log_startup(input_dict, output_dict, exec_properties)
        # Late: a graph that is only compiled must not wait for TensorFlow.
        from modules.report import render
        from modules.report.facts import gather

        settings = ReporterNodeSettings.from_json(exec_properties[SETTINGS])
        artifacts = found_artifacts({key: items[0] for key, items in input_dict.items() if items})
        gathered = {
            **gather.gather(artifacts, settings),
            "errors": _errors(artifacts, settings),
            "inputs": _inputs(artifacts, settings),
        }
        folder = edge_nodes.single(output_dict, REPORT).uri
        io_utils.write_string_file(os.path.join(folder, gather.REPORT_DATA), gather.dump(gathered))
        io_utils.write_string_file(os.path.join(folder, gather.REPORT_PAGE), render.render(gathered))


def found_artifacts(inputs: Mapping[str, types.Artifact]) -> Any:
    """The folders of a run's artifacts, as `modules.report.facts.gather` wants them.

    Args:
        inputs: the artifacts that there are, by the node's input keys.
    """
    from modules.report.facts.artifacts import Artifacts

    examples, blessing = inputs.get(EXAMPLES), inputs.get(BLESSING)
    folders = {field.name for field in dataclasses.fields(Artifacts)}
    return Artifacts(
        **{key: inputs[key].uri for key in _TYPES if key in inputs and key in folders},
        training=edge_nodes.training_folder(inputs[MODEL]) if MODEL in inputs else None,
        fingerprint=examples.get_string_custom_property("input_fingerprint") if examples else "",
        blessed=model_utils.is_model_blessed(blessing) if blessing else None,
        pushed={name: _push(inputs[key]) for key, name in _PUSHED.items() if key in inputs},
    )


def _push(artifact: types.Artifact) -> dict[str, str] | None:
    if artifact.get_int_custom_property("pushed") != 1:
        return None
    return {
        "version": artifact.get_string_custom_property("pushed_version"),
        "path": artifact.get_string_custom_property("pushed_destination"),
    }


def _errors(artifacts: Any, settings: ReporterNodeSettings) -> dict[str, Any] | None:
    """The worst errors with their reasons; they need the model itself."""
    from modules.report.facts.quality import stored_predictions

    config, worst = settings.config, settings.target.part("errors")
    answers = stored_predictions(artifacts).get(_ERRORS_OF)
    if worst is None or answers is None or artifacts.training is None or not config.reporter.errors:
        return None
    return worst(
        answers,
        settings.target.names,
        split=_ERRORS_OF,
        count=config.reporter.errors,
        inputs=settings.inputs,
        training=artifacts.training,
        examples=f"{artifacts.examples}/Split-{_ERRORS_OF}/*" if artifacts.examples else None,
        points=config.reporter.attribution_points,
    )


def _inputs(artifacts: Any, settings: ReporterNodeSettings) -> dict[str, Any] | None:
    """What each of several inputs is worth; it needs the model itself."""
    if len(settings.inputs) < 2 or artifacts.training is None or artifacts.examples is None:
        return None
    from modules.report.facts.inputs import worth

    return worth(settings, training=artifacts.training, examples=f"{artifacts.examples}/Split-{_ERRORS_OF}/*")


class ReporterSpec(component_spec.ComponentSpec):
    """Inputs, all of which may be missing, and the output."""

    PARAMETERS = {SETTINGS: component_spec.ExecutionParameter(type=str)}
    INPUTS = {key: component_spec.ChannelParameter(type=kind, optional=True) for key, kind in _TYPES.items()}
    OUTPUTS = {REPORT: component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation)}


class Reporter(base_component.BaseComponent):
    """Tells what the other nodes found."""

    SPEC_CLASS = ReporterSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, inputs: Mapping[str, types.BaseChannel], settings: ReporterNodeSettings) -> None:
        """Wires the node.

        Args:
            inputs: outputs of the other nodes by the keys of `ReporterSpec.INPUTS`; any of them may be left out.
            settings: what the report depends on.
        """
        super().__init__(
            ReporterSpec(
                **inputs,
                settings=settings.to_json(),
                report=types.Channel(type=standard_artifacts.ModelEvaluation),
            )
        )
