"""Past runs of a task, from the metadata store; imports no TensorFlow."""

from __future__ import annotations

import dataclasses
import datetime
import difflib
import json
import re
from collections.abc import Sequence
from typing import Any

from pipeline.history.paths import SUMMARY, TaskPaths
from pipeline.history.store import open_store


class UnknownRunError(LookupError):
    """There is no such run."""


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

    def to_dict(self) -> dict[str, Any]:
        """As JSON values, without the summary but for the metrics and what became of the model."""
        values = {**dataclasses.asdict(self), "started": self.started.isoformat()}
        del values["summary"]
        kept = ("profile", "blessed", "not_blessed_because", "metrics", "seconds", "config_digest")
        return {**values, **{name: self.summary.get(name) for name in kept}}


def past_runs(paths: TaskPaths) -> list[PastRun]:
    """All runs of a task, oldest first.

    Args:
        paths: of the task.
    """
    store = open_store(paths)
    if store is None:
        return []
    from ml_metadata.proto import metadata_store_pb2

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


def find_run(past: Sequence[PastRun], wanted: str) -> PastRun:
    """One of the runs that came to a summary.

    Args:
        past: what `past_runs` returned.
        wanted: an id, `latest`, or `latest~N`, the Nth before it.

    Raises:
        UnknownRunError: there is no such run; the message names the nearest.
    """
    finished = [run for run in past if run.summary]
    match = re.fullmatch(r"latest(?:~(\d+))?", wanted)
    if match:
        back = int(match[1] or 0)
        if back < len(finished):
            return finished[-1 - back]
        raise UnknownRunError(f"{wanted}: there are only {len(finished)} runs with a summary.")
    for run in past:
        if run.run_id == wanted:
            if not run.summary:
                raise UnknownRunError(f"{wanted}: the run was {run.state} before it came to a summary.")
            return run
    ids = [run.run_id for run in finished]
    near = difflib.get_close_matches(wanted, ids, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    newest = ", ".join(ids[-5:]) or "none"
    raise UnknownRunError(f"{wanted}: there is no such run.{hint} The newest are: {newest} (`runs` lists all).")


def read_summary(paths: TaskPaths, run_id: str) -> dict[str, Any]:
    """The `summary.json` of a run; empty if there is none."""
    file = paths.run_dir(run_id) / SUMMARY
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
