"""From a pushed version back to the rows: every artifact that it was made from, and who made it when.

Read from the metadata store, which holds it even when the pushed folder is gone; imports no TensorFlow.
"""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.history import begun
from pipeline.history.history import read_summary
from pipeline.history.paths import LATEST, TaskPaths
from pipeline.history.store import context_name, is_output, key_of, open_store, values

if TYPE_CHECKING:
    from ml_metadata import metadata_store
    from ml_metadata.proto import metadata_store_pb2

SERVER, EDGE = "server", "edge"
_PUSHED = "PushedModel"
# What of an artifact tells something; the rest are TFX's own marks.
_TOLD = (
    "split_names", "span", "version", "input_fingerprint", "blessed", "recipe", "pushed_version",
    "pushed_destination", "skipped",
)  # fmt: skip


class UnknownVersionError(LookupError):
    """No such version was ever pushed."""


def trace(paths: TaskPaths, wanted: str) -> dict[str, Any]:
    """Follows a pushed version back to the rows.

    Args:
        paths: of the task.
        wanted: a version, `server/VERSION` or `edge/VERSION`, the path of its folder or of a file in it, or `latest`
            (`server/latest`, `edge/latest`).

    Returns:
        JSON values: `version`, `kind` (`server` or `edge`), `path`, `there` (whether the folder still is), `run` (id,
        profile and configuration digest of the run that pushed it), `rows` (the files that were read, with their
        fingerprint), and `artifact`: `id`, `type`, `uri`, `told` and `made_by`, the execution with `node`, `run_id`,
        `seconds`, `config_digest` and `inputs`, artifacts again. One that was told already is `{"id", "again"}`.

    Raises:
        UnknownVersionError: it was never pushed; the message names the nearest.
    """
    store = open_store(paths)
    artifact = _find(store, paths, wanted)
    assert store is not None
    told = values(artifact)
    destination = Path(told["pushed_destination"])
    tree = _Tracer(store, paths).artifact(artifact)
    run_id = tree["made_by"]["run_id"]
    known = begun.read(paths, run_id) | read_summary(paths, run_id)  # the first alone while a run is going on
    return {
        "version": told["pushed_version"],
        "kind": destination.parent.name,
        "path": str(destination),
        "there": destination.is_dir(),
        "run": {"id": run_id, "profile": known.get("profile"), "config_digest": known.get("config_digest")},
        "rows": list(_rows(tree)),
        "artifact": tree,
    }


def _find(store: metadata_store.MetadataStore | None, paths: TaskPaths, wanted: str) -> metadata_store_pb2.Artifact:
    pushed: dict[str, metadata_store_pb2.Artifact] = {}
    # A later run that pushes the same model finds it there and names it too: the first one brought it.
    for artifact in sorted(store.get_artifacts_by_type(_PUSHED) if store else [], key=lambda item: item.id):
        told = values(artifact)
        if told.get("pushed") == 1 and "pushed_version" in told:
            pushed.setdefault(f"{Path(told['pushed_destination']).parent.name}/{told['pushed_version']}", artifact)
    name = _name(paths, wanted)
    matches = [pushed[key] for key in pushed if name in (key, key.partition("/")[2])]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UnknownVersionError(f"{wanted}: pushed to both places; say server/{name} or edge/{name}.")
    there = [item for item in (name, f"{SERVER}/{name}", f"{EDGE}/{name}") if (paths.pushed / item).is_dir()]
    if there and name:
        raise UnknownVersionError(
            f"{wanted}: pushed/{there[0]} is there, but the metadata store knows nothing of it: it was pushed before "
            "the store was lost or moved aside. Its model_card.json says what it was made from."
        )
    near = difflib.get_close_matches(name, [*pushed, *(key.partition("/")[2] for key in pushed)], n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    newest = ", ".join(sorted(pushed, key=lambda key: int(key.partition("/")[2]))[-6:]) or "none"
    raise UnknownVersionError(f"{wanted}: no such version was pushed.{hint} There are: {newest}.")


def _name(paths: TaskPaths, wanted: str) -> str:
    """What was asked for as `server/VERSION`, `edge/VERSION` or `VERSION`."""
    parts = Path(wanted).parts
    places = [number for number, part in enumerate(parts) if part in (SERVER, EDGE) and number + 1 < len(parts)]
    name = "/".join(parts[places[-1] : places[-1] + 2]) if places else wanted
    if name.rpartition("/")[2] == LATEST:
        pointer = paths.pushed / (name.rpartition("/")[0] or SERVER) / LATEST
        if pointer.is_file():
            named = pointer.read_text(encoding="utf-8", errors="replace").strip()
            return f"{pointer.parent.name}/{named[:64]}"
    return name


def _rows(tree: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """What the executions at the roots of the tree read from outside."""
    made_by = tree.get("made_by")
    if not made_by:
        return
    if "input_fingerprint" in made_by["read"]:
        yield made_by["read"]
    for item in made_by["inputs"]:
        yield from _rows(item["artifact"])


class _Tracer:
    """Walks from artifacts to executions and back; each is told once."""

    def __init__(self, store: metadata_store.MetadataStore, paths: TaskPaths) -> None:
        self._store, self._paths, self._seen = store, paths, set[int]()

    def artifact(self, artifact: metadata_store_pb2.Artifact) -> dict[str, Any]:
        if artifact.id in self._seen:
            return {"id": artifact.id, "type": artifact.type, "again": True}
        self._seen.add(artifact.id)
        known = values(artifact)
        execution = self._maker(artifact.id)
        return {
            "id": artifact.id,
            "type": artifact.type,
            "uri": artifact.uri,
            "told": {name: known[name] for name in _TOLD if known.get(name) not in (None, "")},
            "made_by": self._execution(execution) if execution else None,
        }

    def _maker(self, artifact_id: int) -> metadata_store_pb2.Execution | None:
        """The execution that really made it; later ones found it in the cache."""
        events = [event for event in self._store.get_events_by_artifact_ids([artifact_id]) if is_output(event)]
        found = self._store.get_executions_by_id([event.execution_id for event in events])
        made = [execution for execution in found if execution.last_known_state == execution.COMPLETE]
        return min(made or found, key=lambda execution: execution.id, default=None)

    def _execution(self, execution: metadata_store_pb2.Execution) -> dict[str, Any]:
        run_id = context_name(self._store, execution.id, "pipeline_run")
        events = [
            event for event in self._store.get_events_by_execution_ids([execution.id]) if event.type == event.INPUT
        ]
        artifacts = {item.id: item for item in self._store.get_artifacts_by_id([e.artifact_id for e in events])}
        began = datetime.datetime.fromtimestamp(execution.create_time_since_epoch / 1000).astimezone()
        known = values(execution)
        return {
            "execution": execution.id,
            "node": context_name(self._store, execution.id, "node"),
            "run_id": run_id,
            "config_digest": (begun.read(self._paths, run_id) | read_summary(self._paths, run_id)).get("config_digest"),
            "began": began.isoformat(timespec="seconds"),
            "seconds": (execution.last_update_time_since_epoch - execution.create_time_since_epoch) / 1000,
            "read": {
                name: known[name]
                for name in ("input_base", "input_config", "input_fingerprint", "span", "version", "schema_file")
                if known.get(name) not in (None, "")
            },
            "inputs": [
                {"key": key_of(event), "artifact": self.artifact(artifacts[event.artifact_id])}
                for event in sorted(events, key=key_of)
            ],
        }
