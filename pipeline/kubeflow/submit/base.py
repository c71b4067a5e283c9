"""A request to start a pipeline: checked, shown, sent. What it says depends on the engine; imports its client late."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from pipeline.kubeflow.contract.specification import Specification, dump
from pipeline.kubeflow.contract.target import Target


class SubmissionError(RuntimeError):
    """The engine did not take the request, or the run failed; the message says what it answered."""


class Request(Protocol):
    """What can be shown and sent."""

    def with_specification(self, specification: Specification) -> Request:
        """The same request with the compiled pipeline in it."""

    def shown(self) -> dict[str, Any]:
        """The request as JSON values."""

    def send(self, *, wait: bool) -> str:
        """Sends it; a line that says what was started."""


@dataclasses.dataclass(frozen=True)
class Run:
    """What a request says on any engine.

    Attributes:
        target: where it shall run.
        name: of the run; None lets the engine make one.
        parameters: values of all parameters.
        labels: of the run.
        service_account: whom the nodes run as.
        cache: False executes every node.
        cron: schedule of a recurring run.
        specification: the compiled pipeline; None until it was compiled.
    """

    target: Target
    name: str | None
    parameters: Mapping[str, str | int | float]
    labels: Mapping[str, str]
    service_account: str | None
    cache: bool
    cron: str | None
    specification: Specification | None = None

    @property
    def compiled(self) -> Specification:
        """The compiled pipeline."""
        assert self.specification is not None, "compile first"
        return self.specification

    @property
    def enable_caching(self) -> bool | None:
        """As the clients take it: True would override what single nodes say."""
        return None if self.cache else False

    def summary(self) -> dict[str, Any]:
        """The specification in three lines; `compile` writes all of it."""
        text = dump(self.compiled)
        return {
            "pipeline": self.compiled.name,
            "tasks": sorted(self.compiled.tasks),
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
        }

    @contextlib.contextmanager
    def file(self) -> Iterator[str]:
        """The specification as a file, which the clients ask for."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pipeline.yaml"
            path.write_text(dump(self.compiled), encoding="utf-8")
            yield str(path)
