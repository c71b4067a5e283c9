"""Past runs of a task, from their folders and the metadata store; imports no TensorFlow."""

from __future__ import annotations

import dataclasses
import datetime
import difflib
import json
import re
from collections.abc import Sequence
from typing import Any

from pipeline.history import begun
from pipeline.history.paths import CONFIG, SUMMARY, TaskPaths
from pipeline.history.states import CACHED, EXECUTED
from pipeline.history.store import open_store


class UnknownRunError(LookupError):
    """There is no such run."""


@dataclasses.dataclass(frozen=True)
class PastRun:
    """One run.

    Attributes:
        run_id: its id.
        started: local time of its beginning.
        state: `done`, `failed`, `running` or `stopped` (interrupted or killed).
        executed: nodes that were executed.
        cached: nodes whose outputs came from the cache.
        pushed: pushed versions by destination.
        summary: its `summary.json`, empty if it did not come to that.
        profile: the profile that was asked for.
        config_digest: of the resolved configuration; None where nothing is known of it.
    """

    run_id: str
    started: datetime.datetime
    state: str
    executed: int
    cached: int
    pushed: dict[str, str]
    summary: dict[str, Any]
    profile: str | None = None
    config_digest: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON values, without the summary but for the metrics and what became of the model."""
        values = {**dataclasses.asdict(self), "started": self.started.isoformat()}
        del values["summary"]
        kept = ("blessed", "not_blessed_because", "metrics", "seconds")
        return {**values, **{name: self.summary.get(name) for name in kept}}


def past_runs(paths: TaskPaths) -> list[PastRun]:
    """All runs of a task, in the order in which they began.

    A run is known from its folder in the history, from the metadata store, or from both: one that was killed while
    TensorFlow was imported is in no store, and a store may have been lost.

    Args:
        paths: of the task.

    Raises:
        MetadataError: the store is damaged, locked, or gone without what it describes.
    """
    store = open_store(paths)
    contexts = {item.name: item for item in store.get_contexts_by_type("pipeline_run")} if store else {}
    beginnings = {name: begun.read(paths, name) for name in {*contexts, *begun.run_ids(paths)}}

    def order(name: str) -> tuple[int, int, str]:
        return beginnings[name].get("number", 0), contexts[name].id if name in contexts else 0, name

    names = sorted(beginnings, key=order)
    # Only one run holds the folder at a time, and it is the newest.
    running = names[-1] if names and begun.going_on(paths) else None
    found = []
    for name in names:
        run = _run(paths, name, beginnings[name], contexts.get(name), store, going_on=name == running)
        found += [run] if run else []
    return found


def _run(
    paths: TaskPaths, name: str, beginning: dict[str, Any], context: Any | None, store: Any | None, *, going_on: bool
) -> PastRun | None:
    summary = read_summary(paths, name)
    known = _from_store(store, context) if context is not None else _from_summary(summary)
    if context is None and not summary and not beginning and not (paths.run_dir(name) / CONFIG).is_file():
        return None  # no run's folder
    state = summary.get("state") or ("running" if going_on else "failed" if known.pop("failed") else "stopped")
    known.pop("failed", None)
    return PastRun(
        run_id=name,
        started=_started(paths, name, beginning, context),
        state=state,
        summary=summary,
        profile=summary.get("profile") or beginning.get("profile"),
        config_digest=summary.get("config_digest") or beginning.get("config_digest"),
        **known,
    )


def _from_store(store: Any, context: Any) -> dict[str, Any]:
    from ml_metadata.proto import metadata_store_pb2

    states = metadata_store_pb2.Execution
    executions = store.get_executions_by_context(context.id)
    # A resolver always "executes": it is a look-up.
    found = [execution.last_known_state for execution in executions if not execution.type.endswith(".Resolver")]
    pushed = {
        artifact.custom_properties["pushed_destination"].string_value.split("/")[-2]: artifact.custom_properties[
            "pushed_version"
        ].string_value
        for artifact in store.get_artifacts_by_context(context.id)
        if artifact.type == "PushedModel" and artifact.custom_properties["pushed"].int_value == 1
    }
    return {
        "executed": found.count(states.COMPLETE),
        "cached": found.count(states.CACHED),
        "pushed": pushed,
        "failed": states.FAILED in found,
    }


def _from_summary(summary: dict[str, Any]) -> dict[str, Any]:
    states = list((summary.get("states") or {}).values())
    pushed = {where: item["version"] for where, item in (summary.get("pushed") or {}).items() if item}
    return {"executed": states.count(EXECUTED), "cached": states.count(CACHED), "pushed": pushed, "failed": False}


def _started(paths: TaskPaths, name: str, beginning: dict[str, Any], context: Any | None) -> datetime.datetime:
    if "started" in beginning:
        return datetime.datetime.fromisoformat(beginning["started"])
    if context is not None:
        return datetime.datetime.fromtimestamp(context.create_time_since_epoch / 1000).astimezone()
    return datetime.datetime.fromtimestamp(paths.run_dir(name).stat().st_mtime).astimezone()


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
    """The `summary.json` of a run; empty if there is none that can be read."""
    try:
        found = json.loads((paths.run_dir(run_id) / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
