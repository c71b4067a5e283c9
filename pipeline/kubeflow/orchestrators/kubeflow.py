"""Open-source Kubeflow Pipelines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.config.task import Config
from pipeline.kubeflow.contract.options import ROOT_PARAMETER
from pipeline.kubeflow.contract.parameter import STRING, Parameter
from pipeline.kubeflow.contract.target import Target
from pipeline.kubeflow.orchestrators import kubernetes
from pipeline.kubeflow.orchestrators.base import Orchestrator, nodes_of
from pipeline.kubeflow.submit import kubeflow
from pipeline.kubeflow.submit.base import Request, Run

# A name may have a domain in front of it.
_LABEL_NAME = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")


class Kubeflow(Orchestrator):
    """Runs no queries and ignores hooks; mounts volumes, and copies artifacts from and to S3 and MinIO."""

    name = "kubeflow"
    title = "open-source Kubeflow Pipelines"
    lookups = "pushed"
    lacks = {
        "resolver": f"{title} cannot run resolvers",
        "lifecycle": f"{title} ignores lifecycle hooks",
    }
    root_schemes = ("gs", "s3", "minio")
    volumes = True
    default_root = "minio://mlpipeline/v2/artifacts"
    typed = False
    cron_fields = 6
    labels_runs = False
    options = ("host", "namespace", "experiment", "token_file", "cookies_file", "ca_file")

    def mounts(self, config: Config) -> Sequence[str]:
        return [item.path for item in config.platform.volumes]

    def problems(self, config: Config, target: Target) -> Iterator[str]:
        platform = config.platform
        if target.schema_version != "2.1":
            yield f"--schema-version {target.schema_version}: open-source Kubeflow Pipelines v2 reads 2.1 only."
        for name in ("training", "registry"):
            if getattr(platform.vertex, name):
                yield f"platform.vertex.{name}: Kubeflow Pipelines cannot honour it; unset it or use --engine vertex."
        for name, value in platform.labels.items():
            if not (_LABEL_NAME.fullmatch(name) and _LABEL_VALUE.fullmatch(value)):
                yield f"platform.labels: {name}={value}: Kubernetes takes up to 63 letters, digits, dashes and dots."
        for where, node in nodes_of(config):
            if node.gpu and "/" not in node.gpu.type:
                yield f"{where}.gpu.type: {node.gpu.type}: Kubernetes names accelerators like nvidia.com/gpu."

    def request(self, config: Config, run: Run, options: Mapping[str, Any]) -> Request:
        return kubeflow.make(config, run, options)

    def parameters(self, config: Config, target: Target) -> list[Parameter]:
        if not target.on_volume:
            return []
        # Every container gets it, see `finishing`: it replaces no setting of a node.
        text = "Folder of all artifacts, on a shared volume."
        return [Parameter(ROOT_PARAMETER, STRING, target.pipeline_root, text, {})]

    def platform(self, config: Config, pipeline: Mapping[str, Any]) -> dict[str, Any]:
        return kubernetes.platform(config, pipeline)
