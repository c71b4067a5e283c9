"""The one pipeline definition, for every orchestrator: `create_pipeline` reads like the diagram in docs/design.md."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

from ml_metadata.proto import metadata_store_pb2
from tfx import v1 as tfx
from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.dsl.components.base import executor_spec

from pipeline import evaluation, sources
from pipeline.components.example_validator import ExampleValidator
from pipeline.components.linear_baseline import LinearBaseline
from pipeline.components.pusher import Pusher
from pipeline.config import Config
from pipeline.ingest import example_gen as ingest
from pipeline.ingest import rows
from pipeline.resolvers import LatestOtherBlessedModelStrategy

SPLITS = ("train", "eval", "test")


@dataclasses.dataclass(frozen=True)
class Places:
    """Where a run reads and writes; everything else is in the configuration.

    Attributes:
        data: CSV file or glob of CSV files with the rows.
        pipeline_root: root of all artifacts.
        push: folder that holds `server/` and `edge/`.
        schema: the curated schema, a local path or a URI.
    """

    data: str
    pipeline_root: str
    push: str
    schema: str


def create_pipeline(
    config: Config,
    places: Places,
    *,
    metadata_connection_config: metadata_store_pb2.ConnectionConfig | None = None,
    beam_pipeline_args: Sequence[str] = (),
    enable_cache: bool = True,
) -> tfx.dsl.Pipeline:
    """Builds the pipeline.

    Args:
        config: the task's resolved configuration.
        places: where it reads and writes.
        metadata_connection_config: the metadata store; None where the orchestrator has its own.
        beam_pipeline_args: for every node that runs on Beam.
        enable_cache: False executes every node.

    Returns:
        The pipeline, named after the task.
    """
    example_gen = _example_gen(config, places)
    examples = example_gen.outputs["examples"]
    statistics_gen = tfx.components.StatisticsGen(examples=examples)
    schema_gen = tfx.components.ImportSchemaGen(schema_file=places.schema)
    schema = schema_gen.outputs["schema"]
    example_validator = ExampleValidator(statistics=statistics_gen.outputs["statistics"], schema=schema)
    transform = _transform(config, examples, schema)
    transform.add_upstream_node(example_validator)  # nothing is computed from rows that do not fit the schema
    baseline = _linear_baseline(config, examples)
    baseline.add_upstream_node(example_validator)
    search = _hyperparameters(config, transform)
    warm_start = _warm_start(config)
    trainer = _trainer(config, transform, search, warm_start)
    candidate = trainer.outputs["model"]
    resolver = tfx.dsl.Resolver(
        strategy_class=LatestOtherBlessedModelStrategy, candidate=candidate, **_trained_models()
    ).with_id("LatestBlessedModelResolver")
    evaluator = tfx.components.Evaluator(
        examples=examples,
        example_splits=["eval"],
        model=candidate,
        baseline_model=resolver.outputs["model"],
        eval_config=evaluation.eval_config(config, gated=True),
    )
    test_evaluator = tfx.components.Evaluator(
        examples=examples,
        example_splits=["test"],
        model=candidate,
        eval_config=evaluation.eval_config(config, gated=False),
    ).with_id("TestEvaluator")
    pusher = Pusher(
        model=candidate,
        model_blessing=evaluator.outputs["blessing"],
        push_destination=_folder(f"{places.push}/server"),
        custom_config={"keep_versions": config.pusher.keep_versions},
    )
    nodes = [
        example_gen,
        statistics_gen,
        schema_gen,
        example_validator,
        transform,
        baseline,
        *search,
        *warm_start,
        trainer,
        resolver,
        evaluator,
        test_evaluator,
        pusher,
    ]
    return tfx.dsl.Pipeline(
        pipeline_name=f"edgeline-{config.task}",
        pipeline_root=places.pipeline_root,
        components=nodes,
        enable_cache=enable_cache,
        metadata_connection_config=metadata_connection_config,
        beam_pipeline_args=list(beam_pipeline_args),
    )


def _example_gen(config: Config, places: Places) -> FileBasedExampleGen:
    data = Path(places.data)
    splits = [tfx.proto.SplitConfig.Split(name=name, hash_buckets=getattr(config.data.splits, name)) for name in SPLITS]
    settings = {
        **_columns(config),
        "delimiter": config.data.delimiter,
        "train_fraction": config.data.train_fraction,
        "sources": sources.digest("pipeline.ingest.example_gen"),
    }
    return FileBasedExampleGen(
        input_base=str(data.parent),
        input_config=tfx.proto.Input(splits=[tfx.proto.Input.Split(name="all", pattern=data.name)]),
        output_config=tfx.proto.Output(
            split_config=tfx.proto.SplitConfig(splits=splits, partition_feature_name=rows.TEXT_HASH)
        ),
        custom_config=ingest.custom_config(settings),
        custom_executor_spec=executor_spec.BeamExecutorSpec(ingest.CsvExecutor),
    ).with_id("ExampleGen")


def _transform(config: Config, examples: Any, schema: Any) -> tfx.components.Transform:
    return tfx.components.Transform(
        examples=examples,
        schema=schema,
        splits_config=tfx.proto.SplitsConfig(analyze=["train"], transform=list(SPLITS)),
        preprocessing_fn="modules.preprocessing.preprocessing_fn",
        custom_config=_custom_config(config, "modules.preprocessing", "labels", "data", "preprocessing", "backbone"),
        disable_statistics=True,
    )


def _linear_baseline(config: Config, examples: Any) -> LinearBaseline:
    settings = {**_columns(config), "seed": config.trainer.seed, "sources": sources.digest("modules.baseline")}
    return LinearBaseline(examples=examples, settings=settings)


def _hyperparameters(config: Config, transform: Any) -> list[Any]:
    """The node that yields hyperparameters, if any: the tuner, or a look-up of its latest result."""
    if config.tuner.reuse == "latest":
        return [
            tfx.dsl.Resolver(
                strategy_class=tfx.dsl.experimental.LatestArtifactStrategy,
                best_hyperparameters=tfx.dsl.Channel(
                    type=tfx.types.standard_artifacts.HyperParameters, producer_component_id="Tuner"
                ),
            ).with_id("LatestHyperparametersResolver")
        ]
    if not config.tuner.enabled:
        return []
    sections = ("labels", "data", "preprocessing", "backbone", "trainer", "tuner")
    return [
        tfx.components.Tuner(
            examples=transform.outputs["transformed_examples"],
            transform_graph=transform.outputs["transform_graph"],
            tuner_fn="modules.tuner.tuner_fn",
            train_args=tfx.proto.TrainArgs(splits=["train"]),
            eval_args=tfx.proto.EvalArgs(splits=["eval"]),
            custom_config=_custom_config(config, "modules.tuner", *sections),
        )
    ]


def _warm_start(config: Config) -> list[Any]:
    if not config.trainer.warm_start:
        return []
    return [
        tfx.dsl.Resolver(strategy_class=tfx.dsl.experimental.LatestBlessedModelStrategy, **_trained_models()).with_id(
            "WarmStartResolver"
        )
    ]


def _trainer(config: Config, transform: Any, search: list[Any], warm_start: list[Any]) -> tfx.components.Trainer:
    return tfx.components.Trainer(
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        run_fn="modules.trainer.run_fn",
        hyperparameters=search[0].outputs["best_hyperparameters"] if search else None,
        base_model=warm_start[0].outputs["model"] if warm_start else None,
        train_args=tfx.proto.TrainArgs(splits=["train"]),
        eval_args=tfx.proto.EvalArgs(splits=["eval"]),
        custom_config=_custom_config(
            config, "modules.trainer", "labels", "data", "preprocessing", "backbone", "trainer"
        ),
    )


def _trained_models() -> dict[str, Any]:
    """The queries for Trainer's models and Evaluator's blessings; other nodes emit such artifacts too."""
    artifacts = tfx.types.standard_artifacts
    return {
        "model": tfx.dsl.Channel(type=artifacts.Model, producer_component_id="Trainer"),
        "model_blessing": tfx.dsl.Channel(type=artifacts.ModelBlessing, producer_component_id="Evaluator"),
    }


def _columns(config: Config) -> dict[str, Any]:
    columns = config.data.columns
    return {"text": columns.text, "label": columns.label, "slices": columns.slices, "labels": config.labels}


def _custom_config(config: Config, module: str, *sections: str) -> dict[str, Any]:
    """A node's settings, with nothing in them that the node does not depend on, and a digest of its code."""
    settings = config.node_settings(*sections)
    if "data" in settings:
        settings["data"] = {"columns": settings["data"]["columns"]}
    return {**settings, "sources": sources.digest(module)}


def _folder(path: str) -> tfx.proto.PushDestination:
    return tfx.proto.PushDestination(filesystem=tfx.proto.PushDestination.Filesystem(base_directory=path))
