"""What TFX's compiler leaves out of a specification: open parameters, resources, retries, caching, narrow look-ups."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from pipeline import nodes
from pipeline.config.platform import NodeConfig
from pipeline.config.task import Config
from pipeline.kubeflow.contract import options as container_options
from pipeline.kubeflow.contract.bindings import Binding, apply
from pipeline.kubeflow.contract.options import ROOT_PARAMETER
from pipeline.kubeflow.contract.parameter import INTEGER, NUMBER, STRING, Parameter
from pipeline.kubeflow.contract.specification import Specification
from pipeline.kubeflow.contract.target import Target, scheme
from pipeline.kubeflow.orchestrators.base import Orchestrator, orchestrator

# Version 2.0 of the specification has other names for the types.
_LEGACY = {STRING: "STRING", INTEGER: "INT", NUMBER: "DOUBLE"}
_BYTES = {"": 1, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def finish(specification: Specification, config: Config, target: Target, parameters: Sequence[Parameter]) -> None:
    """Completes a specification in place.

    Args:
        specification: as TFX compiled it.
        config: with the platform section.
        target: where it shall run.
        parameters: what stays open.
    """
    engine = orchestrator(target.engine)
    if scheme(target.pipeline_root):
        specification.pipeline["defaultPipelineRoot"] = target.pipeline_root
    _declare(specification, parameters, target)
    for name in specification.tasks:
        bound = _bind(specification, name, parameters, target)
        executor = specification.executor(name)
        node = config.platform.node(name)
        if "container" in executor:
            for parameter in parameters:
                if parameter.name == ROOT_PARAMETER:
                    _hand_over(specification, name, parameter, target)
            _entry_point(executor["container"], bound, target, engine)
            _resources(executor["container"], node)
        _policies(specification.tasks[name], executor, name, config, engine)
    if "resolver" not in engine.lacks:
        _narrow_lookups(specification)


def _declare(specification: Specification, parameters: Sequence[Parameter], target: Target) -> None:
    declared = specification.pipeline["root"].setdefault("inputDefinitions", {}).setdefault("parameters", {})
    for item in parameters:
        if target.schema_version == "2.0":
            declared[item.name] = {"type": _LEGACY[item.kind]}
        else:
            declared[item.name] = {"parameterType": item.kind, "defaultValue": item.default, "description": item.help}


def _bind(specification: Specification, name: str, parameters: Sequence[Parameter], target: Target) -> list[Binding]:
    """Hands a node the parameters that decide something in it."""
    task = specification.tasks[name]
    given = task.setdefault("inputs", {}).setdefault("parameters", {})
    constants = {
        key: _constant(item["runtimeValue"])
        for key, item in given.items()
        if "constant" in str(item.get("runtimeValue"))
    }
    bound = []
    for parameter in parameters:
        for place in parameter.places.get(name, ()):
            binding = place if isinstance(place, Binding) else place(constants)
            if binding.pointer:
                # A wrong place is found now, not when the container starts.
                apply(dict(constants), [binding], {parameter.name: parameter.default})
            bound.append(binding)
            if "importer" in specification.executor(name):
                # An importer has no code of ours: its one property takes the parameter itself.
                given[binding.prop] = {"componentInputParameter": parameter.name}
                specification.executor(name)["importer"]["artifactUri"] = {"runtimeParameter": binding.prop}
                continue
            _hand_over(specification, name, parameter, target)
    return bound


def _hand_over(specification: Specification, name: str, parameter: Parameter, target: Target) -> None:
    """Makes a parameter of the run an input of a node."""
    given = specification.tasks[name].setdefault("inputs", {}).setdefault("parameters", {})
    given[parameter.name] = {"componentInputParameter": parameter.name}
    definitions = specification.component(name).setdefault("inputDefinitions", {}).setdefault("parameters", {})
    key = "type" if target.schema_version == "2.0" else "parameterType"
    definitions[parameter.name] = {key: _LEGACY[parameter.kind] if key == "type" else parameter.kind}


def _constant(value: dict[str, Any]) -> Any:
    if "constant" in value:
        return value["constant"]
    return next(iter(value["constantValue"].values()))


def _entry_point(container: dict[str, Any], bound: list[Binding], target: Target, engine: Orchestrator) -> None:
    options = container_options.Options(
        bindings=bound,
        root_parameter=ROOT_PARAMETER if engine.volumes and target.on_volume else "",
        copied=target.copied,
        drive=not engine.runs_hooks and "lifecycle" in container,
    )
    container["command"] = list(container_options.COMMAND)
    container["args"] = [*options.to_args(), *container["args"]]
    if "lifecycle" not in container:
        return
    if not engine.runs_hooks:  # it would ignore the hook; the entry point does its work
        del container["lifecycle"]
        return
    hook = container["lifecycle"]["preCacheCheck"]
    hook["command"] = [*container_options.COMMAND, container_options.DRIVE]
    hook["args"] = [*options.to_args(), *hook["args"]]


def _resources(container: dict[str, Any], node: NodeConfig) -> None:
    """Written in both forms, as the KFP SDK does: older engines read the numbers, newer ones the strings."""
    resources: dict[str, Any] = {}
    if node.cpu:
        text = f"{node.cpu:g}"
        resources |= {"cpuLimit": node.cpu, "cpuRequest": node.cpu}
        resources |= {"resourceCpuLimit": text, "resourceCpuRequest": text}
    if node.memory:
        amount = _gigabytes(node.memory)
        resources |= {"memoryLimit": amount, "memoryRequest": amount}
        resources |= {"resourceMemoryLimit": node.memory, "resourceMemoryRequest": node.memory}
    if node.gpu:
        count = str(node.gpu.count)
        resources["accelerator"] = {
            "type": node.gpu.type, "count": count, "resourceType": node.gpu.type, "resourceCount": count,
        }  # fmt: skip
    if resources:
        container["resources"] = resources


def _gigabytes(quantity: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)([A-Za-z]*)", quantity).groups()  # type: ignore[union-attr]
    return float(number) * _BYTES[unit] / 1e9


def _policies(task: dict[str, Any], executor: dict[str, Any], name: str, config: Config, engine: Orchestrator) -> None:
    node, own, row = config.platform.node(name), config.platform.nodes.get(name), nodes.rows().get(name)
    # TFX splits a query into tasks with longer names, which have no row; its answer changes while its inputs do not.
    query = "resolver" in executor
    cached = bool(node.cache) and not query and (row is None or row.cached)
    if row and row.reads_outside and not engine.runs_hooks and not (own and own.cache):
        # Its cache key would hold the file's name only, and a changed file would never be read.
        cached = False
    task["cachingOptions"] = {"enableCache": True} if cached else {}
    if node.retries:
        task["retryPolicy"] = {
            "maxRetryCount": node.retries, "backoffDuration": "10s", "backoffFactor": 2.0,
            "backoffMaxDuration": "600s",
        }  # fmt: skip


def _narrow_lookups(specification: Specification) -> None:
    """Lets Vertex AI's queries see this pipeline's server models only.

    TFX's queries go by type alone: they would find the blessing of a bundle, or another task's model.
    """
    name, rows = specification.name, nodes.rows()
    executors = specification.pipeline["deploymentSpec"]["executors"].values()
    resolvers = [executor["resolver"] for executor in executors if "resolver" in executor]
    queries = [item for resolver in resolvers for item in resolver.get("outputArtifactQueries", {}).values()]
    for task in specification.tasks:
        for output, tag in rows[task].found_by.items() if task in rows else ():
            artifact = specification.component(task)["outputDefinitions"]["artifacts"][output]
            artifact.setdefault("metadata", {})[tag] = name
    for row in rows.values():
        for output, tag in row.found_by.items():
            for item in queries:
                if f'schema_title="tfx.{row.outputs[output]}"' in item["filter"]:
                    item["filter"] += f' AND metadata.{tag}.string_value="{name}"'


def normalised(specification: Specification) -> Specification:
    """A copy that shares nothing with the original; what YAML and JSON cannot hold would fail here."""
    return Specification(json.loads(json.dumps(specification.pipeline)), json.loads(json.dumps(specification.platform)))
