"""Pusher whose push is atomic, happens once per model, and can be rolled back.

The standard executor copies straight into the version folder: killed half-way, a server sees half a model; started
again, it pushes a second one; and two pushes in one second collide. This one copies to a hidden name and renames,
recognises by its content a model that it has pushed before, and keeps `latest` pointing at the newest version. A
model's card travels with it: in `assets.extra`, TensorFlow's place for files that are not part of the graph, or beside
a bundle.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from modules import content
from modules.artifact_files import CARD_FILES, PROBES_FILE
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
_LONGEST_POINTER = 64  # bytes; more is no version


class PusherNodeSettings(NodeSettings):
    """What Pusher is told."""

    keep_versions: int
    """How many older versions stay."""
    card_place: str = EXTRA
    """The card's folder inside a version; empty for the version's own."""
    stated: str = ""
    """Digest of what the card states beside numbers."""


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
            model=model.uri,
            stated=settings.stated,
            keep=settings.keep_versions,
            card=card,
            card_place=settings.card_place,
        )
        target = os.path.join(base, version)
        # A server may read the destination only; the artifact says where that is and keeps the record.
        io_utils.write_string_file(os.path.join(pushed.uri, RECORD), json.dumps({"destination": target}))
        self._MarkPushed(pushed, pushed_destination=target, pushed_version=version)


def push(
    source: str, base: str, *, keep: int, model: str = "", stated: str = "", card: str | None = None,
    card_place: str = EXTRA,
) -> str:  # fmt: skip
    """Copies a model to a new version folder, unless the same content is there already.

    A version never changes once it is there: neither the model's files nor the card.

    Args:
        source: the serving folder.
        base: where versions live.
        keep: how many versions stay.
        model: URI of the model's artifact, for the record; another model may have it tomorrow, so it tells nothing.
        stated: digest of what the card states beside numbers; a corrected sentence is a new version.
        card: folder of the model card, whose files travel with the model.
        card_place: folder inside the version that takes them; empty for the version's own.

    Returns:
        The version, a number of seconds since 1970 that is larger than all before it.
    """
    fileio.makedirs(base)
    clean(base)
    wanted = content_of(source)
    known = versions(base)
    version = _same(base, known, wanted, stated)
    if version is None:
        version = str(max(int(time.time()), int(known[-1]) + 1 if known else 0))
        partial = os.path.join(base, f".{version}{_PARTIAL}")
        io_utils.copy_dir(source, partial)
        record = {"version": version, "content": wanted, "stated": stated, "model": model}
        io_utils.write_string_file(os.path.join(partial, EXTRA, RECORD), json.dumps(record, indent=2))
        _add_card(card, os.path.join(partial, card_place))
        fileio.rename(partial, os.path.join(base, version))
        known.append(version)
    _point_latest(base, version)
    # Also where the version was there: the push that brought it may have been killed before it came to this.
    for old in [name for name in known[: max(0, len(known) - keep)] if name != version]:
        _remove(base, old)
    return version


def clean(base: str) -> list[str]:
    """Removes what killed pushes left half-written or half-removed.

    Args:
        base: where versions live; it need not exist.

    Returns:
        The names of what was removed.
    """
    left = [name.strip("/") for name in fileio.listdir(base)] if fileio.exists(base) else []
    left = [name for name in left if name.startswith(".") and name.endswith(_PARTIAL)]
    for name in left:
        place = os.path.join(base, name)
        if fileio.isdir(place):
            fileio.rmtree(place)
        else:
            fileio.remove(place)
    return left


def versions(base: str) -> list[str]:
    """The pushed versions, oldest first."""
    names = [name.strip("/") for name in fileio.listdir(base)] if fileio.exists(base) else []
    return sorted((name for name in names if name.isdigit()), key=int)


def content_of(folder: str) -> str:
    """What the model in a serving folder or in a version is known by: a digest of its files.

    Args:
        folder: either; the card, its probes and the record, which only a version has, do not count.
    """
    names = (*CARD_FILES, PROBES_FILE)
    beside = {os.path.join(EXTRA, RECORD), *(os.path.join(place, name) for place in ("", EXTRA) for name in names)}
    found = content.tree(folder, walk=fileio.walk, opener=fileio.open)
    return content.combined({name: digest for name, digest in found.items() if name not in beside})


def record_of(folder: str) -> dict[str, Any]:
    """What a version says of itself; empty where it says nothing that can be read."""
    record = os.path.join(folder, EXTRA, RECORD)
    if not fileio.exists(record):
        return {}
    with fileio.open(record) as stream:
        try:
            found = json.loads(stream.read())
        except ValueError:
            return {}
    return found if isinstance(found, dict) else {}


def latest_version(base: str) -> str | None:
    """The version that `latest` names; None where it names none that is there."""
    pointer = os.path.join(base, LATEST)
    if not fileio.exists(pointer) or fileio.isdir(pointer):
        return None
    with fileio.open(pointer, "rb") as stream:
        named = stream.read(_LONGEST_POINTER).decode("utf-8", errors="replace").strip()
    return named if named in versions(base) else None


def _same(base: str, known: list[str], wanted: str, stated: str) -> str | None:
    """The newest version with this content; what lies there now counts, not what its record claims."""
    for version in reversed(known):
        folder = os.path.join(base, version)
        record = record_of(folder)
        # Older records name neither.
        claims = record.get("content", wanted) == wanted and record.get("stated", stated) == stated
        if claims and content_of(folder) == wanted:
            return version
    return None


def _remove(base: str, version: str) -> None:
    """Takes a version away in one step, so that no server loads half of one; then removes its files."""
    hidden = os.path.join(base, f".{version}{_PARTIAL}")
    fileio.rename(os.path.join(base, version), hidden)
    fileio.rmtree(hidden)


def _add_card(card: str | None, place: str) -> None:
    """Puts the card's files beside the model, before anybody sees the version."""
    if card is None:
        return
    for name in fileio.listdir(card):
        fileio.makedirs(place)
        fileio.copy(os.path.join(card, name), os.path.join(place, name))


def _point_latest(base: str, version: str) -> None:
    """Lets `latest` name a version; a small file, since object stores have no links."""
    if latest_version(base) == version:
        return
    pointer = os.path.join(base, LATEST)
    partial = os.path.join(base, f".{LATEST}{_PARTIAL}")
    io_utils.write_string_file(partial, f"{version}\n")
    fileio.rename(partial, pointer, overwrite=True)


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
