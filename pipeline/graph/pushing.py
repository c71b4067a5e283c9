"""Where a blessed model goes: a push folder, and Vertex AI's Model Registry."""

from __future__ import annotations

from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

from tfx import v1 as tfx

from pipeline.components.pusher import Pusher, PusherNodeSettings
from pipeline.components.registry_pusher import RegistryPusher, RegistryPusherNodeSettings
from pipeline.config.task import Config
from pipeline.graph.engines import VertexJob
from pipeline.graph.settings import common


def server(config: Config, push_folder: str, model: Any, evaluator: Any, card: Any) -> Pusher:
    """The node that pushes the SavedModel.

    Args:
        config: the task's configuration.
        push_folder: where server models are pushed.
        model: Trainer's model.
        evaluator: the node that blessed it.
        card: the node that wrote its card.
    """
    return Pusher(
        model=model,
        model_blessing=evaluator.outputs["blessing"],
        model_card=card.outputs["card"],
        push_destination=folder(push_folder),
        settings=PusherNodeSettings(
            keep_versions=config.pusher.keep_versions,
            stated=config.digest_of("card"),
            **common(config, "Pusher"),
        ),
    )


def registry(config: Config, model: Any, evaluator: Any, job: VertexJob | None) -> list[RegistryPusher]:
    """The node that pushes to the Model Registry, if any.

    Args:
        config: the task's configuration.
        model: Trainer's model.
        evaluator: the node that blessed it.
        job: Vertex AI's settings.
    """
    if not (job and job.registry):
        return []
    settings = RegistryPusherNodeSettings(
        name=f"edgeline-{config.task}",
        project=job.project,
        region=job.region,
        encryption_key=job.encryption_key,
        registry=job.registry,
        **common(config, "RegistryPusher"),
    )
    return [RegistryPusher(model=model, model_blessing=evaluator.outputs["blessing"], settings=settings)]


def folder(path: str) -> tfx.proto.PushDestination:
    """A push folder, as TFX's Pusher wants it."""
    return tfx.proto.PushDestination(filesystem=tfx.proto.PushDestination.Filesystem(base_directory=path))
