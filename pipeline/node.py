"""What there is to know of a node: the form of a row of `pipeline.nodes`, and how an extension adds one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from modules.inputs.kinds import INPUTS
from modules.kinds import modules_of
from modules.registry import Registry
from modules.targets.kinds import TARGETS

Condition = Callable[[Any, Any], bool]
"""Of the configuration, and of what Vertex AI's jobs need (`pipeline.graph.engines.VertexJob`, or None)."""


def _always(config: Any, job: Any) -> bool:
    return True


def brought(inputs: str, targets: str) -> tuple[str, ...]:
    """The modules that the kinds of inputs and of targets bring for some roles.

    Args:
        inputs: roles of an input, with spaces between them.
        targets: of a target, likewise.
    """
    return (*modules_of(INPUTS, *inputs.split()), *modules_of(TARGETS, *targets.split()))


def has_edge(config: Any, job: Any) -> bool:
    """Whether a bundle is made, too."""
    return bool(config.edge)


def has_spans(config: Any, job: Any) -> bool:
    """The condition that the rows are those of spans."""
    return bool(config.data.has_spans)


def trains_in_jobs(config: Any, job: Any) -> bool:
    """The condition that training runs in Vertex AI's own jobs."""
    return bool(job and job.training)


@dataclasses.dataclass(frozen=True)
class Told:
    """A JSON file of an artifact whose content becomes a key of `summary.json`.

    Attributes:
        output: of the node.
        file: path below the artifact.
    """

    output: str
    file: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Logs:
    """What TensorBoard shows of a node.

    Attributes:
        name: under which it is shown.
        output: of the node that holds them; empty where they lie beside its outputs.
        pattern: of the folders below the node's own, each a run of a search; needed without `output`.
    """

    name: str
    output: str = ""
    pattern: str = ""


@dataclasses.dataclass(frozen=True)
class Taken:
    """A place in a node's execution properties that a fact of the run decides.

    Attributes:
        prop: the execution property.
        pointer: where inside its JSON, as a JSON Pointer (RFC 6901); empty for the property itself.
        form: how a text is written, `{}` being the value.
        part: `folder` or `file` takes that part of a path.
        lookups: ways of looking up (`pipeline.graph.engines.Engine.lookups`) under which the node has it; empty where
            it does whenever it has a container.
        when: which configurations have it.
    """

    prop: str
    pointer: str = ""
    form: str = "{}"
    part: str = ""
    lookups: tuple[str, ...] = ()
    when: Condition = _always


@dataclasses.dataclass(frozen=True)
class Node:
    """What there is to know of a node without building it.

    Attributes:
        name: its id in every graph, store, configuration and report.
        component: `package.module:Class`.
        does: one line.
        inputs: by key, the `Node.output` that it takes, or several with ` | ` between them of which there is one; a
            look-up's are those of earlier runs.
        outputs: by key, the name of the type in `tfx.types.standard_artifacts`.
        code: modules whose code, imports and data files decide its result; empty where all of it is TFX's own.
        beam: whether it runs on Beam.
        cached: whether an earlier result may be taken; not that of a look-up, which changes while its inputs do not.
        gpu: whether it trains, so that a GPU makes it faster.
        reads_outside: whether it reads files that no artifact stands for. An orchestrator that ignores drivers knows
            their names only, and must not take a cached result.
        query: ways of looking up (`pipeline.graph.engines.Engine.lookups`) under which it is a query or an importer,
            without a container.
        found_by: by output, the property that an orchestrator's queries tell it by from other pipelines' artifacts.
        files: that it leaves, for other nodes or for a person.
        summary: by key of `summary.json`, what of it is told there.
        report: by key of Reporter's inputs, the output that the report is made of.
        logs: what TensorBoard shows of it.
        takes: by a fact of the run (`data`, `epochs`, `thresholds`, …), where it stands in the node's settings; what
            stays open in a compiled pipeline is written there (`pipeline.kubeflow.compile.parameters`).
        when: which configurations have it.
    """

    name: str
    component: str
    does: str
    inputs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    outputs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    code: tuple[str, ...] = ()
    beam: bool = False
    cached: bool = True
    gpu: bool = False
    reads_outside: bool = False
    query: tuple[str, ...] = ()
    found_by: Mapping[str, str] = dataclasses.field(default_factory=dict)
    files: tuple[str, ...] = ()
    summary: Mapping[str, Told] = dataclasses.field(default_factory=dict)
    report: Mapping[str, str] = dataclasses.field(default_factory=dict)
    logs: Logs | None = None
    takes: Mapping[str, tuple[Taken, ...]] = dataclasses.field(default_factory=dict)
    when: Condition = _always


Builder = Callable[[Any, Mapping[str, Mapping[str, Any]]], Any]
"""Of the configuration and of the outputs of all nodes before it, by node and key, makes the component."""

BUILDERS: Registry[Builder] = Registry("node", {})
ADDED: dict[str, Node] = {}
"""The rows of the nodes that loaded extensions bring, by name."""


def node(row: Node) -> Callable[[Builder], Builder]:
    """Decorates the function of an extension that builds a node; the node stands before Reporter.

    Args:
        row: the node's. Its `code` need not name the extension, which counts for every node.
    """

    def add(build: Builder) -> Builder:
        BUILDERS.register(row.name)(build)
        ADDED[row.name] = row
        return build

    return add


def builders(config: Any) -> dict[str, Builder]:
    """What builds the nodes that a configuration's extensions bring, by name.

    Args:
        config: the task's configuration; those that others brought into the same process are not its.
    """
    names = [f"{name}." for name in getattr(config, "extensions", [])]
    found = {name: BUILDERS[name] for name in ADDED}
    return {name: build for name, build in found.items() if f"{build.__module__}.".startswith(tuple(names))}
