"""The page of a run on this machine: what Reporter gathered, and the times and states that only the run knows.

Where Reporter did not get its turn, since the run failed, was stopped or was asked for one node, what its inputs hold
is gathered here instead; only what needs the model is missing then.
"""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modules.machine.files import write_whole
from modules.report import render  # and settles Keras 2 before TFX imports TensorFlow
from modules.report.facts import gather  # and settles Keras 2 before TFX imports TensorFlow
from modules.report.files import read_json
from modules.report.settings import ReporterNodeSettings

from pipeline import nodes
from pipeline.components import reporter
from pipeline.history.paths import REPORT, TaskPaths
from pipeline.history.store import RunOutputs

_RUN_FIELDS = (
    "run_id", "profile", "state", "failed_node", "error", "started", "revision", "data", "states", "cache_hits",
)  # fmt: skip


def write(ir: Any, paths: TaskPaths, outputs: RunOutputs, summary: Mapping[str, Any]) -> Path | None:
    """Writes `report.html` into the run's folder.

    Args:
        ir: the compiled pipeline.
        paths: of the task.
        outputs: of the run.
        summary: what `summary.json` will hold, with `seconds`.

    Returns:
        Its path; None where it could not be made, since a run is not to fail for its report: the log says why.
    """
    target = paths.run_dir(summary["run_id"]) / REPORT
    try:
        page = render.render(gathered(ir, outputs), run_facts(summary))
        write_whole(target, page)
    except Exception:
        logging.getLogger(__name__).exception("the report could not be made")
        return None
    return target


def gathered(ir: Any, outputs: RunOutputs) -> dict[str, Any]:
    """What Reporter wrote, or else what there is of it."""
    found = read_json(outputs.uri("Reporter", reporter.REPORT), gather.REPORT_DATA)
    if found is not None:
        return found
    [node] = [item.pipeline_node for item in ir.nodes if item.pipeline_node.node_info.id == "Reporter"]
    text = node.parameters.parameters[reporter.SETTINGS].field_value.string_value
    inputs = {}
    for key, (producer, output) in nodes.reported().items():
        artifact = outputs.artifact(producer, output)
        if artifact is not None:
            inputs[key] = reporter.ReporterSpec.INPUTS[key].type()
            inputs[key].set_mlmd_artifact(artifact)
    return gather.gather(reporter.found_artifacts(inputs), ReporterNodeSettings.from_json(text))


def run_facts(summary: Mapping[str, Any]) -> dict[str, Any]:
    """What a page says of a run, from its summary."""
    seconds = summary["seconds"]
    return {
        **{name: summary[name] for name in _RUN_FIELDS},
        "seconds": seconds["nodes"],
        "total_seconds": seconds["total"],
    }


def git_revision(folder: Path) -> str | None:
    """The commit that a folder stands at, with `-dirty` where something was changed; None outside of a repository."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
