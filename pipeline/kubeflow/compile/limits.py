"""Settings that an engine cannot honour, each as one clear line before anything is compiled or submitted."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline import nodes
from pipeline.config.platform import BeamConfig, NodeConfig
from pipeline.config.task import Config
from pipeline.kubeflow.contract.target import DATASET, Target, scheme
from pipeline.kubeflow.orchestrators.base import orchestrator


def problems(config: Config, target: Target) -> list[str]:
    """Everything in the platform section that the target cannot do, one line each."""
    engine = orchestrator(target.engine)
    found = [*engine.problems(config, target), *_beam(config, target)]
    for name, row in nodes.rows().items():
        node = config.platform.nodes.get(name)
        if engine.lookups in row.query and node is not None and node != NodeConfig():
            found.append(f"platform.nodes.{name}: on {target.engine} this node has no container that could have it.")
    return found


def _beam(config: Config, target: Target) -> Iterator[str]:
    reads_data = [name for name, row in nodes.rows().items() if "data" in row.takes]
    for name in nodes.beam_nodes():
        beam = config.platform.beam_of(name)
        if beam.runner == "direct":
            continue
        where = f"platform.nodes.{name}.beam" if config.platform.node(name).beam else f"platform.beam ({name})"
        if target.copied:
            yield (
                f"{where}: {beam.runner}: its workers cannot read {scheme(target.pipeline_root)}:// artifacts, which "
                "Kubeflow copies into the node's own container; use a gs:// pipeline root or a shared volume."
            )
        if name in reads_data and target.data.startswith(DATASET):
            yield f"{where}: {beam.runner}: its workers cannot read {target.data}; give --data gs://…."
        if name in reads_data and target.data.endswith(".sql"):
            yield f"{where}: {beam.runner}: its workers see no secret of the node; put the query with direct Beam."
        if beam.runner == "dataflow":
            yield from _dataflow(config, target, beam, where)


def _dataflow(config: Config, target: Target, beam: BeamConfig, where: str) -> Iterator[str]:
    if scheme(target.pipeline_root) != "gs":
        yield f"{where}: dataflow needs a gs:// pipeline root for its temporary files."
    for name in ("project", "region"):
        if not (beam.options.get(name) or getattr(config.platform.vertex, name)):
            yield f"{where}: dataflow needs options.{name} (or platform.vertex.{name})."
