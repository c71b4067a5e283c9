"""The request of the engine that was asked for, from options and configuration; imports its client late."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.config.loader import ConfigError
from pipeline.config.task import Config
from pipeline.kubeflow.contract.target import Target
from pipeline.kubeflow.orchestrators.base import ORCHESTRATORS, orchestrator
from pipeline.kubeflow.submit.base import Request, Run


def make(
    config: Config, target: Target, parameters: Mapping[str, str | int | float], options: Mapping[str, Any]
) -> Request:
    """Makes the request of an engine.

    Args:
        config: with the platform section.
        target: where it shall run.
        parameters: values of all parameters.
        options: of the command line, by the names of `kubeflow_runner.py submit`.

    Raises:
        ConfigError: something that the engine needs is missing, or an option is another engine's.
    """
    engine = orchestrator(target.engine)
    for other in map(orchestrator, ORCHESTRATORS.kinds):
        for name in other.options:
            if options.get(name) and name not in engine.options:
                raise ConfigError(f"--{name.replace('_', '-')} is for --engine {other.name}.")
    if options.get("cron") and options.get("wait"):
        raise ConfigError("--wait waits for one run; a recurring run (--cron) has no end.")
    run = Run(
        target=target,
        name=options.get("name"),
        parameters=parameters,
        labels=options.get("labels") or {},
        service_account=options.get("service_account") or config.platform.service_account,
        cache=not options.get("no_cache"),
        cron=options.get("cron"),
    )
    return engine.request(config, run, options)
