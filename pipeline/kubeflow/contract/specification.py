"""The specification as a file: YAML documents, sorted, so that the same input gives the same bytes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import yaml

from pipeline.config.loader import ConfigError
from pipeline.kubeflow.contract.options import COMMAND


@dataclasses.dataclass(frozen=True)
class Specification:
    """A compiled pipeline.

    Attributes:
        pipeline: Kubeflow's PipelineSpec as JSON values.
        platform: Kubeflow's PlatformSpec with what only Kubernetes knows; empty where there is nothing.
    """

    pipeline: dict[str, Any]
    platform: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return str(self.pipeline["pipelineInfo"]["name"])

    @property
    def tasks(self) -> dict[str, Any]:
        """The tasks by name."""
        return self.pipeline["root"]["dag"]["tasks"]

    @property
    def inputs(self) -> dict[str, Any]:
        """The run's parameters by name, with type and default."""
        return self.pipeline["root"].get("inputDefinitions", {}).get("parameters", {})

    def component(self, task: str) -> dict[str, Any]:
        """The component of a task."""
        return self.pipeline["components"][self.tasks[task]["componentRef"]["name"]]

    def executor(self, task: str) -> dict[str, Any]:
        """What a task executes: a mapping with one of `container`, `importer`, `resolver`."""
        return self.pipeline["deploymentSpec"]["executors"][self.component(task)["executorLabel"]]


def dump(specification: Specification) -> str:
    """The file's text."""
    documents = [specification.pipeline, *([specification.platform] if specification.platform else [])]
    header = f"# {specification.name}: made by `./edgeline kubeflow compile`; edit the configuration, not this file.\n"
    return header + yaml.safe_dump_all(documents, sort_keys=True, allow_unicode=True, width=120)


def load(path: Path) -> Specification:
    """Reads a file that `dump` wrote.

    Raises:
        ConfigError: the file cannot be read, is no such specification, or is another project's.
    """
    try:
        documents = [item for item in yaml.safe_load_all(path.read_text(encoding="utf-8")) if item]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}).") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {getattr(error, 'problem', None) or error}.") from None
    pipeline = documents[0] if documents else None
    if isinstance(pipeline, dict) and "pipelineSpec" in pipeline:  # the form of a Vertex AI job
        pipeline = pipeline["pipelineSpec"]
    if not isinstance(pipeline, dict) or "deploymentSpec" not in pipeline or "root" not in pipeline:
        raise ConfigError(f"{path}: not a pipeline specification; `kubeflow_runner.py compile` makes one.")
    specification = Specification(pipeline, documents[1] if len(documents) > 1 else {})
    try:
        _check_ours(specification)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ConfigError(
            f"{path}: a pipeline specification that lacks what Edgeline's have ({type(error).__name__}: {error}); "
            "`kubeflow_runner.py compile` makes one."
        ) from None
    except ValueError as error:
        raise ConfigError(f"{path}: {error}; `kubeflow_runner.py compile` makes one of this project.") from None
    return specification


def _check_ours(specification: Specification) -> None:
    """Refuses another project's pipeline: its containers are not in this environment, and its commands not known."""
    for task in specification.tasks:
        executor = specification.executor(task)
        command = executor["container"].get("command", []) if "container" in executor else COMMAND
        if list(command[: len(COMMAND)]) != list(COMMAND):
            shown = " ".join(map(str, command))[:60] or "its image's own command"
            raise ValueError(f"{specification.name} is another project's pipeline: {task} runs {shown!r}")
