"""What only Kubernetes knows of a node: the second document of the file, Kubeflow's platform specification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.config.task import Config


def platform(config: Config, pipeline: Mapping[str, Any]) -> dict[str, Any]:
    """Volumes, secrets, node selectors and labels by executor.

    Args:
        config: with the platform section.
        pipeline: the specification that TFX compiled.

    Returns:
        A PlatformSpec as JSON values; empty where nothing is asked for.
    """
    executors = {}
    for name, component in pipeline["components"].items():
        if "container" not in pipeline["deploymentSpec"]["executors"][component["executorLabel"]]:
            continue
        settings = _settings(config, name)
        if settings:
            executors[component["executorLabel"]] = settings
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}} if executors else {}


def _settings(config: Config, name: str) -> dict[str, Any]:
    platform_config, node = config.platform, config.platform.node(name)
    found: dict[str, Any] = {}
    if node.node_selector:
        found["nodeSelector"] = {"labels": dict(node.node_selector)}
    if platform_config.volumes:
        found["pvcMount"] = [
            {
                "mountPath": volume.path,
                "constant": volume.claim,
                "pvcNameParameter": {"runtimeValue": {"constant": volume.claim}},
            }
            for volume in platform_config.volumes
        ]
    if platform_config.secrets:
        found["secretAsEnv"] = [
            {
                "secretName": secret.name,
                "secretNameParameter": {"runtimeValue": {"constant": secret.name}},
                "keyToEnv": [{"secretKey": secret.key, "envVar": secret.env}],
            }
            for secret in platform_config.secrets
        ]
    if platform_config.labels:
        found["podMetadata"] = {"labels": dict(platform_config.labels)}
    return found
