"""Trainer and Tuner as jobs of Vertex AI Training: TFX's own executors, told what machines to take."""

from __future__ import annotations

from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

from tfx import v1 as tfx

from pipeline.config.platform import VertexTrainingConfig
from pipeline.graph.engines import VertexJob

_PLATFORM = tfx.extensions.google_cloud_ai_platform


def trainer_class(job: VertexJob | None) -> Any:
    """Trainer's component class."""
    return _PLATFORM.Trainer if job and job.training else tfx.components.Trainer


def tuner_class(job: VertexJob | None) -> Any:
    """Tuner's component class."""
    return _PLATFORM.Tuner if job and job.training else tfx.components.Tuner


def tune_args(job: VertexJob | None) -> dict[str, Any]:
    """Tuner's `tune_args`, where several machines search side by side."""
    if not (job and job.training and job.training.parallel_trials > 1):
        return {}
    return {"tune_args": tfx.proto.TuneArgs(num_parallel_trials=job.training.parallel_trials)}


def custom_config(job: VertexJob | None, *, search: bool) -> dict[str, Any]:
    """What a node's `custom_config` says to the executor that starts the job.

    Args:
        job: None adds nothing.
        search: True for Tuner.

    Returns:
        Keys of `tfx.extensions.google_cloud_ai_platform`; project and region are replaced by the run's parameters.
    """
    if not (job and job.training):
        return {}
    machines = job.training.parallel_trials if search else job.training.workers
    spec: dict[str, Any] = {"worker_pool_specs": _worker_pools(job.image, job.training, machines)}
    if job.service_account:
        spec["service_account"] = job.service_account
    if job.network:
        spec["network"] = job.network
    arguments: dict[str, Any] = {"project": job.project, "job_spec": spec}
    if job.encryption_key:
        arguments["encryption_spec"] = {"kms_key_name": job.encryption_key}
    key = "ai_platform_tuning_args" if search else "ai_platform_training_args"
    return {key: arguments, "ai_platform_enable_vertex": True, "ai_platform_vertex_region": job.region}


def _worker_pools(image: str, training: VertexTrainingConfig, machines: int) -> list[dict[str, Any]]:
    machine: dict[str, Any] = {"machine_type": training.machine_type}
    if training.gpu:
        machine |= {"accelerator_type": training.gpu.type, "accelerator_count": training.gpu.count}
    # The first pool is the chief; Vertex AI puts all other workers into the second one.
    sizes = [1, machines - 1] if machines > 1 else [1]
    return [
        {"machine_spec": dict(machine), "replica_count": size, "container_spec": {"image_uri": image}} for size in sizes
    ]
