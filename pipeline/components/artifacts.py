"""What the executors of Pruner, TFLiteConverter and EdgeEvaluator share: paths, blessings, records."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from modules.artifact_files import TRAINING_DIR, resume_folder

from tfx import types  # isort: skip
from tfx.components.util import model_utils
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

SKIPPED = "skipped"  # custom property of an artifact that was left empty on purpose; its value is the reason
Artifacts = Mapping[str, list[types.Artifact]]


def single(artifacts: Artifacts, key: str) -> types.Artifact:
    """The one artifact under a key."""
    return artifact_utils.get_single_instance(artifacts[key])


def split_pattern(examples: types.Artifact, split: str) -> str:
    """Glob of a split's files."""
    return io_utils.all_files_pattern(artifact_utils.get_split_uri([examples], split))


def training_folder(model: types.Artifact) -> str:
    """Where a `Model` artifact keeps what a network is rebuilt from."""
    return os.path.join(model.uri, TRAINING_DIR)


def serving_folder(model: types.Artifact) -> str:
    """Where a `Model` artifact keeps what Pusher pushes."""
    return path_utils.serving_model_dir(model.uri)


def reason_to_skip(artifacts: Artifacts, *, model: str, blessing: str) -> str:
    """Why there is nothing to do, or an empty string.

    Args:
        artifacts: the executor's inputs.
        model: key of a model that an earlier node may have left empty.
        blessing: key of a blessing; where it is connected, an unblessed model is not worked on, since what may not
            be served may not be shipped to devices either.
    """
    given = artifacts.get(blessing) or []
    if given and not model_utils.is_model_blessed(artifact_utils.get_single_instance(given)):
        return "the server model is not blessed"
    found = artifacts.get(model) or []
    return str(found[0].get_string_custom_property(SKIPPED) or "") if found else ""


def skip(artifact: types.Artifact, reason: str, record: str) -> None:
    """Leaves an artifact empty, and says why on it and in its record file."""
    artifact.set_string_custom_property(SKIPPED, reason)
    write_json(os.path.join(artifact.uri, record), {SKIPPED: reason})


def work_folder(output: types.Artifact, identity: Sequence[Any]) -> str:
    """A folder that the same work finds again when it is started again, and no other work does.

    Args:
        output: an output artifact; its own folder is named after the execution, the parent is the node's.
        identity: inputs and settings, JSON values.
    """
    return resume_folder(os.path.dirname(output.uri.rstrip("/")), identity)


def remove(folder: str) -> None:
    """Removes a folder if it is there."""
    if fileio.exists(folder):
        fileio.rmtree(folder)


def write_json(path: str, value: Any) -> None:
    """Writes a JSON file, indented."""
    io_utils.write_string_file(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
