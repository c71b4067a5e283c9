"""What an orchestrator can and cannot do, as far as it changes the graph. Imports neither TensorFlow nor TFX."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

from pipeline.config.model_registry import RegistryConfig
from pipeline.config.platform import VertexTrainingConfig

Lookups = Literal["store", "latest", "pushed"]


@dataclasses.dataclass(frozen=True)
class VertexJob:
    """Trainer and Tuner as jobs of Vertex AI Training, and what the Model Registry needs.

    Attributes:
        image: container image of the workers.
        project: the project that pays; replaced by the run's parameter.
        region: where; replaced by the run's parameter.
        service_account: whom the workers run as.
        network: peered network of the workers.
        encryption_key: customer-managed key.
        training: machines; None trains in the node's own container.
        registry: Model Registry; None pushes to the push folder only.
    """

    image: str
    project: str
    region: str
    service_account: str | None
    network: str | None
    encryption_key: str | None
    training: VertexTrainingConfig | None
    registry: RegistryConfig | None


@dataclasses.dataclass(frozen=True)
class Engine:
    """How the graph is built for an orchestrator.

    Attributes:
        lookups: how earlier results are found. `store`: Edgeline's own query of the metadata store, which leaves the
            candidate out. `latest`: TFX's own queries, the only ones that Vertex AI can run. `pushed`: nodes that read
            the push folder, since open-source KFP runs no queries at all.
        beam_args: Beam arguments by node id, added to those of all nodes.
        vertex: Vertex AI's training and registry; None elsewhere.
    """

    lookups: Lookups = "store"
    beam_args: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    vertex: VertexJob | None = None


LOCAL = Engine()
