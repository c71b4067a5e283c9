"""What `compile --dry-run` shows: nodes with what they get, and the parameters that stay open. Needs no TFX."""

from __future__ import annotations

from pipeline import nodes as table
from pipeline.config.platform import NodeConfig
from pipeline.config.task import Config
from pipeline.kubeflow.compile.parameters import parameters
from pipeline.kubeflow.contract.target import Target
from pipeline.kubeflow.orchestrators.base import orchestrator


def nodes(config: Config, target: Target) -> list[str]:
    """The nodes of a configuration on an engine, in the order of the diagram."""
    return list(table.of(config, orchestrator(target.engine).job(config, target.image)))


def text(config: Config, target: Target) -> str:
    """The whole page."""
    lines = [
        f"edgeline-{config.task} for {target.engine}, specification {target.schema_version}",
        f"  image          {target.image}",
        f"  pipeline root  {target.pipeline_root}",
        f"  push root      {target.push_root}",
        "",
        "Nodes",
        *(f"  {name:<30} {_settings(config, name)}".rstrip() for name in nodes(config, target)),
        "",
        "Parameters (--param NAME=VALUE), with their defaults",
        *(f"  {item.name:<24} {item.default!s:<28} {item.help}" for item in parameters(config, target)),
    ]
    return "\n".join(lines)


def _settings(config: Config, name: str) -> str:
    node: NodeConfig = config.platform.node(name)
    shown = [
        f"{node.cpu:g} cores" if node.cpu else "",
        f"{node.memory} memory" if node.memory else "",
        f"{node.gpu.count} × {node.gpu.type}" if node.gpu else "",
        " ".join(f"{key}={value}" for key, value in node.node_selector.items()),
        f"Beam: {config.platform.beam_of(name).runner}" if name in table.beam_nodes() else "",
        f"{node.retries} retries" if node.retries else "",
    ]
    return ", ".join(item for item in shown if item)
