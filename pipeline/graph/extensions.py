"""The nodes that a configuration's extensions bring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.config.task import Config
from pipeline.node import builders


def extension_nodes(config: Config, nodes: Sequence[Any]) -> list[Any]:
    """Builds them, each on the outputs of all before it.

    Args:
        config: the task's configuration.
        nodes: those of the pipeline itself, but for Reporter.
    """
    outputs = {node.id: node.outputs for node in nodes}
    added = []
    for name, build in builders(config).items():
        node = build(config, outputs).with_id(name)
        outputs[name] = node.outputs
        added.append(node)
    return added
