"""Pusher whose push is atomic, happens once per model, and can be rolled back.

The standard executor copies straight into the version folder: killed half-way, a server sees half a model; started
again, it pushes a second one; and two pushes in one second collide. This one copies to a hidden name and renames,
recognises a model that it has pushed before, and keeps `latest` pointing at the newest version. A model's card travels
with it: in `assets.extra`, TensorFlow's place for files that are not part of the graph, or beside a bundle.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from modules.settings import NodeSettings

from tfx import types
from tfx.components.pusher import executor
from tfx.dsl.components.base import base_component, executor_spec
from tfx.dsl.io import fileio
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs
from tfx.utils import io_utils, proto_utils

LATEST = "latest"
RECORD = "edgeline.json"
CARD = "model_card"
EXTRA = "assets.extra"  # TF Serving's place for files that are not part of the graph
_PARTIAL = ".partial"


class PusherNodeSettings(NodeSettings):
    """What Pusher is told."""

    keep_versions: int
    """How many older versions stay."""
    card_place: str = EXTRA
    """The card's folder inside a version; empty for the version's own."""


class Executor(executor.Executor):
    """Pushes the blessed model's serving folder to `<base>/<version>`, atomically and once."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """TFX's hook; without a blessing nothing is pushed and that is recorded."""
        self._log_startup(input_dict, output_dict, exec_properties)
        pushed = artifact_utils.get_single_instance(output_dict[standard_component_specs.PUSHED_MODEL_KEY])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            return
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], destination)
        settings = PusherNodeSettings.from_json(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY])
        model = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
        base = destination.filesystem.base_directory
        card = artifact_utils.get_single_uri(input_dict[CARD]) if input_dict.get(CARD) else None
        version = push(
            self.GetModelPath(input_dict),
            base,
            identity=model.uri,
            keep=settings.keep_versions,
            card=card,
            card_place=settings.card_place,
        )
        target = os.path.join(base, version)
        # A server may read the destination only; the artifact says where that is and keeps the record.
        io_utils.write_string_file(os.path.join(pushed.uri, RECORD), json.dumps({"destination": target}))
        self._MarkPushed(pushed, pushed_destination=target, pushed_version=version)


def push(source: str, base: str, *, identity: str, keep: int, card: str | None = None, card_place: str = EXTRA) -> str:
    """Copies a model to a new version folder, unless the same model is there already.

    Args:
        source: the serving folder.
        base: where versions live.
        identity: what makes it the same model when the push is repeated; the artifact's URI.
        keep: how many versions stay.
        card: folder of the model card; its files travel with the model, and with one that is there already, since a
            card may be corrected without the model being another.
        card_place: folder inside the version that takes them; empty for the version's own.

    Returns:
        The version, a number of seconds since 1970 that is larger than all before it.
    """
    fileio.makedirs(base)
    for name in fileio.listdir(base):
        if name.strip("/").endswith(_PARTIAL):  # a push that was killed
            fileio.rmtree(os.path.join(base, name))
    known = versions(base)
    for version in reversed(known):
        if _identity(os.path.join(base, version)) == identity:
            _add_card(card, os.path.join(base, version, card_place))
            _point_latest(base, version)
            return version
    version = str(max(int(time.time()), int(known[-1]) + 1 if known else 0))
    partial = os.path.join(base, f".{version}{_PARTIAL}")
    io_utils.copy_dir(source, partial)
    io_utils.write_string_file(
        os.path.join(partial, EXTRA, RECORD), json.dumps({"version": version, "model": identity}, indent=2)
    )
    _add_card(card, os.path.join(partial, card_place))
    fileio.rename(partial, os.path.join(base, version))
    _point_latest(base, version)
    for old in known[: max(0, len(known) + 1 - keep)]:
        fileio.rmtree(os.path.join(base, old))
    return version


def versions(base: str) -> list[str]:
    """The pushed versions, oldest first."""
    names = [name.strip("/") for name in fileio.listdir(base)] if fileio.exists(base) else []
    return sorted((name for name in names if name.isdigit()), key=int)


def _identity(folder: str) -> str | None:
    record = os.path.join(folder, EXTRA, RECORD)
    if not fileio.exists(record):
        return None
    with fileio.open(record) as stream:
        return json.loads(stream.read()).get("model")


def _add_card(card: str | None, place: str) -> None:
    """Puts the card's files in place, each in one step: a server or a person may be reading the one before."""
    if card is None:
        return
    for name in fileio.listdir(card):
        with fileio.open(os.path.join(card, name)) as stream:
            content = stream.read()
        partial = os.path.join(place, f".{name}{_PARTIAL}")
        io_utils.write_string_file(partial, content)
        fileio.rename(partial, os.path.join(place, name), overwrite=True)


def _point_latest(base: str, version: str) -> None:
    """Lets `latest` name a version; a small file, since object stores have no links."""
    partial = os.path.join(base, f".{LATEST}{_PARTIAL}")
    io_utils.write_string_file(partial, f"{version}\n")
    fileio.rename(partial, os.path.join(base, LATEST), overwrite=True)


class PusherSpec(standard_component_specs.PusherSpec):
    """The standard one with one more input."""

    INPUTS = {
        **standard_component_specs.PusherSpec.INPUTS,
        CARD: component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation, optional=True),
    }


class Pusher(base_component.BaseComponent):
    """The standard component with the atomic executor, and with the model's card."""

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        push_destination: pusher_pb2.PushDestination,
        settings: PusherNodeSettings,
        model_card: types.BaseChannel | None = None,
    ) -> None:
        """Wires the node.

        Args:
            model: what is pushed.
            model_blessing: without it nothing is.
            push_destination: folder of the versions.
            settings: how many versions stay, and where the card goes.
            model_card: ModelCard's output.
        """
        super().__init__(
            PusherSpec(
                model=model,
                model_blessing=model_blessing,
                model_card=model_card,
                push_destination=push_destination,
                custom_config=settings.to_json(),
                pushed_model=types.Channel(type=standard_artifacts.PushedModel),
            )
        )
