"""The one pipeline definition, for every orchestrator: `create_pipeline` reads like the diagram in docs/design.md."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

from ml_metadata.proto import metadata_store_pb2
from tfx import v1 as tfx

from pipeline.components.edge_evaluator import EdgeEvaluator
from pipeline.components.linear_baseline import LinearBaseline
from pipeline.components.pruner import Pruner
from pipeline.components.pusher import Pusher
from pipeline.components.registry_pusher import RegistryPusher
from pipeline.components.tflite_converter import TFLiteConverter
from pipeline.components.transform import Transform
from pipeline.config.rows import span_pattern
from pipeline.config.task import Config
from pipeline.graph import code_digest, evaluation, lookups, report, vertex_training
from pipeline.graph.engines import LOCAL, Engine, VertexJob
from pipeline.graph.evaluation import BUNDLE_CODE, BUNDLE_SECTIONS, columns
from pipeline.graph.validation import validation, vocabulary_digest
from pipeline.ingest import example_gen as ingest
from pipeline.ingest import rows
from pipeline.ingest.component import RowsExampleGen
from pipeline.ingest.span_driver import range_config

SPLITS = ("train", "eval", "test")


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
    example_gen = _example_gen(config, places)
    examples = example_gen.outputs["examples"]
    schema_gen = tfx.components.ImportSchemaGen(schema_file=places.schema)
    schema = schema_gen.outputs["schema"]
    checks = validation(
        config,
        examples,
        schema,
        serving=places.serving_logs,
        statistics_folder=f"{places.push}/statistics",
        engine=engine,
    )
    example_validator = checks[-1]
    transform = _transform(config, examples, schema)
    transform.add_upstream_node(example_validator)  # nothing is computed from rows that do not fit the schema
    baseline = _linear_baseline(config, examples)
    baseline.add_upstream_node(example_validator)
    search = _hyperparameters(config, transform, engine)
    warm_start = _warm_start(config, places, examples, engine)
    trainer = _trainer(config, transform, search, warm_start, engine.vertex)
    candidate = trainer.outputs["model"]
    resolver = lookups.baseline(engine, candidate, f"{places.push}/server")
    evaluator = evaluation.evaluator(config, examples, candidate, resolver.outputs["model"])
    test_evaluator = evaluation.test_evaluator(config, examples, candidate)
    card = evaluation.server_card(config, candidate, evaluator, test_evaluator)
    pusher = Pusher(
        model=candidate,
        model_blessing=evaluator.outputs["blessing"],
        model_card=card.outputs["card"],
        push_destination=_folder(f"{places.push}/server"),
        custom_config={"keep_versions": config.pusher.keep_versions},
    )
    edge = _edge_branch(config, places, examples, transform, candidate, evaluator)
    nodes = [
        example_gen,
        schema_gen,
        *checks,
        transform,
        baseline,
        *search,
        *warm_start,
        trainer,
        resolver,
        evaluator,
        test_evaluator,
        card,
        pusher,
        *_registry(config, candidate, evaluator, engine.vertex),
        *edge,
    ]
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


def _example_gen(config: Config, places: Places) -> RowsExampleGen:
    folder, file = span_pattern.split(places.data)
    splits = [tfx.proto.SplitConfig.Split(name=name, hash_buckets=getattr(config.data.splits, name)) for name in SPLITS]
    settings = {
        **columns(config),
        "source": config.data.source.model_dump(mode="json"),
        "cleaning": config.data.cleaning.model_dump(mode="json"),
        "train_fraction": config.data.train_fraction,
        "augmentation": config.data.augmentation.settings(),
        "marker": config.data.spans.marker,
        "sources": code_digest.digest("pipeline.ingest.example_gen"),
    }
    return RowsExampleGen(
        input_base=folder,
        input_config=tfx.proto.Input(splits=[tfx.proto.Input.Split(name="all", pattern=file)]),
        output_config=tfx.proto.Output(
            split_config=tfx.proto.SplitConfig(splits=splits, partition_feature_name=rows.TEXT_HASH)
        ),
        custom_config=ingest.custom_config(settings),
        range_config=range_config(config.data.spans) if config.data.has_spans else None,
    ).with_id("ExampleGen")


def _transform(config: Config, examples: Any, schema: Any) -> Transform:
    return Transform(
        examples=examples,
        schema=schema,
        splits_config=tfx.proto.SplitsConfig(analyze=["train"], transform=list(SPLITS)),
        preprocessing_fn="modules.preprocessing.preprocessing_fn",
        custom_config=_custom_config(
            config,
            ("modules.preprocessing", "pipeline.components.transform"),
            "labels",
            "data",
            "preprocessing",
            "backbone",
        ),
        disable_statistics=True,
    )


def _linear_baseline(config: Config, examples: Any) -> LinearBaseline:
    settings = {
        **columns(config),
        "seed": config.trainer.seed,
        "sources": code_digest.digest("modules.quality.linear_baseline"),
    }
    return LinearBaseline(examples=examples, settings=settings)


def _hyperparameters(config: Config, transform: Any, engine: Engine) -> list[Any]:
    """The node that yields hyperparameters, if any: the tuner, or a look-up of its latest result."""
    if config.tuner.reuse == "latest":
        return [lookups.hyperparameters(engine)]
    if not config.tuner.enabled:
        return []
    sections = ("labels", "data", "preprocessing", "backbone", "trainer", "tuner")
    return [
        vertex_training.tuner_class(engine.vertex)(
            examples=transform.outputs["transformed_examples"],
            transform_graph=transform.outputs["transform_graph"],
            tuner_fn="modules.tuner.tuner_fn",
            train_args=tfx.proto.TrainArgs(splits=["train"]),
            eval_args=tfx.proto.EvalArgs(splits=["eval"]),
            custom_config={
                **_custom_config(config, "modules.tuner", *sections),
                **vertex_training.custom_config(engine.vertex, search=True),
            },
            **vertex_training.tune_args(engine.vertex),
        )
    ]


def _warm_start(config: Config, places: Places, examples: Any, engine: Engine) -> list[Any]:
    """The node that yields the model to go on from, if any."""
    if not config.warm_starts:
        return []
    return [lookups.warm_start(engine, f"{places.push}/server", examples if config.data.has_spans else None)]


def _trainer(
    config: Config, transform: Any, search: list[Any], warm_start: list[Any], job: VertexJob | None
) -> tfx.components.Trainer:
    sections = ("labels", "data", "preprocessing", "backbone", "trainer")
    return vertex_training.trainer_class(job)(
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        run_fn="modules.trainer.run_fn",
        hyperparameters=search[0].outputs["best_hyperparameters"] if search else None,
        base_model=warm_start[0].outputs["model"] if warm_start else None,
        train_args=tfx.proto.TrainArgs(splits=["train"]),
        eval_args=tfx.proto.EvalArgs(splits=["eval"]),
        custom_config={
            **_custom_config(config, "modules.trainer", *sections),
            **vertex_training.custom_config(job, search=False),
        },
    )


def _registry(config: Config, model: Any, evaluator: Any, job: VertexJob | None) -> list[RegistryPusher]:
    if not (job and job.registry):
        return []
    settings = {
        "name": f"edgeline-{config.task}",
        "project": job.project,
        "region": job.region,
        "encryption_key": job.encryption_key,
        "registry": job.registry.model_dump(mode="json"),
    }
    return [RegistryPusher(model=model, model_blessing=evaluator.outputs["blessing"], settings=settings)]


def _edge_branch(
    config: Config, places: Places, examples: Any, transform: Any, model: Any, evaluator: Any
) -> list[Any]:
    """From the blessed model to a pushed bundle: each step a node, so that a new gate does not convert again."""
    transformed = transform.outputs["transformed_examples"]
    pruner = Pruner(
        transformed_examples=transformed,
        model=model,
        model_blessing=evaluator.outputs["blessing"],
        settings=_edge_settings(config, "pruner", "pipeline.components.pruner"),
    )
    converter = TFLiteConverter(
        transformed_examples=transformed,
        model=model,
        pruned_model=pruner.outputs["pruned_model"],
        settings=_edge_settings(config, "converter", "pipeline.components.tflite_converter"),
    )
    edge_evaluator = EdgeEvaluator(
        examples=examples,
        variants=converter.outputs["variants"],
        model=model,
        settings={
            **_edge_settings(config, "edge_evaluator", "pipeline.components.edge_evaluator"),
            **columns(config),
            "task": config.task,
            "digests": {
                "config": config.digest_of(*BUNDLE_SECTIONS),
                "code": code_digest.digest(*BUNDLE_CODE),
            },
        },
    )
    card = evaluation.edge_card(config, model, edge_evaluator)
    edge_pusher = Pusher(
        model=edge_evaluator.outputs["bundle"],
        model_blessing=edge_evaluator.outputs["blessing"],
        model_card=card.outputs["card"],
        push_destination=_folder(f"{places.push}/edge"),
        custom_config={"keep_versions": config.pusher.keep_versions, "card_place": ""},
    ).with_id("EdgePusher")
    return [pruner, converter, edge_evaluator, card, edge_pusher]


def _edge_settings(config: Config, section: str, module: str) -> dict[str, Any]:
    """The settings of a node behind the blessing."""
    return {
        **config.node_settings(section),
        "sequence_length": config.preprocessing.sequence_length,
        "sources": code_digest.digest(module),
    }


def _custom_config(config: Config, module: str | tuple[str, ...], *sections: str) -> dict[str, Any]:
    """A node's settings, with nothing in them that the node does not depend on, and a digest of its code."""
    settings = config.node_settings(*sections)
    if "data" in settings:
        settings["data"] = {"columns": settings["data"]["columns"]}
    vocabulary = vocabulary_digest(config)
    if "backbone" in settings and vocabulary:
        settings["vocabulary"] = vocabulary
    return {**settings, "sources": code_digest.digest(*([module] if isinstance(module, str) else module))}


def _folder(path: str) -> tfx.proto.PushDestination:
    return tfx.proto.PushDestination(filesystem=tfx.proto.PushDestination.Filesystem(base_directory=path))
