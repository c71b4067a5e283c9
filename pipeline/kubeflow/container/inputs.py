"""What an engine hands to a container, mended into what TFX's container code expects; JSON values in and out.

Nothing here imports TensorFlow or TFX, so that each repair is tested on its own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from modules.datasets import base as datasets
from modules.machine.packages import PackageError
from modules.registry import UnknownKindError

from pipeline.kubeflow.contract import bindings
from pipeline.kubeflow.contract.options import LAUNCHER_ROOT_VARIABLE, Options
from pipeline.kubeflow.contract.target import COPIED_SCHEMES, DATASET

ABSENT = "absent"  # as pipeline.components.marks has it
_URI = re.compile(r"^([a-z][a-z0-9+.-]*)://([^/]+)/?(.*)$")


def prepare(executor_input: dict[str, Any], inputs_spec: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """Mends an ExecutorInput in place.

    Args:
        executor_input: what the engine put in place of `{{$}}`.
        inputs_spec: the component's declared inputs.
        options: what the compiler said.

    Returns:
        The same mapping.
    """
    inputs = executor_input.setdefault("inputs", {})
    root = _volume_root(inputs, options)
    artifacts = inputs.get("artifacts", {})
    # A node that found nothing has an output all the same; TFX means an input that is not there.
    for key in [key for key, items in artifacts.items() if any(_absent(item) for item in items.get("artifacts", []))]:
        del artifacts[key]
    for key, items in artifacts.items():
        declared = inputs_spec.get("artifacts", {}).get(key, {}).get("artifactType", {})
        for item in items.get("artifacts", []):
            # Open-source Kubeflow leaves the schema out: TFX would see an artifact without span and splits.
            if "instanceSchema" not in item.get("type", {}) and declared:
                item["type"] = dict(declared)
            # TFX makes an id of the name, and writes it into blessings.
            item.setdefault("name", "")
            item["name"] = item["name"] or item.get("uri", "")
    for item in _all(inputs):
        item["uri"] = _inward(item.get("uri", ""), options)
    for item in _all(executor_input.get("outputs", {})):
        item["uri"] = _inward(item.get("uri", ""), options, root=root)
    _bind(inputs, options)
    return executor_input


def restore(executor_output: dict[str, Any], options: Options) -> dict[str, Any]:
    """Gives the artifacts of an ExecutorOutput the URIs that the engine knows, in place."""
    if options.copied:
        for item in _all(executor_output):
            item["uri"] = outward(item.get("uri", ""))
    return executor_output


def keep_metadata(executor_output: dict[str, Any], driven: Mapping[str, Any]) -> dict[str, Any]:
    """Adds what a driver found out about the outputs, such as their span, which TFX's executor code drops; in place.

    Args:
        executor_output: what the executor wrote.
        driven: what the driver had written to the same place; empty where the node has none.
    """
    for key, items in executor_output.get("artifacts", {}).items():
        theirs = driven.get("artifacts", {}).get(key, {}).get("artifacts", [])
        for item, other in zip(items.get("artifacts", []), theirs, strict=False):
            item["metadata"] = {**other.get("metadata", {}), **item.get("metadata", {})}
    return executor_output


def values_of(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a node by name: version 2.1 of the specification has plain values, 2.0 wraps each by type."""
    values = {name: _unwrapped(item) for name, item in inputs.get("parameters", {}).items()}
    return values | {name: _number(value) for name, value in inputs.get("parameterValues", {}).items()}


def local_path(uri: str) -> str:
    """Where Kubeflow's launcher keeps its copy of a URI, inside the container."""
    found = _URI.match(uri)
    if not found or found[1] not in COPIED_SCHEMES:
        return uri
    return f"{_launcher_root()}/{found[1]}/{found[2]}/{found[3]}".rstrip("/")


def outward(path: str) -> str:
    """The URI of such a copy."""
    for scheme in COPIED_SCHEMES:
        prefix = f"{_launcher_root()}/{scheme}/"
        if path.startswith(prefix):
            return f"{scheme}://{path.removeprefix(prefix)}"
    return path


def _launcher_root() -> str:
    return os.environ.get(LAUNCHER_ROOT_VARIABLE, "").rstrip("/")


def _volume_root(inputs: dict[str, Any], options: Options) -> str:
    """Takes the folder of a shared volume out of the parameters: TFX knows no such property of any node."""
    if not options.root_parameter:
        return ""
    given = inputs.get("parameterValues", {})
    if not given.get(options.root_parameter):
        raise bindings.BindingError(f"the run has no parameter {options.root_parameter!r}")
    return str(given.pop(options.root_parameter)).rstrip("/")


def _inward(uri: str, options: Options, *, root: str = "") -> str:
    if options.copied:
        return local_path(uri)
    found = _URI.match(uri)
    if root and found:
        # The engine's own bucket is left empty; what comes after its name keeps runs and nodes apart.
        return f"{root}/{found[3]}"
    return uri


def _bind(inputs: dict[str, Any], options: Options) -> None:
    if not options.bindings:
        return
    plain, wrapped, values = inputs.get("parameterValues", {}), inputs.get("parameters", {}), values_of(inputs)
    names = {item.parameter for item in options.bindings}
    properties = {name: value for name, value in values.items() if name not in names}
    bindings.apply(properties, options.bindings, {name: _resolved(values[name]) for name in names & set(values)})
    if wrapped and not plain:
        bound = {item.prop for item in options.bindings}  # settings in JSON, and paths: strings all
        inputs["parameters"] = {
            name: {"stringValue": value} if name in bound else wrapped[name] for name, value in properties.items()
        }
    else:
        inputs["parameterValues"] = properties


def _resolved(value: Any) -> Any:
    """The file behind `dataset:NAME`, which the image brings along or the package index has."""
    if isinstance(value, str) and value.startswith(DATASET):
        try:
            return str(datasets.csv_file(value.removeprefix(DATASET)))
        except (UnknownKindError, PackageError) as error:
            raise bindings.BindingError(f"data={value}: {error}") from None
    return value


def _number(value: Any) -> Any:
    """JSON has one kind of number; a whole one is an integer to TFX."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _unwrapped(item: Mapping[str, Any]) -> Any:
    [(kind, value)] = item.items()
    return {"intValue": int, "doubleValue": float}.get(kind, str)(value)


def _absent(item: Mapping[str, Any]) -> bool:
    return bool(item.get("metadata", {}).get(ABSENT))


def _all(part: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for items in part.get("artifacts", {}).values():
        yield from items.get("artifacts", [])
