"""A pushed version as a service of KServe: the `InferenceService` that its controller scales, probes and rolls out.

The controller's own storage initializer brings the version into the container, where `edgeline-serving` serves it. A
new version is a new manifest: with `canary` the controller keeps the one before beside it.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Literal

import yaml
from pydantic import ValidationError

from pipeline.config.loader import ConfigError
from pipeline.config.platform import NodeConfig
from pipeline.config.task import Config
from pipeline.kubeflow.compile.checked_target import image_problem

# Where KServe's storage initializer puts what STORAGE_URI names, and the container's name that it looks for.
_MODELS, _CONTAINER = "/mnt/models", "kserve-container"
_PORT = 8080
_SCHEMES = ("pvc", "gs", "s3", "https", "http", "hdfs", "webhdfs")
_SECONDS = 30  # of a request; the server's own limit is the same
_NOTICE = 10  # after SIGTERM, until no router sends any more


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What the service shall be, beside what the configuration says.

    Attributes:
        image: with `edgeline-serving` in it, see docs/serving.md.
        uri: of the pushed version.
        kind: what was pushed there.
        canary: per cent of the requests that this version gets; None for all.
        least: replicas that always run; 0 lets the service sleep.
        most: replicas.
        concurrency: requests at a time that a replica is meant for.
        cpu: cores of a replica.
        memory: of a replica.
    """

    image: str
    uri: str
    kind: Literal["server", "edge"] = "server"
    canary: int | None = None
    least: int = 1
    most: int = 3
    concurrency: int = 8
    cpu: float = 2
    memory: str = "4Gi"


def manifest(config: Config, wanted: Wanted) -> dict[str, Any]:
    """The service as Kubernetes takes it.

    Args:
        config: of the task; of `platform` the volumes, the service account, the labels and the namespace count.
        wanted: the rest.

    Raises:
        ConfigError: the image or the URI cannot be used, or the replicas contradict each other.
    """
    uri = _uri(config, wanted.uri)
    checked(wanted)
    platform = config.platform
    name = config.task
    resources = {"cpu": f"{wanted.cpu:g}", "memory": wanted.memory}
    probe = {"periodSeconds": 5, "timeoutSeconds": 5}
    container = {
        "name": _CONTAINER,
        "image": wanted.image,
        "args": [
            f"--{wanted.kind}", f"{name}={_MODELS}", "--host", "0.0.0.0", "--port", str(_PORT),
            "--threads", str(max(1, int(wanted.cpu))), "--max-seconds", str(_SECONDS), "--notice", str(_NOTICE),
        ],
        "env": [{"name": "STORAGE_URI", "value": uri}],
        "ports": [{"containerPort": _PORT, "protocol": "TCP"}],
        "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": _PORT}, **probe},
        "livenessProbe": {"httpGet": {"path": "/v2/health/live", "port": _PORT}, **probe, "failureThreshold": 6},
        "resources": {"requests": resources, "limits": dict(resources)},
    }  # fmt: skip
    predictor: dict[str, Any] = {
        "minReplicas": wanted.least, "maxReplicas": wanted.most, "scaleMetric": "concurrency",
        "scaleTarget": wanted.concurrency, "timeout": _SECONDS + _NOTICE, "containers": [container],
    }  # fmt: skip
    if wanted.canary is not None:
        predictor["canaryTrafficPercent"] = wanted.canary
    if platform.service_account:
        predictor["serviceAccountName"] = platform.service_account
    metadata: dict[str, Any] = {"name": name, "labels": {"app.kubernetes.io/name": name, **platform.labels}}
    if platform.kubeflow.namespace:
        metadata["namespace"] = platform.kubeflow.namespace
    return {
        "apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": metadata,
        "spec": {"predictor": predictor},
    }  # fmt: skip


def checked(wanted: Wanted) -> None:
    """Looks at what every platform asks for.

    Raises:
        ConfigError: the image or the memory cannot be used, or the replicas contradict each other.
    """
    wrong = image_problem(wanted.image)
    if not wrong and wanted.least > wanted.most:
        wrong = f"--min-replicas {wanted.least}: more than --max-replicas {wanted.most}."
    if not wrong:
        try:
            NodeConfig(memory=wanted.memory)
        except ValidationError as error:
            wrong = f"--memory {wanted.memory}: {error.errors()[0]['msg'].removeprefix('Value error, ')}."
    if wrong:
        raise ConfigError(wrong)


def dump(service: dict[str, Any]) -> str:
    """The manifest as YAML."""
    return yaml.safe_dump(service, sort_keys=False, allow_unicode=True, width=120)


def _uri(config: Config, uri: str) -> str:
    """What the storage initializer takes: a path on a volume of the configuration is one on its claim."""
    schemes = tuple(f"{scheme}://" for scheme in _SCHEMES)
    if not uri.startswith(("/", *schemes)):
        raise ConfigError(f"--uri {uri}: give a path below platform.volumes, or {', '.join(schemes)}.")
    found = _on_claim(config, uri) if uri.startswith("/") else uri
    if not re.search(r"/[0-9]+/?$", uri):
        raise ConfigError(f"--uri {uri}: give one pushed version, …/<number>; the service stays with it.")
    return found


def _on_claim(config: Config, path: str) -> str:
    """The same on the claim of the innermost volume that is mounted above it."""
    above = [volume for volume in config.platform.volumes if path.startswith(f"{volume.path}/")]
    if not above:
        raise ConfigError(f"--uri {path}: no volume of platform.volumes is mounted there.")
    volume = max(above, key=lambda volume: len(volume.path))
    return f"pvc://{volume.claim}{path.removeprefix(volume.path)}"
