"""Values of a run's parameters, checked as the configuration's own would be, before anything is sent."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modules.settings import Section

from pydantic import ValidationError

from pipeline.config.loader import ConfigError
from pipeline.config.task import Config
from pipeline.kubeflow.compile import checked_target
from pipeline.kubeflow.contract.bindings import Binding
from pipeline.kubeflow.contract.parameter import Parameter
from pipeline.kubeflow.contract.target import Target

# What the report shows of the configuration says which field a parameter stands for.
_CONFIG = "/config/"
_THRESHOLDS = "evaluator/thresholds/"
_OF_THE_TARGET = ("data", "schema", "push_root", "pipeline_root")


def check(
    config: Config,
    target: Target,
    known: Sequence[Parameter],
    values: Mapping[str, str | int | float],
    given: Mapping[str, str],
) -> None:
    """Refuses values that a node would refuse, or could not reach.

    Args:
        config: the task's configuration.
        target: where it shall run.
        known: the parameters.
        values: of all of them.
        given: what the command line said, by name.

    Raises:
        ConfigError: one line for each wrong value.
    """
    by_name = {item.name: item for item in known}
    problems = [
        f"--param {name}={given[name]}: {problem}."
        for name in given
        for problem in _problems(config, by_name[name], values[name])
    ]
    replaced: dict[str, Any] = {name: str(values[name]).rstrip("/") for name in given if name in _OF_THE_TARGET}
    if replaced:
        moved = dataclasses.replace(target, **replaced)
        problems += [f"--param: {problem}" for problem in checked_target.problems(config, moved)]
    if problems:
        raise ConfigError("\n".join(problems))


def _problems(config: Config, parameter: Parameter, value: str | int | float) -> Iterator[str]:
    if isinstance(value, float) and not math.isfinite(value):
        yield "a finite number is needed"
        return
    field = _field(parameter)
    if field.startswith(_THRESHOLDS) and config.target.shares and not 0 <= float(value) <= 1:
        yield "the metrics of the gate lie in 0 … 1"
    *path, last = field.split("/")
    section: Any = config
    for part in path:
        section = section[part] if isinstance(section, Mapping) else getattr(section, part)
    if last and isinstance(section, Section):
        try:
            section.with_values(**{last: value})
        except ValidationError as error:
            yield "; ".join(sorted({item["msg"][:1].lower() + item["msg"][1:] for item in error.errors()}))


def _field(parameter: Parameter) -> str:
    """The field of the configuration that a parameter stands for, as a path; empty if it is none."""
    for place in (place for places in parameter.places.values() for place in places):
        if isinstance(place, Binding) and place.pointer.startswith(_CONFIG):
            return place.pointer.removeprefix(_CONFIG)
    return ""
