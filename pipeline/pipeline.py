"""The one pipeline definition, for every orchestrator: `create_pipeline` reads like the diagram in docs/design.md."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

from ml_metadata.proto import metadata_store_pb2
from tfx import v1 as tfx

from pipeline.config.task import Config
from pipeline.graph import evaluation, lookups, pushing, report, rows, training
from pipeline.graph.edge import edge_branch
from pipeline.graph.engines import LOCAL, Engine
from pipeline.graph.extensions import extension_nodes
from pipeline.graph.validation import validation


@dataclasses.dataclass(frozen=True)
class Places:
    """Where a run reads and writes; everything else is in the configuration.

    Attributes:
        data: file, glob of files, or pattern of spans, with the rows or the query.
        pipeline_root: root of all artifacts.
        push: folder that holds `server/` and `edge/`.
        schema: the curated schema, a local path or a URI.
        serving_logs: file or glob of files with what was served; empty where nobody keeps that.
    """

    data: str
    pipeline_root: str
    push: str
    schema: str
    serving_logs: str = ""


def create_pipeline(
    config: Config,
    places: Places,
    *,
    metadata_connection_config: metadata_store_pb2.ConnectionConfig | None = None,
    beam_pipeline_args: Sequence[str] = (),
    enable_cache: bool = True,
    engine: Engine = LOCAL,
) -> tfx.dsl.Pipeline:
    """Builds the pipeline.

    Args:
        config: the task's resolved configuration.
        places: where it reads and writes.
        metadata_connection_config: the metadata store; None where the orchestrator has its own.
        beam_pipeline_args: for every node that runs on Beam.
        enable_cache: False executes every node.
        engine: what the orchestrator can do.

    Returns:
        The pipeline, named after the task.
    """
    example_gen = rows.example_gen(config, places.data)
    examples = example_gen.outputs["examples"]
    schema_gen = rows.schema(places.schema)
    schema = schema_gen.outputs["schema"]
    checks = validation(
        config,
        examples,
        schema,
        serving=places.serving_logs,
        statistics_folder=f"{places.push}/statistics",
        engine=engine,
    )
    statistics, example_validator = checks[0].outputs["statistics"], checks[-1]
    transform = rows.transform(config, examples, schema)
    transform.add_upstream_node(example_validator)  # nothing is computed from rows that do not fit the schema
    baseline = rows.linear_baseline(config, examples, example_validator)
    search = training.hyperparameters(config, transform, engine)
    warm_start = training.warm_start(config, f"{places.push}/server", examples, engine)
    trainer = training.trainer(config, transform, search, warm_start, engine.vertex)
    candidate = trainer.outputs["model"]
    shared = config.evaluator.other_labels == "shared"
    resolver = lookups.baseline(engine, candidate, f"{places.push}/server", shared_labels=shared)
    linear = baseline[0].outputs["evaluation"] if baseline else None
    evaluator = evaluation.evaluator(config, examples, candidate, resolver.outputs["model"], linear)
    test_evaluator = evaluation.test_evaluator(config, examples, candidate, linear)
    card = evaluation.server_card(config, candidate, evaluator, test_evaluator, statistics)
    pusher = pushing.server(config, f"{places.push}/server", candidate, evaluator, card)
    edge = (
        edge_branch(config, f"{places.push}/edge", examples, transform, candidate, evaluator, statistics)
        if config.edge
        else []
    )
    nodes = [
        example_gen,
        schema_gen,
        *checks,
        transform,
        *baseline,
        *search,
        *warm_start,
        trainer,
        resolver,
        evaluator,
        test_evaluator,
        card,
        pusher,
        *pushing.registry(config, candidate, evaluator, engine.vertex),
        *edge,
    ]
    nodes += extension_nodes(config, nodes)
    nodes.append(report.reporter(config, nodes))
    for node in nodes:
        if node.id in engine.beam_args:
            node.with_beam_pipeline_args(engine.beam_args[node.id])
    return tfx.dsl.Pipeline(
        pipeline_name=f"edgeline-{config.task}",
        pipeline_root=places.pipeline_root,
        components=nodes,
        enable_cache=enable_cache,
        metadata_connection_config=metadata_connection_config,
        beam_pipeline_args=list(beam_pipeline_args),
    )
