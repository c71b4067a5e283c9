"""An orchestrator of one's own: one that runs queries, ignores hooks, and has a folder that all containers see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.config.task import Config
from pipeline.kubeflow.contract.target import Target
from pipeline.kubeflow.orchestrators.base import ORCHESTRATORS, Orchestrator
from pipeline.kubeflow.submit.base import Request, Run, SubmissionError


@ORCHESTRATORS.register("shed")
class Shed(Orchestrator):
    """Machines that share /shed."""

    name = "shed"
    title = "the shed"
    lookups = "latest"
    lacks = {"lifecycle": f"{title} ignores lifecycle hooks"}
    root_schemes = ("gs",)
    volumes = True
    options = ("shelf",)

    def mounts(self, config: Config) -> Sequence[str]:
        return ["/shed"]

    def problems(self, config: Config, target: Target) -> Iterator[str]:
        if config.platform.secrets:
            yield "platform.secrets: the shed has no lock."

    def request(self, config: Config, run: Run, options: Mapping[str, Any]) -> Request:
        raise SubmissionError("the shed is started by hand.")
