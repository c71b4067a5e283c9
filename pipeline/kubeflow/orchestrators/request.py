"""The request of the engine that was asked for, from options and configuration; imports its client late."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.config.loader import ConfigError
from pipeline.config.task import Config
from pipeline.kubeflow.contract.target import Target
from pipeline.kubeflow.orchestrators import schedules
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
    cron, labels = options.get("cron"), options.get("labels") or {}
    if cron and engine.cron_fields:
        for problem in schedules.problems(cron, engine.cron_fields):
            raise ConfigError(f"--cron {cron!r}: {problem}.")
    own = [name for name in labels if labels[name] != config.platform.labels.get(name)]
    if own and not engine.labels_runs:
        raise ConfigError(
            f"--label {own[0]}={labels[own[0]]}: runs of {engine.title} have no labels, and it would be dropped; "
            "platform.labels go to every pod."
        )
    if cron and options.get("wait"):
        raise ConfigError("--wait waits for one run; a recurring run (--cron) has no end.")
    run = Run(
        target=target,
        name=options.get("name"),
        parameters=parameters,
        labels=labels,
        service_account=options.get("service_account") or config.platform.service_account,
        cache=not options.get("no_cache"),
        cron=cron,
    )
    return engine.request(config, run, options)
