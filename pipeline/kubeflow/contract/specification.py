"""The specification as a file: YAML documents, sorted, so that the same input gives the same bytes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import yaml

from pipeline.config.loader import ConfigError


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
    """Reads a file that `dump` (or another compiler for Kubeflow Pipelines v2) wrote.

    Raises:
        ConfigError: the file cannot be read or is no such specification.
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
    return Specification(pipeline, documents[1] if len(documents) > 1 else {})
