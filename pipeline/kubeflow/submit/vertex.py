"""A `PipelineJob` of Vertex AI, once or by a schedule."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Mapping
from typing import Any

from pipeline.config.loader import ConfigError
from pipeline.config.task import Config
from pipeline.kubeflow.contract.specification import Specification
from pipeline.kubeflow.submit.base import Run, SubmissionError
from pipeline.tfx_gaps.vertex_job import unsent

_LABEL_NAME, _LABEL_VALUE = re.compile(r"[a-z][a-z0-9_-]{0,62}"), re.compile(r"[a-z0-9_-]{0,63}")


@dataclasses.dataclass(frozen=True)
class VertexRequest:
    """What is sent.

    Attributes:
        run: what every engine is told.
        project: the project that pays.
        region: where it runs.
        network: peered network.
        encryption_key: customer-managed key.
    """

    run: Run
    project: str
    region: str
    network: str | None
    encryption_key: str | None

    def with_specification(self, specification: Specification) -> VertexRequest:
        """The same request with the compiled pipeline in it."""
        return dataclasses.replace(self, run=dataclasses.replace(self.run, specification=specification))

    def shown(self) -> dict[str, Any]:
        """The request as Vertex AI's API would get it, with the specification's digest in its place."""
        from google.auth import credentials

        # Anonymous: the job is put together as it would be sent, and nothing is asked for over the network.
        message = unsent(self._job(credentials.AnonymousCredentials()))
        body = {
            "display_name": message["display_name"],
            "labels": message["labels"],
            "runtime_config": {
                name: value for name, value in message["runtime_config"].items() if value not in ("", {}, 0, None)
            },
            "encryption_spec": {"kms_key_name": self.encryption_key} if self.encryption_key else None,
            "service_account": self.run.service_account,
            "network": self.network,
            "pipeline_spec": self.run.summary(),
        }
        kind = "schedules" if self.run.cron else "pipelineJobs"
        return {
            "request": f"POST https://{self.region}-aiplatform.googleapis.com/v1/"
            f"projects/{self.project}/locations/{self.region}/{kind}",
            **({"cron": self.run.cron} if self.run.cron else {}),
            "pipeline_job": {name: value for name, value in body.items() if value is not None},
        }

    def send(self, *, wait: bool) -> str:
        """Creates the job or the schedule.

        Args:
            wait: until the job has ended.

        Raises:
            SubmissionError: Vertex AI refused it, it cannot be reached, or the run failed.
        """
        from google.api_core import exceptions
        from google.auth import exceptions as auth_exceptions

        try:
            job = self._job(None)
            if self.run.cron:
                from google.cloud.aiplatform import pipeline_job_schedules

                schedule = pipeline_job_schedules.PipelineJobSchedule(pipeline_job=job, display_name=job.display_name)
                schedule.create(cron=self.run.cron, service_account=self.run.service_account, network=self.network)
                return f"schedule {schedule.resource_name}"
            job.submit(service_account=self.run.service_account, network=self.network)
            if wait:
                job.wait()
        except auth_exceptions.GoogleAuthError as error:
            raise SubmissionError(
                f"There are no credentials for Google Cloud ({error}); `gcloud auth application-default login`."
            ) from None
        except (exceptions.GoogleAPIError, RuntimeError, ValueError) as error:
            raise SubmissionError(f"Vertex AI, {self.project} in {self.region}: {error}") from None
        return f"run {job.resource_name}"

    def _job(self, credentials: Any) -> Any:
        from google.cloud import aiplatform

        with self.run.file() as file:
            return aiplatform.PipelineJob(
                display_name=self.run.name or self.run.compiled.name,
                template_path=file,
                pipeline_root=self.run.target.pipeline_root,
                parameter_values=dict(self.run.parameters),
                enable_caching=self.run.enable_caching,
                encryption_spec_key_name=self.encryption_key,
                labels=dict(self.run.labels),
                credentials=credentials,
                project=self.project,
                location=self.region,
            )


def make(config: Config, run: Run, options: Mapping[str, Any]) -> VertexRequest:
    """Makes the request; see `pipeline.kubeflow.orchestrators.request.make`.

    Raises:
        ConfigError: project or region is missing, there is no such region, or a label is none.
    """
    vertex = config.platform.vertex
    found = {
        name: options.get(name) or getattr(vertex, name) for name in ("project", "region", "network", "encryption_key")
    }
    for name in ("project", "region"):
        if not found[name]:
            raise ConfigError(f"Vertex AI needs a {name}: give --{name}, or set platform.vertex.{name}.")
        if name in run.parameters and not run.parameters[name]:
            run = dataclasses.replace(run, parameters={**run.parameters, name: str(found[name])})
    _check_region(str(found["region"]))
    for name, value in run.labels.items():
        if not (_LABEL_NAME.fullmatch(name) and _LABEL_VALUE.fullmatch(value)):
            raise ConfigError(
                f"--label {name}={value}: Google takes up to 63 lower-case letters, digits, dashes and underscores, "
                "the first of the name a letter."
            )
    return VertexRequest(run=run, **found)


def _check_region(region: str) -> None:
    from google.cloud.aiplatform.constants import base as constants

    known = sorted(constants.SUPPORTED_REGIONS)
    if region not in known:
        near = difflib.get_close_matches(region, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}."
        raise ConfigError(f"--region {region}: Vertex AI has no such region; {hint}")
