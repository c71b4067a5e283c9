"""PreviousStatistics: the statistics of the span before, for orchestrators that cannot ask their metadata store.

ExampleValidator keeps those of every span that it accepts in a folder; this node takes the newest earlier ones of it.
"""

from __future__ import annotations

import os
import re
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx.utils import io_utils

from pipeline.components.marks import ABSENT, span_of

CURRENT, STATISTICS, FOLDER = "current", "statistics", "folder"
_PARTIAL, _WHOLE = ".partial", ".whole"


class Executor(base_executor.BaseExecutor):
    """Copies what is kept of the newest earlier span."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """TFX's hook; without an earlier span the output says that there is nothing."""
        self._log_startup(input_dict, output_dict, exec_properties)
        current = artifact_utils.get_single_instance(input_dict[CURRENT])
        output = artifact_utils.get_single_instance(output_dict[STATISTICS])
        folder = exec_properties[FOLDER]
        earlier = [span for span in kept(folder) if span < span_of(current)]
        if not earlier:
            output.set_int_custom_property(ABSENT, 1)
            return
        io_utils.copy_dir(_place(folder, earlier[-1]), output.uri)
        output.split_names = current.split_names
        output.span = earlier[-1]


def keep(statistics: types.Artifact, folder: str) -> None:
    """Keeps the statistics of a span for the next one; those of an older version of it are replaced.

    A kill at any moment leaves either the old or the new ones whole, on file systems that rename a folder file by file
    as well: a mark beside the copy says that it is whole, and as long as it stands, the copy is what counts.
    """
    span = span_of(statistics)
    _settle(folder, span)  # what an earlier, killed call left
    io_utils.copy_dir(statistics.uri, _copy(folder, span))
    io_utils.write_string_file(_mark(folder, span), "")
    _settle(folder, span)


def kept(folder: str) -> list[int]:
    """The spans whose statistics are kept, oldest first."""
    names = [name.strip("/") for name in fileio.listdir(folder)] if fileio.exists(folder) else []
    found = (re.fullmatch(rf"span-(\d+)(?:{re.escape(_WHOLE)})?", name) for name in names)
    return sorted({int(match[1]) for match in found if match})


def _settle(folder: str, span: int) -> None:
    """Puts a whole copy into its place, and removes one that is not."""
    target, copy, mark = _target(folder, span), _copy(folder, span), _mark(folder, span)
    if fileio.exists(mark):
        io_utils.copy_dir(copy, target)  # it clears the target first
        fileio.remove(mark)
    if fileio.exists(copy):
        fileio.rmtree(copy)


def _place(folder: str, span: int) -> str:
    """Where the statistics of a span lie whole."""
    return _copy(folder, span) if fileio.exists(_mark(folder, span)) else _target(folder, span)


def _target(folder: str, span: int) -> str:
    return os.path.join(folder, f"span-{span}")


def _copy(folder: str, span: int) -> str:
    return f"{_target(folder, span)}{_PARTIAL}"


def _mark(folder: str, span: int) -> str:
    return f"{_target(folder, span)}{_WHOLE}"


class PreviousStatisticsSpec(component_spec.ComponentSpec):
    """Inputs and outputs."""

    PARAMETERS = {FOLDER: component_spec.ExecutionParameter(type=str)}
    INPUTS = {CURRENT: component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics)}
    OUTPUTS = {STATISTICS: component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics)}


class PreviousStatistics(base_component.BaseComponent):
    """Finds the statistics of the span before; its result must never be cached."""

    SPEC_CLASS = PreviousStatisticsSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, folder: str, current: types.BaseChannel) -> None:
        """Wires the node.

        Args:
            folder: where ExampleValidator keeps them.
            current: StatisticsGen's output of this run.
        """
        super().__init__(
            PreviousStatisticsSpec(
                folder=folder, current=current, statistics=types.Channel(type=standard_artifacts.ExampleStatistics)
            )
        )
