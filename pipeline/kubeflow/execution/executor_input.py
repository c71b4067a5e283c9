"""What an engine hands to a task: inputs, parameters, places for outputs, and the command with all of it filled in."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from pipeline.kubeflow.container.inputs import local_path
from pipeline.kubeflow.contract.specification import Specification
from pipeline.kubeflow.execution.artifacts import Artifact

_PLACEHOLDER = re.compile(
    r"\{\{\$(?:\.(inputs|outputs)\.(parameters|artifacts)\['([^']+)'\](?:\.([\w.]+?))?(\['[^']+'\])?)?\}\}"
)


class MissingParameterError(ValueError):
    """A parameter has neither a value nor a default."""


@dataclasses.dataclass
class Results:
    """What tasks have produced so far.

    Attributes:
        artifacts: by task and output.
        parameters: by task and output.
    """

    artifacts: dict[str, dict[str, list[Artifact]]] = dataclasses.field(default_factory=dict)
    parameters: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)


def build(
    specification: Specification,
    task: str,
    results: Results,
    parameters: Mapping[str, Any],
    *,
    folder: str,
    output_file: str,
    typed: bool,
) -> dict[str, Any]:
    """The ExecutorInput of a task.

    Args:
        specification: the pipeline.
        task: its name.
        results: of the tasks before it.
        parameters: of the run.
        folder: URI below which its outputs go.
        output_file: where its container reports.
        typed: whether the engine tells the types of input artifacts.
    """
    given = specification.tasks[task].get("inputs", {})
    component = specification.component(task)
    inputs: dict[str, Any] = {"artifacts": {}}
    for key, item in given.get("artifacts", {}).items():
        source = item["taskOutputArtifact"]
        found = results.artifacts.get(source["producerTask"], {}).get(source["outputArtifactKey"], [])
        inputs["artifacts"][key] = {"artifacts": [artifact.runtime(typed=typed) for artifact in found]}
    # Version 2.0 of the specification wraps each value by its type, 2.1 does not.
    legacy = specification.pipeline.get("schemaVersion", "").startswith("2.0")
    declared = component.get("inputDefinitions", {}).get("parameters", {})
    values = {}
    for key, item in given.get("parameters", {}).items():
        values[key] = _parameter(key, item, results, parameters)
    for key, item in declared.items():
        if key not in values and "defaultValue" in item:
            values[key] = item["defaultValue"]
    if legacy:
        inputs["parameters"] = {key: _wrapped(value, declared.get(key, {})) for key, value in values.items()}
    else:
        inputs["parameterValues"] = {key: _plain(value) for key, value in values.items()}
    outputs = component.get("outputDefinitions", {})
    return {
        "inputs": inputs,
        "outputs": {
            "artifacts": {
                key: {
                    "artifacts": [
                        {"uri": f"{folder}/{key}", "type": item["artifactType"], "metadata": item.get("metadata", {})}
                    ]
                }
                for key, item in outputs.get("artifacts", {}).items()
            },
            "parameters": {key: {"outputFile": f"{output_file}.{key}"} for key in outputs.get("parameters", {})},
            "outputFile": output_file,
        },
    }


def fill_in(text: str, executor_input: Mapping[str, Any]) -> str:
    """Replaces the placeholders of a command's argument, or of a resolver's filter."""

    def value(found: re.Match[str]) -> str:
        side, kind, name, field, key = found.groups()
        if side is None:
            return json.dumps(executor_input)
        part = executor_input[side]
        if kind == "parameters":
            if side == "outputs":
                return str(part["parameters"][name]["outputFile"])
            plain = part.get("parameterValues", {})
            given = plain[name] if name in plain else next(iter(part["parameters"][name].values()))
            return given if isinstance(given, str) else json.dumps(given)
        [item] = part["artifacts"][name]["artifacts"]
        if field == "path":
            return local_path(item["uri"])
        if field == "metadata" and key:
            return str(item["metadata"][key[2:-2]])
        return str(item[field or "uri"])

    return _PLACEHOLDER.sub(value, text)


def _parameter(key: str, item: Mapping[str, Any], results: Results, parameters: Mapping[str, Any]) -> Any:
    if "componentInputParameter" in item:
        name = item["componentInputParameter"]
        if name not in parameters:
            raise MissingParameterError(
                f"the parameter {name} has neither a value nor a default; give --param {name}=…"
            )
        return parameters[name]
    if "taskOutputParameter" in item:
        source = item["taskOutputParameter"]
        return results.parameters[source["producerTask"]][source["outputParameterKey"]]
    value = item["runtimeValue"]
    return value["constant"] if "constant" in value else value["constantValue"]


def _plain(value: Any) -> Any:
    """Numbers are floats in the protocol, as a real engine hands them over."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _wrapped(value: Any, declared: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    kind = {"INT": "intValue", "DOUBLE": "doubleValue"}.get(declared.get("type", ""), "stringValue")
    return {kind: str(value) if kind != "doubleValue" else float(value)}
