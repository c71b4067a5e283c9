"""LatestPushedModel: the model that is pushed now, other than the candidate, for orchestrators without queries.

Open-source Kubeflow Pipelines cannot ask its metadata store for the latest blessed model. What Pusher pushed last was
blessed, and the push says which artifact it came from, so this node reads that record and hands the artifact on.
"""

from __future__ import annotations

import logging
import os
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx.utils import path_utils

from pipeline.components import model_labels, pusher
from pipeline.components.marks import ABSENT

CANDIDATE, MODEL, PUSH_FOLDER, SHARED = "candidate", "model", "push_folder", "shared_labels"


class Executor(base_executor.BaseExecutor):
    """Reads the records of the push folder."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """TFX's hook; the output takes the found artifact's URI, or says that there is none."""
        self._log_startup(input_dict, output_dict, exec_properties)
        [output] = output_dict[MODEL]
        candidate = artifact_utils.get_single_uri(input_dict[CANDIDATE]) if input_dict.get(CANDIDATE) else None
        labels = model_labels.labels_of(candidate) if candidate else None
        content = pusher.content_of(path_utils.serving_model_dir(candidate)) if candidate else None
        shared = bool(exec_properties.get(SHARED))
        found = latest(exec_properties[PUSH_FOLDER], other_than=content, labels=labels, shared=shared)
        if found is None:
            output.set_int_custom_property(ABSENT, 1)
        else:
            output.uri = found


def latest(
    push_folder: str, *, other_than: str | None, labels: list[str] | None = None, shared: bool = False
) -> str | None:
    """The URI of the newest pushed model's artifact.

    Args:
        push_folder: `server/` of the push root.
        other_than: the candidate's content, which a repeated run may have pushed already.
        labels: the candidate's; a model with others cannot be compared with. None asks for none.
        shared: whether labels that both know are enough.

    Returns:
        None where nothing else was pushed. `latest` decides what the newest is, so that a rollback counts. An artifact
        that holds something else by now than what was pushed is passed over.
    """
    known = pusher.versions(push_folder)
    newest = pusher.latest_version(push_folder)
    if newest is not None:
        known = known[: known.index(newest) + 1]
    for version in reversed(known):
        folder = os.path.join(push_folder, version)
        record = pusher.record_of(folder)
        uri, pushed = str(record.get("model") or ""), record.get("content") or pusher.content_of(folder)
        if not uri or pushed == other_than:
            continue
        serving = path_utils.serving_model_dir(uri)
        if not (fileio.exists(serving) and pusher.content_of(serving) == pushed):
            why = f"it no longer holds what was pushed as version {version}"
        elif labels is not None and not model_labels.may_be_compared(
            model_labels.labels_of(uri), labels, shared=shared
        ):
            why = "it has other labels"
        else:
            return uri
        logging.warning("%s is passed over for an older model: %s", uri, why)
    return None


class LatestPushedModelSpec(component_spec.ComponentSpec):
    """Inputs and outputs."""

    PARAMETERS = {
        PUSH_FOLDER: component_spec.ExecutionParameter(type=str),
        SHARED: component_spec.ExecutionParameter(type=int, optional=True),
    }
    INPUTS = {CANDIDATE: component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True)}
    OUTPUTS = {MODEL: component_spec.ChannelParameter(type=standard_artifacts.Model)}


class LatestPushedModel(base_component.BaseComponent):
    """Finds the model that is pushed now; its result must never be cached."""

    SPEC_CLASS = LatestPushedModelSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self, push_folder: str, candidate: types.BaseChannel | None = None, *, shared_labels: bool = False
    ) -> None:
        """Wires the node.

        Args:
            push_folder: where Pusher pushes server models.
            candidate: Trainer's model, to be left out.
            shared_labels: whether a model is enough that shares some of the candidate's labels.
        """
        super().__init__(
            LatestPushedModelSpec(
                push_folder=push_folder,
                candidate=candidate,
                shared_labels=1 if shared_labels else None,
                model=types.Channel(type=standard_artifacts.Model),
            )
        )
