"""Vertex AI Pipelines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.config.task import Config
from pipeline.graph.engines import VertexJob
from pipeline.kubeflow.contract.parameter import STRING, Parameter, places
from pipeline.kubeflow.contract.specification import Specification
from pipeline.kubeflow.contract.target import Target
from pipeline.kubeflow.orchestrators.base import Orchestrator, nodes_of
from pipeline.kubeflow.submit import vertex
from pipeline.kubeflow.submit.base import Request, Run

_GPU = re.compile(r"^[A-Z][A-Z0-9_]+$")


class Vertex(Orchestrator):
    """Runs TFX's own queries and hooks; has jobs for training, and a model registry."""

    name = "vertex"
    title = "Vertex AI"
    lookups = "latest"
    root_schemes = ("gs",)
    cron_fields = 5
    options = ("project", "region", "network", "encryption_key")

    def mounts(self, config: Config) -> Sequence[str]:
        return ["/gcs"]

    def problems(self, config: Config, target: Target) -> Iterator[str]:
        platform = config.platform
        if platform.volumes:
            yield "platform.volumes: Vertex AI mounts no Kubernetes volumes; use gs://, or /gcs/BUCKET/… for files."
        if platform.secrets:
            yield "platform.secrets: Vertex AI knows no Kubernetes secrets; give the service account access instead."
        for where, node in nodes_of(config):
            if node.node_selector:
                yield f"{where}.node_selector: Vertex AI has no nodes to select; set gpu, cpu and memory."
            if node.gpu and not _GPU.match(node.gpu.type):
                yield f"{where}.gpu.type: {node.gpu.type}: Vertex AI names accelerators like NVIDIA_TESLA_T4."
        for name in platform.nodes:
            merged = platform.node(name)
            if merged.gpu and not (merged.cpu and merged.memory):
                where = f"platform.nodes.{name}.gpu"
                yield f"{where}: Vertex AI finds a machine for a GPU only with cpu and memory beside it."
        yield from self._jobs(config, target)

    def _jobs(self, config: Config, target: Target) -> Iterator[str]:
        registry, training = config.platform.vertex.registry, config.platform.vertex.training
        if registry and registry.max_replicas < registry.min_replicas:
            yield "platform.vertex.registry: max_replicas is smaller than min_replicas."
        searches = config.tuner.enabled and config.tuner.algorithm == "hyperband"
        if training and training.parallel_trials > 1 and searches:
            yield (
                "platform.vertex.training.parallel_trials: Hyperband goes on from weights that another machine may "
                "hold; set it to 1, or tuner.algorithm to bayesian or random."
            )
        if training and target.schema_version == "2.0":
            yield "platform.vertex.training: needs --schema-version 2.1, whose parameters name project and region."

    def request(self, config: Config, run: Run, options: Mapping[str, Any]) -> Request:
        return vertex.make(config, run, options)

    def job(self, config: Config, image: str) -> VertexJob | None:
        settings = config.platform.vertex
        if not (settings.training or settings.registry):
            return None
        return VertexJob(
            image=image,
            project=settings.project or "",
            region=settings.region or "",
            service_account=config.platform.service_account,
            network=settings.network,
            encryption_key=settings.encryption_key,
            training=settings.training,
            registry=settings.registry,
        )

    def parameters(self, config: Config, target: Target) -> list[Parameter]:
        job = self.job(config, target.image)
        if job is None:
            return []
        return [
            Parameter(
                name, STRING, getattr(job, name), f"The {name} of jobs and models.",
                places(name, name, config=config, lookups=self.lookups, job=job),
            )
            for name in ("project", "region")
        ]  # fmt: skip

    def compiled(self, specification: Specification) -> bool:
        executors = specification.pipeline["deploymentSpec"]["executors"].values()
        return any("resolver" in item or "lifecycle" in item.get("container", {}) for item in executors)
