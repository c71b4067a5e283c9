"""What finished nodes left, as they left it: recorded in the metadata when a node ends, looked at before it is used.

A folder that is there need not hold what was put into it. The record is a property of the execution, so that it lives
and goes with the metadata, and no cache key changes with it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules import content

from pipeline.history.paths import LATEST
from pipeline.history.store import is_output, values

if TYPE_CHECKING:
    from ml_metadata import metadata_store
    from ml_metadata.proto import metadata_store_pb2

_PROPERTY = "edgeline_files"
_DESTINATION = "pushed_destination"
_Files = dict[str, list[Any]]  # by relative path: the stamp's values, then the digest


def record(store: metadata_store.MetadataStore, artifacts: list[metadata_store_pb2.Artifact]) -> None:
    """Writes down what artifacts hold now, for those of which nothing is known yet.

    Args:
        store: the metadata store.
        artifacts: outputs of a node that has just ended, or of one that came from the cache.
    """
    for artifact in artifacts:
        maker = _maker(store, artifact)
        if maker is None:
            continue
        known = _read(maker)
        new = {place: _look(place) for place in _places(artifact) if place not in known and os.path.exists(place)}
        if new:
            _write(store, maker, known | new)


def problem(store: metadata_store.MetadataStore, artifact: metadata_store_pb2.Artifact) -> str | None:
    """What is wrong with an artifact of an earlier execution.

    A file whose stamp is as it was is not read again; one with another stamp is, and counts by its content.

    Args:
        store: the metadata store.
        artifact: an output.

    Returns:
        None where all is as it was left; else a sentence that names the file.
    """
    maker = _maker(store, artifact)
    known = _read(maker) if maker else {}
    seen = {}
    for place in _places(artifact):
        if not os.path.exists(place):
            return f"{place} is gone"
        expected = known.get(place)
        if expected is None:  # made before such records were kept, or the run was killed before it was written
            continue
        seen[place] = found = _look(place, expected)
        for name in sorted(expected.keys() | found.keys()):
            path = os.path.join(place, name) if name else place
            if name not in found:
                return f"{path} is gone"
            if name not in expected:
                return f"{path} was added later"
            if expected[name][-1] != found[name][-1]:
                return f"{path} has been changed"
    if maker and any(known[place] != found for place, found in seen.items()):
        _write(store, maker, known | seen)  # copied or touched: the next look need not read it again
    return _pointer_problem(artifact)


def outputs(store: metadata_store.MetadataStore, execution_id: int) -> list[metadata_store_pb2.Artifact]:
    """The output artifacts of an execution."""
    events = [event for event in store.get_events_by_execution_ids([execution_id]) if is_output(event)]
    return list(store.get_artifacts_by_id([event.artifact_id for event in events]))


def _places(artifact: metadata_store_pb2.Artifact) -> list[str]:
    """The folders or files of an artifact on this machine; a push has a second one, outside of the artifacts."""
    told = values(artifact)
    found = [artifact.uri]
    if told.get("pushed") == 1 and told.get(_DESTINATION):
        found.append(str(told[_DESTINATION]))
    return [place for place in found if place and "://" not in place]


def _pointer_problem(artifact: metadata_store_pb2.Artifact) -> str | None:
    for place in _places(artifact)[1:]:
        base = Path(place).parent
        try:
            named = (base / LATEST).read_bytes()[:64].decode("utf-8", errors="replace").strip()
        except OSError:
            named = ""
        if not (named.isdigit() and (base / named).is_dir()):
            return f"{base / LATEST} names no version that is there"
    return None


def _look(place: str, expected: _Files | None = None) -> _Files:
    """The files below a folder, or a file itself under an empty name."""
    if os.path.isfile(place):
        names = [""]
    else:
        walked = os.walk(place)
        names = [os.path.relpath(os.path.join(folder, name), place) for folder, _, files in walked for name in files]
    found: _Files = {}
    for name in names:
        path = os.path.join(place, name) if name else place
        stamp = list(content.Stamp.of(path))
        before = (expected or {}).get(name)
        digest = before[-1] if before and before[:-1] == stamp else content.of_file(path)
        found[name] = [*stamp, digest]
    return found


def _maker(
    store: metadata_store.MetadataStore, artifact: metadata_store_pb2.Artifact
) -> metadata_store_pb2.Execution | None:
    """The execution that really made an artifact; later ones found it in the cache."""
    events = [event for event in store.get_events_by_artifact_ids([artifact.id]) if is_output(event)]
    made = store.get_executions_by_id(sorted({event.execution_id for event in events}))
    return min(
        (item for item in made if item.last_known_state == item.COMPLETE), key=lambda item: item.id, default=None
    )


def _read(execution: metadata_store_pb2.Execution) -> dict[str, _Files]:
    if _PROPERTY not in execution.custom_properties:
        return {}
    return dict(json.loads(execution.custom_properties[_PROPERTY].string_value))


def _write(
    store: metadata_store.MetadataStore, execution: metadata_store_pb2.Execution, files: dict[str, _Files]
) -> None:
    execution.custom_properties[_PROPERTY].string_value = json.dumps(files)
    store.put_executions([execution])
