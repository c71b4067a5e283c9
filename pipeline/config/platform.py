"""The configuration of the platform: what each node gets on Kubeflow Pipelines or Vertex AI.

The local runner reads nothing of it. Nothing here imports TensorFlow or TFX.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from modules.settings import Section

from pydantic import AfterValidator, Field, model_validator

from pipeline import nodes as table
from pipeline.config.model_registry import RegistryConfig

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_LEAST_MEMORY, _MOST_MEMORY = 64 * 2**20, 32 * 2**40
# What trains needs more than an engine gives by itself; a pod that asks for nothing is the first to be evicted.
_TRAINING_NODES = ("Trainer", "Tuner", "Pruner")
_TRAINING_CPU, _TRAINING_MEMORY = 4.0, "16G"
Quantity = Annotated[str, Field(pattern=r"^\d+(\.\d+)?(Ki|Mi|Gi|Ti|K|M|G|T)?$")]
Port = Annotated[str, Field(pattern=r"^[^:/\s]+:\d+$")]
AbsolutePath = Annotated[str, Field(pattern=r"^/[^\s]*[^/\s]$")]


def _some_memory(text: str) -> str:
    number = text.rstrip("KMGTi")
    if not _LEAST_MEMORY <= float(number) * _UNITS[text[len(number) :]] <= _MOST_MEMORY:
        raise ValueError(f"{text}: no machine has that; memory lies in 64Mi … 32Ti")
    return text


class BeamConfig(Section):
    """Where Beam works."""

    runner: Literal["direct", "dataflow", "flink", "spark"] = "direct"
    """`direct`: inside the node's own container; the others need what docs/scale.md says."""
    job_endpoint: Port | None = None
    """Flink and Spark: `host:port` of Beam's job server."""
    worker_pool: Port = "localhost:50000"
    """Flink and Spark: `host:port` of the Python workers as the task managers see it; a sidecar by default."""
    options: dict[str, str | int | bool] = {}
    """More Beam options without their dashes, e.g. `max_num_workers: 20`."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.runner in ("flink", "spark") and not self.job_endpoint:
            raise ValueError(f"the {self.runner} runner needs job_endpoint, `host:port` of Beam's job server")
        return self


class GpuConfig(Section):
    """Accelerators of a node."""

    type: str
    """Vertex AI: `NVIDIA_TESLA_T4` and its like. Kubeflow: the resource that the node offers, `nvidia.com/gpu`."""
    count: int = Field(1, ge=1)
    """How many."""


class NodeConfig(Section):
    """What one node gets; an empty field falls back to `platform.defaults`."""

    cpu: float | None = Field(None, gt=0, le=1024)
    """Cores, both requested and the limit. Empty here and in the defaults: 4 for Trainer, Tuner and Pruner."""
    memory: Annotated[Quantity, AfterValidator(_some_memory)] | None = None
    """Memory, such as `16G`, both requested and the limit. Empty here and in the defaults: `16G` for these three."""
    gpu: GpuConfig | None = None
    """Accelerators."""
    node_selector: dict[str, str] = {}
    """Labels that the machine must have; Kubeflow only."""
    beam: BeamConfig | None = None
    """Where this node's Beam pipeline works; only of nodes that run on Beam."""
    cache: bool | None = None
    """Whether the engine may take an earlier result."""
    retries: int | None = Field(None, ge=0, le=10)
    """How often the engine starts a failed task again."""


class VolumeConfig(Section):
    """A volume that every node's container mounts; Kubeflow only."""

    claim: str
    """Name of the persistent volume claim, ReadWriteMany."""
    path: AbsolutePath
    """Where it is mounted."""


class SecretConfig(Section):
    """A key of a Kubernetes secret as an environment variable of every node; Kubeflow only."""

    name: str
    """Name of the secret."""
    key: str
    """The key inside."""
    env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    """Name of the variable."""


class VertexTrainingConfig(Section):
    """Trainer and Tuner as jobs of Vertex AI Training, on machines of their own."""

    machine_type: str = "n1-standard-8"
    """Machine of every worker."""
    gpu: GpuConfig | None = None
    """Accelerators of every worker."""
    workers: int = Field(1, ge=1, le=64)
    """Machines that train one model together (MultiWorkerMirroredStrategy)."""
    parallel_trials: int = Field(1, ge=1, le=64)
    """Machines that search together, one trial each at a time."""


class VertexConfig(Section):
    """Vertex AI; `submit` has an option for each of the first four."""

    project: str | None = None
    """The project that pays."""
    region: str | None = None
    """Such as `europe-west4`."""
    network: str | None = None
    """Full name of a peered network, `projects/NUMBER/global/networks/NAME`."""
    encryption_key: str | None = None
    """Customer-managed key, `projects/…/cryptoKeys/NAME`."""
    training: VertexTrainingConfig | None = None
    """Set it to run Trainer and Tuner on Vertex AI Training."""
    registry: RegistryConfig | None = None
    """Set it to push to the Model Registry as well."""


class KubeflowConfig(Section):
    """Open-source Kubeflow Pipelines; `submit` has an option for each."""

    host: str | None = None
    """Address of the API, as the kfp client wants it."""
    namespace: str | None = None
    """The profile's namespace in a multi-user deployment."""
    experiment: str | None = None
    """Experiment of the runs. Empty: the pipeline's name."""


class PlatformConfig(Section):
    """Where and with what the nodes run, beyond this machine."""

    image: str | None = None
    """Container image of every node, with its registry and tag (or `--image`)."""
    pipeline_root: str | None = None
    """Root of all artifacts (or `--pipeline-root`)."""
    push_root: str | None = None
    """Where blessed models go: `server/` and `edge/`. Empty: `pushed` under the pipeline root."""
    service_account: str | None = None
    """Whom the nodes run as (or `--service-account`)."""
    labels: dict[str, str] = {}
    """Labels of the run (Vertex AI) or of every pod (Kubeflow)."""
    beam: BeamConfig = BeamConfig()
    """Where the Beam nodes work, unless a node says otherwise."""
    defaults: NodeConfig = NodeConfig(cache=True, retries=1)
    """For every node that does not say otherwise."""
    nodes: dict[str, NodeConfig] = {}
    """By node name."""
    volumes: list[VolumeConfig] = []
    """Volumes of every node."""
    secrets: list[SecretConfig] = []
    """Secrets of every node."""
    vertex: VertexConfig = VertexConfig()
    """Vertex AI."""
    kubeflow: KubeflowConfig = KubeflowConfig()
    """Kubeflow Pipelines."""

    @model_validator(mode="after")
    def _known_nodes(self) -> Self:
        rows = table.rows()
        for name, node in self.nodes.items():
            if name not in rows:
                near = difflib.get_close_matches(name, rows, n=1)
                hint = f" Did you mean {near[0]}?" if near else ""
                raise ValueError(f"nodes.{name}: there is no such node.{hint} There are: {', '.join(rows)}")
            if node.beam is not None and not rows[name].beam:
                on_beam = ", ".join(table.beam_nodes())
                raise ValueError(f"nodes.{name}.beam: {name} does not run on Beam; {on_beam} do")
        if self.defaults.beam is not None:
            raise ValueError("defaults.beam: set platform.beam instead")
        return self

    def node(self, name: str) -> NodeConfig:
        """The settings of a node, with the defaults where it has none of its own.

        What trains gets processors and memory also where nobody says how much.
        """
        own: Mapping[str, object] = {
            field: value
            for field, value in self.nodes.get(name, NodeConfig())
            if value is not None and (field != "node_selector" or value)
        }
        merged = self.defaults.model_copy(update=dict(own))
        if name not in _TRAINING_NODES:
            return merged
        return merged.model_copy(
            update={"cpu": merged.cpu or _TRAINING_CPU, "memory": merged.memory or _TRAINING_MEMORY}
        )

    def beam_of(self, name: str) -> BeamConfig:
        """Where a Beam node works."""
        return self.node(name).beam or self.beam
