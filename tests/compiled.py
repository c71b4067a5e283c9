"""A node as it is compiled for an engine, on artifacts of a test's choice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import modules  # noqa: F401

from pipeline.kubeflow.contract.specification import Specification


def properties(specification: Specification, node: str) -> dict[str, Any]:
    """The execution properties that are written into the specification."""
    given = specification.tasks[node]["inputs"]["parameters"]
    return {name: item["runtimeValue"]["constant"] for name, item in given.items() if "runtimeValue" in item}


def artifact(kind: str, uri: Path, splits: Sequence[str] = ()) -> list[Any]:
    """One of TFX's standard artifacts, as an executor takes it."""
    from tfx.types import standard_artifacts

    made = getattr(standard_artifacts, kind)()
    made.uri = str(uri)
    if splits:
        made.split_names = json.dumps(list(splits))
    return [made]
