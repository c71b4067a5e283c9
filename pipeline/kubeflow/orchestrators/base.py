"""What an orchestrator is, and the table of those that there are; an extension adds one, see CONTRIBUTING.md."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from modules.registry import Registry

from pipeline.config.platform import NodeConfig
from pipeline.config.task import Config
from pipeline.graph.engines import Lookups, VertexJob
from pipeline.kubeflow.contract.parameter import Parameter
from pipeline.kubeflow.contract.specification import Specification
from pipeline.kubeflow.contract.target import Target
from pipeline.kubeflow.submit.base import Request, Run


class Orchestrator(abc.ABC):
    """Runs compiled specifications of Kubeflow Pipelines. One line of a subclass for each thing that it can do.

    Attributes:
        name: as `--engine` has it.
        title: in messages.
        lookups: how it finds earlier results, see `pipeline.graph.engines.Engine`.
        lacks: by kind of executor or hook (`resolver`, `lifecycle`) what to say where a specification has it.
        root_schemes: of the pipeline roots that its own code can write to.
        volumes: whether artifacts may lie on a volume that every container mounts.
        default_root: where artifacts go when a specification names no root; empty where it must.
        typed: whether it tells a container the types of its input artifacts.
        options: of `submit` that are for it.
        cron_fields: of its schedules: 5, or 6 with seconds first; None where a schedule is not looked at.
        labels_runs: whether a run has labels; those of the configuration may go elsewhere.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    lookups: ClassVar[Lookups]
    lacks: ClassVar[Mapping[str, str]] = {}
    root_schemes: ClassVar[tuple[str, ...]]
    volumes: ClassVar[bool] = False
    default_root: ClassVar[str] = ""
    typed: ClassVar[bool] = True
    options: ClassVar[tuple[str, ...]] = ()
    cron_fields: ClassVar[int | None] = None
    labels_runs: ClassVar[bool] = True

    @abc.abstractmethod
    def mounts(self, config: Config) -> Sequence[str]:
        """Folders that every container sees."""

    @abc.abstractmethod
    def problems(self, config: Config, target: Target) -> Iterator[str]:
        """What of the platform section it cannot honour, one line each."""

    @abc.abstractmethod
    def request(self, config: Config, run: Run, options: Mapping[str, Any]) -> Request:
        """What is sent to start a run.

        Raises:
            ConfigError: something that it needs is missing.
        """

    def job(self, config: Config, image: str) -> VertexJob | None:
        """What Trainer, Tuner and RegistryPusher need to start jobs on Vertex AI; None where they do not."""
        return None

    def parameters(self, config: Config, target: Target) -> list[Parameter]:
        """Parameters of a run beside those that every orchestrator has."""
        return []

    def platform(self, config: Config, pipeline: Mapping[str, Any]) -> dict[str, Any]:
        """The second document of the file, a PlatformSpec as JSON values; empty where there is nothing to say.

        Args:
            config: with the platform section.
            pipeline: the specification that TFX compiled.
        """
        return {}

    def compiled(self, specification: Specification) -> bool:
        """Whether a specification can only have been compiled for it."""
        return False

    @property
    def runs_hooks(self) -> bool:
        """Whether it runs a container's hook before it asks the cache."""
        return "lifecycle" not in self.lacks


ORCHESTRATORS: Registry[type[Orchestrator]] = Registry(
    "orchestrator",
    {
        "kubeflow": "pipeline.kubeflow.orchestrators.kubeflow:Kubeflow",
        "vertex": "pipeline.kubeflow.orchestrators.vertex:Vertex",
    },
)


def orchestrator(name: str) -> Orchestrator:
    """The orchestrator of a name.

    Raises:
        UnknownKindError: there is none.
    """
    return ORCHESTRATORS[name]()


def compiled_for(specification: Specification) -> Orchestrator:
    """The orchestrator that a specification was compiled for, told by what only it can run; Kubeflow otherwise."""
    found = [made for made in map(orchestrator, ORCHESTRATORS.kinds) if made.compiled(specification)]
    return found[0] if found else orchestrator("kubeflow")


def nodes_of(config: Config) -> Iterator[tuple[str, NodeConfig]]:
    """The settings of nodes, each with the name of its place in the configuration."""
    yield "platform.defaults", config.platform.defaults
    for name, node in config.platform.nodes.items():
        yield f"platform.nodes.{name}", node
