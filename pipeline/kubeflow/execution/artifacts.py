"""The artifacts of all executions below one root, and the queries that resolvers ask of them."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_CLAUSE = re.compile(r'\s*([\w.]+)\s*=\s*("[^"]*"|[^\s"]+)\s*(?:AND\s|$)')


@dataclasses.dataclass(frozen=True)
class Artifact:
    """One artifact, as the engine's metadata store has it.

    Attributes:
        name: unique in the store.
        schema: its type's schema, YAML.
        uri: where it is.
        metadata: its properties, JSON values.
    """

    name: str
    schema: str
    uri: str
    metadata: Mapping[str, Any]

    @property
    def title(self) -> str:
        """The schema's title, such as `tfx.Model`."""
        return str((yaml.safe_load(self.schema) or {}).get("title", ""))

    def runtime(self, *, typed: bool) -> dict[str, Any]:
        """As an ExecutorInput holds it; open-source Kubeflow leaves the type out."""
        values: dict[str, Any] = {"name": self.name, "uri": self.uri, "metadata": dict(self.metadata)}
        return {**values, "type": {"instanceSchema": self.schema}} if typed else values


class QueryError(ValueError):
    """A resolver's filter that is not understood."""


class Artifacts:
    """The store: one JSON line per artifact, oldest first."""

    def __init__(self, file: Path) -> None:
        """Reads what is there.

        Args:
            file: the store; need not exist yet.
        """
        self._file = file
        lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
        self._items = [Artifact(**json.loads(line)) for line in lines]

    def add(self, schema: str, uri: str, metadata: Mapping[str, Any]) -> Artifact:
        """Keeps an artifact."""
        artifact = Artifact(f"artifacts/{len(self._items) + 1}-{time.time_ns()}", schema, uri, dict(metadata))
        self._items.append(artifact)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(dataclasses.asdict(artifact)) + "\n")
        return artifact

    def imported(self, schema: str, uri: str, metadata: Mapping[str, Any]) -> Artifact:
        """The newest artifact of that URI and type; a new one if there is none."""
        for artifact in reversed(self._items):
            if artifact.uri == uri and artifact.schema == schema:
                return artifact
        return self.add(schema, uri, metadata)

    def latest(self, query: str) -> Artifact | None:
        """The newest artifact that a resolver's filter accepts.

        Args:
            query: such as `schema_title="tfx.Model" AND state=LIVE AND metadata.blessed.number_value=1`.

        Raises:
            QueryError: the filter has something else than comparisons joined by AND.
        """
        clauses = _parse(query)
        for artifact in reversed(self._items):
            if all(_holds(artifact, key, value) for key, value in clauses):
                return artifact
        return None


def _parse(query: str) -> list[tuple[str, str]]:
    clauses, position = [], 0
    while position < len(query):
        found = _CLAUSE.match(query, position)
        if not found:
            raise QueryError(f"a resolver asks {query!r}, of which {query[position:]!r} is not understood")
        clauses.append((found[1], found[2]))
        position = found.end()
    return clauses


def _holds(artifact: Artifact, key: str, value: str) -> bool:
    text = value.strip('"')
    if key == "schema_title":
        return artifact.title == text
    if key == "state":
        return text == "LIVE"  # nothing is ever deleted here
    if key == "name":
        return artifact.name == text
    section, _, rest = key.partition(".")
    name, _, kind = rest.rpartition(".")
    if section != "metadata" or kind not in ("number_value", "string_value"):
        raise QueryError(f"a resolver asks for {key}, which is not understood")
    have = artifact.metadata.get(name)
    if kind == "number_value":
        return isinstance(have, int | float) and float(have) == float(text)
    return have == text
