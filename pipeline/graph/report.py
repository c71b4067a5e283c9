"""The last node of the graph: Reporter, which reads what all the others left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modules.report.settings import ReportedConfiguration, ReporterNodeSettings

from pipeline import nodes as table
from pipeline.components.reporter import Reporter
from pipeline.config.task import Config
from pipeline.graph import code_digest
from pipeline.graph.settings import common


def reporter(config: Config, nodes: Sequence[Any]) -> Reporter:
    """The node, connected to whatever there is of its inputs.

    Args:
        config: the task's configuration.
        nodes: all other nodes, in topological order.
    """
    by_id = {node.id: node for node in nodes}
    reported = table.reported()
    inputs = {key: by_id[node].outputs[output] for key, (node, output) in reported.items() if node in by_id}
    graph = [(node.id, _after(node)) for node in nodes]
    return Reporter(inputs, settings(config, [*graph, ("Reporter", sorted({node for node, _ in reported.values()}))]))


def settings(config: Config, graph: Sequence[tuple[str, Sequence[str]]]) -> ReporterNodeSettings:
    """What the report depends on beside its inputs.

    Args:
        config: the task's configuration. Of `platform`, which decides where nodes run, the report says nothing.
        graph: pairs of a node's id and the ids that it comes after.
    """
    known = {name for name, _ in graph}
    return ReporterNodeSettings(
        task=config.task,
        target=config.target,
        slices=config.data.columns.slices,
        inputs=config.inputs,
        config=ReportedConfiguration.model_validate(config.model_dump(mode="json", exclude={"platform"})),
        graph=[(name, [other for other in after if other in known]) for name, after in graph],
        digests={
            "configuration": config.digest_of(*(name for name in type(config).model_fields if name != "platform")),
            "training code": code_digest.of(config, "Trainer"),
        },
        **common(config, "Reporter"),
    )


def _after(node: Any) -> list[str]:
    """The nodes whose outputs a node takes, and those that it only waits for; look-ups of earlier runs do not count."""
    found = {other.id for other in node.upstream_nodes}
    return sorted(found.union(*(taken.get_data_dependent_node_ids() for taken in node.inputs.values())))
