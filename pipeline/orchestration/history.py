"""Past runs of a task, from the metadata store; imports no TensorFlow."""

from __future__ import annotations

import dataclasses
import datetime
import json
from typing import Any

from pipeline.orchestration.paths import SUMMARY, TaskPaths


@dataclasses.dataclass(frozen=True)
class PastRun:
    """One run.

    Attributes:
        run_id: its id.
        started: local time of its beginning.
        state: `done`, `failed`, `running` or `stopped` (killed).
        executed: nodes that were executed.
        cached: nodes whose outputs came from the cache.
        pushed: pushed versions by destination.
        summary: its `summary.json`, empty if it did not come to that.
    """

    run_id: str
    started: datetime.datetime
    state: str
    executed: int
    cached: int
    pushed: dict[str, str]
    summary: dict[str, Any]


def past_runs(paths: TaskPaths) -> list[PastRun]:
    """All runs of a task, oldest first.

    Args:
        paths: of the task.
    """
    if not paths.metadata.is_file():
        return []
    from ml_metadata import metadata_store
    from ml_metadata.proto import metadata_store_pb2

    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = str(paths.metadata)
    connection.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
    store = metadata_store.MetadataStore(connection)
    states = metadata_store_pb2.Execution
    runs = []
    for context in store.get_contexts_by_type("pipeline_run"):
        executions = store.get_executions_by_context(context.id)
        # A resolver always "executes": it is a look-up.
        found = [execution.last_known_state for execution in executions if not execution.type.endswith(".Resolver")]
        summary = read_summary(paths, context.name)
        pushed = {
            artifact.custom_properties["pushed_destination"].string_value.split("/")[-2]: artifact.custom_properties[
                "pushed_version"
            ].string_value
            for artifact in store.get_artifacts_by_context(context.id)
            if artifact.type == "PushedModel" and artifact.custom_properties["pushed"].int_value == 1
        }
        state = summary.get("state") or ("failed" if states.FAILED in found else "stopped")
        if states.RUNNING in found:
            state = "running"
        runs.append(
            PastRun(
                run_id=context.name,
                started=datetime.datetime.fromtimestamp(context.create_time_since_epoch / 1000).astimezone(),
                state=state,
                executed=found.count(states.COMPLETE),
                cached=found.count(states.CACHED),
                pushed=pushed,
                summary=summary,
            )
        )
    return sorted(runs, key=lambda run: run.started)


def read_summary(paths: TaskPaths, run_id: str) -> dict[str, Any]:
    """The `summary.json` of a run; empty if there is none."""
    file = paths.run_dir(run_id) / SUMMARY
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
