"""Settings that an engine cannot honour, each as one clear line before anything is compiled or submitted."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.config.platform import BEAM_NODES, BeamConfig, NodeConfig
from pipeline.config.task import Config
from pipeline.kubeflow.contract.target import DATASET, Target, scheme

_VERTEX_GPU = re.compile(r"^[A-Z][A-Z0-9_]+$")
# Nodes without a container: look-ups that Vertex AI does by itself, and importers.
_VERTEX_LOOKUPS = ("LatestBlessedModelResolver", "WarmStartResolver", "LatestHyperparametersResolver")
_KUBEFLOW_LOOKUPS = ("LatestHyperparametersResolver",)


def problems(config: Config, target: Target) -> list[str]:
    """Everything in the platform section that the target cannot do, one line each."""
    if target.engine == "vertex":
        special = _vertex(config, target)
        lookups: tuple[str, ...] = _VERTEX_LOOKUPS
    else:
        special = _kubeflow(config, target)
        lookups = _KUBEFLOW_LOOKUPS
    found = [*special, *_beam(config, target)]
    for name in lookups:
        node = config.platform.nodes.get(name)
        if node is not None and node != NodeConfig():
            found.append(f"platform.nodes.{name}: on {target.engine} this node has no container that could have it.")
    return found


def _vertex(config: Config, target: Target) -> Iterator[str]:
    platform = config.platform
    if platform.volumes:
        yield "platform.volumes: Vertex AI mounts no Kubernetes volumes; use gs://, or /gcs/BUCKET/… for files."
    if platform.secrets:
        yield "platform.secrets: Vertex AI knows no Kubernetes secrets; give the service account access instead."
    for where, node in _nodes(config):
        if node.node_selector:
            yield f"{where}.node_selector: Vertex AI has no nodes to select; set gpu, cpu and memory."
        if node.gpu and not _VERTEX_GPU.match(node.gpu.type):
            yield f"{where}.gpu.type: {node.gpu.type}: Vertex AI names accelerators like NVIDIA_TESLA_T4."
    for name in platform.nodes:
        merged = platform.node(name)
        if merged.gpu and not (merged.cpu and merged.memory):
            yield f"platform.nodes.{name}.gpu: Vertex AI finds a machine for a GPU only with cpu and memory beside it."
    registry = platform.vertex.registry
    if registry and registry.max_replicas < registry.min_replicas:
        yield "platform.vertex.registry: max_replicas is smaller than min_replicas."
    training = platform.vertex.training
    if training and training.parallel_trials > 1 and config.tuner.enabled and config.tuner.algorithm == "hyperband":
        yield (
            "platform.vertex.training.parallel_trials: Hyperband goes on from weights that another machine may hold; "
            "set it to 1, or tuner.algorithm to bayesian or random."
        )
    if training and target.schema_version == "2.0":
        yield "platform.vertex.training: needs --schema-version 2.1, whose parameters name project and region."


def _kubeflow(config: Config, target: Target) -> Iterator[str]:
    platform = config.platform
    if target.schema_version != "2.1":
        yield f"--schema-version {target.schema_version}: open-source Kubeflow Pipelines v2 reads 2.1 only."
    for name in ("training", "registry"):
        if getattr(platform.vertex, name):
            yield f"platform.vertex.{name}: Kubeflow Pipelines cannot honour it; unset it or use --engine vertex."
    for where, node in _nodes(config):
        if node.gpu and "/" not in node.gpu.type:
            yield f"{where}.gpu.type: {node.gpu.type}: Kubernetes names accelerators like nvidia.com/gpu."


def _beam(config: Config, target: Target) -> Iterator[str]:
    for name in BEAM_NODES:
        beam = config.platform.beam_of(name)
        if beam.runner == "direct":
            continue
        where = f"platform.nodes.{name}.beam" if config.platform.node(name).beam else f"platform.beam ({name})"
        if target.copied:
            yield (
                f"{where}: {beam.runner}: its workers cannot read {scheme(target.pipeline_root)}:// artifacts, which "
                "Kubeflow copies into the node's own container; use a gs:// pipeline root or a shared volume."
            )
        if name == "ExampleGen" and target.data.startswith(DATASET):
            yield f"{where}: {beam.runner}: its workers cannot read {target.data}; give --data gs://…."
        if name == "ExampleGen" and target.data.endswith(".sql"):
            yield f"{where}: {beam.runner}: its workers see no secret of the node; put the query with direct Beam."
        if beam.runner == "dataflow":
            yield from _dataflow(config, target, beam, where)


def _dataflow(config: Config, target: Target, beam: BeamConfig, where: str) -> Iterator[str]:
    if scheme(target.pipeline_root) != "gs":
        yield f"{where}: dataflow needs a gs:// pipeline root for its temporary files."
    for name in ("project", "region"):
        if not (beam.options.get(name) or getattr(config.platform.vertex, name)):
            yield f"{where}: dataflow needs options.{name} (or platform.vertex.{name})."


def _nodes(config: Config) -> Iterator[tuple[str, NodeConfig]]:
    yield "platform.defaults", config.platform.defaults
    for name, node in config.platform.nodes.items():
        yield f"platform.nodes.{name}", node
