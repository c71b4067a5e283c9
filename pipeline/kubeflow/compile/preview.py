"""What `compile --dry-run` shows: nodes with what they get, and the parameters that stay open. Needs no TFX."""

from __future__ import annotations

from pipeline.config.platform import BEAM_NODES, NODES, NodeConfig
from pipeline.config.task import Config
from pipeline.kubeflow.compile.parameters import parameters
from pipeline.kubeflow.contract.target import Target


def nodes(config: Config, target: Target) -> list[str]:
    """The nodes of a configuration on an engine, in the order of the diagram."""
    missing = {
        "LatestHyperparametersResolver": config.tuner.reuse != "latest",
        "Tuner": config.tuner.reuse == "latest" or not config.tuner.enabled,
        "PreviousStatisticsResolver": not config.data.has_spans,
        "ServingExampleGen": not config.data.serving_logs,
        "ServingStatisticsGen": not config.data.serving_logs,
        "WarmStartResolver": not config.warm_starts,
        "RegistryPusher": target.engine != "vertex" or config.platform.vertex.registry is None,
    }
    return [name for name in NODES if not missing.get(name, False)]


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
        f"Beam: {config.platform.beam_of(name).runner}" if name in BEAM_NODES else "",
        f"{node.retries} retries" if node.retries else "",
    ]
    return ", ".join(item for item in shown if item)
