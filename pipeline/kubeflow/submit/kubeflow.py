"""A run, or a recurring run, of open-source Kubeflow Pipelines through the kfp client."""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.config.loader import ConfigError
from pipeline.config.task import Config
from pipeline.kubeflow.contract.specification import Specification
from pipeline.kubeflow.contract.target import scheme
from pipeline.kubeflow.submit.base import Run, SubmissionError

# The client's own wait knows no cancelled run and would wait on.
_ENDED = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED", "ERROR")
_POLL_SECONDS = 10.0


@dataclasses.dataclass(frozen=True)
class KubeflowRequest:
    """What is sent.

    Attributes:
        run: what every engine is told.
        host: address of the API.
        namespace: the profile's namespace; None in a single-user deployment.
        experiment: None takes the pipeline's name.
        client_options: how the client proves who it is.
    """

    run: Run
    host: str
    namespace: str | None
    experiment: str | None
    client_options: Mapping[str, Any]

    def with_specification(self, specification: Specification) -> KubeflowRequest:
        """The same request with the compiled pipeline in it."""
        return dataclasses.replace(self, run=dataclasses.replace(self.run, specification=specification))

    def shown(self) -> dict[str, Any]:
        """The arguments of the client's call; what proves who one is stays hidden."""
        call = "create_recurring_run" if self.run.cron else "create_run_from_pipeline_package"
        return {
            "request": f"kfp.Client.{call} to {self.host}",
            "authentication": sorted(self.client_options) or "none",
            **{name: value for name, value in self._arguments().items() if value is not None},
            "pipeline_spec": self.run.summary(),
        }

    def send(self, *, wait: bool) -> str:
        """Creates the run or the recurring run.

        Args:
            wait: until the run has ended.

        Raises:
            SubmissionError: Kubeflow refused it, it cannot be reached, or the run failed.
        """
        import kfp_server_api
        import urllib3

        try:
            return self._send(wait=wait)
        except kfp_server_api.ApiException as error:
            raise SubmissionError(f"Kubeflow Pipelines at {self.host}: {error.status} {error.reason}") from None
        except (urllib3.exceptions.HTTPError, OSError, ValueError, RuntimeError) as error:
            raise SubmissionError(f"Kubeflow Pipelines at {self.host}: {error}") from None

    def _send(self, *, wait: bool) -> str:
        import kfp

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the client greets everybody with a note on old servers
            # The client itself takes no None for the namespace.
            client = kfp.Client(host=self.host, **({"namespace": self.namespace} if self.namespace else {}),
                                **self.client_options)  # fmt: skip
        with self.run.file() as file:
            arguments = self._arguments()
            if self.run.cron:
                experiment = client.create_experiment(arguments.pop("experiment_name"), namespace=self.namespace)
                arguments.pop("namespace")
                recurring = client.create_recurring_run(
                    experiment_id=experiment.experiment_id, pipeline_package_path=file, **arguments
                )
                return f"recurring run {recurring.recurring_run_id}"
            started = client.create_run_from_pipeline_package(pipeline_file=file, **arguments)
        if wait:
            state = _wait(client, started.run_id)
            if state != "SUCCEEDED":
                raise SubmissionError(f"run {started.run_id} at {self.host}: {state}")
        return f"run {started.run_id}"

    def _arguments(self) -> dict[str, Any]:
        run = self.run
        name = run.name or f"{run.compiled.name}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
        values: dict[str, Any] = {
            "experiment_name": self.experiment or run.compiled.name,
            "namespace": self.namespace,
            "pipeline_root": run.target.pipeline_root if scheme(run.target.pipeline_root) else None,
            "enable_caching": run.enable_caching,
            "service_account": run.service_account,
        }
        if run.cron:
            return {**values, "job_name": name, "cron_expression": run.cron, "params": dict(run.parameters)}
        return {**values, "run_name": name, "arguments": dict(run.parameters)}


def make(config: Config, run: Run, options: Mapping[str, Any]) -> KubeflowRequest:
    """Makes the request; see `pipeline.kubeflow.orchestrators.request.make`.

    Raises:
        ConfigError: the host is missing.
    """
    kubeflow = config.platform.kubeflow
    host = options.get("host") or kubeflow.host
    if not host:
        raise ConfigError("Kubeflow Pipelines needs an address: give --host, or set platform.kubeflow.host.")
    if "hyperparameters" in run.parameters and not run.parameters["hyperparameters"]:
        raise ConfigError(
            "tuner.reuse=latest: open-source Kubeflow cannot look the last search up; give --param hyperparameters=URI."
        )
    client = {
        argument: Path(options[name]).read_text(encoding="utf-8").strip()
        for name, argument in (("token_file", "existing_token"), ("cookies_file", "cookies"))
        if options.get(name)
    }
    if options.get("ca_file"):
        client["ssl_ca_cert"] = str(options["ca_file"])
    return KubeflowRequest(
        run=run,
        host=host,
        namespace=options.get("namespace") or kubeflow.namespace,
        experiment=options.get("experiment") or kubeflow.experiment,
        client_options=client,
    )


def _wait(client: Any, run_id: str) -> str:
    """The state in which a run ended."""
    while True:
        state = str(client.get_run(run_id).state).upper()
        if state in _ENDED:
            return state
        time.sleep(_POLL_SECONDS)
