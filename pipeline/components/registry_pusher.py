"""RegistryPusher: registers a blessed model in Vertex AI's Model Registry, and deploys it where asked to.

TFX's own pusher for Vertex AI always deploys to an endpoint; a registry without one is what most teams start with.
"""

from __future__ import annotations

from typing import Any

from modules.settings import NodeSettings

from tfx import types
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx.utils import path_utils

from pipeline.components.pusher import content_of
from pipeline.config.model_registry import RegistryConfig

_CONTENT = "edgeline_content"  # a label of each version
_LONGEST_LABEL = 63  # characters, Google's bound

MODEL, BLESSING, PUSHED, SETTINGS = "model", "model_blessing", "pushed_model", "settings"


class RegistryPusherNodeSettings(NodeSettings):
    """What RegistryPusher is told."""

    name: str
    """Of the model in the registry."""
    project: str
    """The project that pays."""
    region: str
    """Where."""
    encryption_key: str | None
    """Customer-managed key."""
    registry: RegistryConfig
    """Container, endpoint and machines."""


class Executor(base_executor.BaseExecutor):
    """Uploads the serving folder as a new version of the model of that name."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """TFX's hook; without a blessing nothing is registered and that is recorded."""
        self._log_startup(input_dict, output_dict, exec_properties)
        pushed = artifact_utils.get_single_instance(output_dict[PUSHED])
        if not model_utils.is_model_blessed(artifact_utils.get_single_instance(input_dict[BLESSING])):
            pushed.set_int_custom_property("pushed", 0)
            return
        model = artifact_utils.get_single_instance(input_dict[MODEL])
        name = register(
            path_utils.serving_model_dir(model.uri), RegistryPusherNodeSettings.from_json(exec_properties[SETTINGS])
        )
        pushed.set_int_custom_property("pushed", 1)
        pushed.set_string_custom_property("registered", name)


def register(serving_folder: str, settings: RegistryPusherNodeSettings) -> str:
    """Registers one model version, unless the same content is registered already.

    Args:
        serving_folder: the SavedModel, in a bucket.
        settings: where to, and on what machines.

    Returns:
        The version's resource name.
    """
    from google.cloud import aiplatform  # late: two seconds, and only this node needs it

    registry = settings.registry
    aiplatform.init(
        project=settings.project,
        location=settings.region,
        encryption_spec_key_name=settings.encryption_key,
    )
    content = content_of(serving_folder)[:_LONGEST_LABEL]
    known = aiplatform.Model.list(filter=f'display_name="{settings.name}"')
    version = _registered(known[0], content) if known else None
    if version is None:
        version = aiplatform.Model.upload(
            display_name=settings.name,
            artifact_uri=serving_folder,
            serving_container_image_uri=registry.serving_image,
            parent_model=known[0].resource_name if known else None,
            is_default_version=True,
            labels={_CONTENT: content},
        )
    if registry.endpoint:
        endpoint = aiplatform.Endpoint(registry.endpoint)
        serving = {f"{item.model.partition('@')[0]}@{item.model_version_id}" for item in endpoint.list_models()}
        if version.versioned_resource_name not in serving:
            # All traffic moves in one step; the version before stays in the registry to go back to.
            endpoint.deploy(
                model=version,
                machine_type=registry.machine_type,
                min_replica_count=registry.min_replicas,
                max_replica_count=registry.max_replicas,
                traffic_percentage=100,
            )
    return str(version.versioned_resource_name)


def _registered(model: Any, content: str) -> Any | None:
    """The version of a registered model that has this content."""
    versions = model.versioning_registry
    found = versions.list_versions(filter=f'labels.{_CONTENT}="{content}"')
    return versions.get_model(version=found[0].version_id) if found else None


class RegistryPusherSpec(component_spec.ComponentSpec):
    """Inputs and outputs."""

    PARAMETERS = {SETTINGS: component_spec.ExecutionParameter(type=str)}
    INPUTS = {
        MODEL: component_spec.ChannelParameter(type=standard_artifacts.Model),
        BLESSING: component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
    }
    OUTPUTS = {PUSHED: component_spec.ChannelParameter(type=standard_artifacts.PushedModel)}


class RegistryPusher(base_component.BaseComponent):
    """Registers blessed models."""

    SPEC_CLASS = RegistryPusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self, model: types.BaseChannel, model_blessing: types.BaseChannel, settings: RegistryPusherNodeSettings
    ) -> None:
        """Wires the node.

        Args:
            model: Trainer's model.
            model_blessing: Evaluator's blessing.
            settings: where to, and on what machines.
        """
        super().__init__(
            RegistryPusherSpec(
                model=model,
                model_blessing=model_blessing,
                settings=settings.to_json(),
                pushed_model=types.Channel(type=standard_artifacts.PushedModel),
            )
        )
