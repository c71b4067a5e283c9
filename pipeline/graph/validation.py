"""The stage between rows and features: statistics, what they are compared with, and the node that says no."""

from __future__ import annotations

from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

from tfx import v1 as tfx
from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.dsl.components.base import executor_spec

from pipeline.components.example_validator import ExampleValidator, ExampleValidatorNodeSettings
from pipeline.components.statistics_gen import StatisticsGen, StatisticsGenNodeSettings
from pipeline.config.rows import span_pattern
from pipeline.config.task import Config
from pipeline.graph import lookups
from pipeline.graph.engines import Engine
from pipeline.graph.settings import columns, common, others, vocabulary_digest
from pipeline.ingest import custom_config, serving_logs


def validation(
    config: Config, examples: Any, schema: Any, *, serving: str, statistics_folder: str, engine: Engine
) -> list[Any]:
    """From examples to the verdict on them.

    Args:
        config: the task's configuration.
        examples: ExampleGen's output.
        schema: the curated schema.
        serving: files with what was served; empty where nobody keeps that.
        statistics_folder: where statistics are kept from span to span on engines without queries.
        engine: what the orchestrator can do.

    Returns:
        The nodes, StatisticsGen first and ExampleValidator last.
    """
    # Numbers are no labels that could be counted, and several labels in a cell are not one.
    label = config.target.column if config.target.names and not config.target.cell.separator else None
    statistics_gen = StatisticsGen(
        examples=examples,
        settings=_statistics_settings(config, label, config.compared_split),
    )
    statistics = statistics_gen.outputs["statistics"]
    serving_nodes = _serving(config, serving) if serving else []
    previous = [lookups.previous_statistics(engine, statistics, statistics_folder)] if config.data.has_spans else []
    keeps = config.data.has_spans and engine.lookups != "store"
    example_validator = ExampleValidator(
        statistics=statistics,
        schema=schema,
        previous_statistics=previous[0].outputs["statistics"] if previous else None,
        serving_statistics=serving_nodes[-1].outputs["statistics"] if serving_nodes else None,
        settings=ExampleValidatorNodeSettings(
            validator=config.validator,
            inputs=config.inputs,
            split=config.compared_split,
            keep=statistics_folder if keeps else "",
            **common(config, "ExampleValidator"),
        ),
    )
    return [statistics_gen, *previous, *serving_nodes, example_validator]


def _serving(config: Config, path: str) -> list[Any]:
    """What was served, and its statistics, made as those of the rows are."""
    folder, file = span_pattern.split(path)
    split = tfx.proto.SplitConfig.Split(name=serving_logs.SPLIT, hash_buckets=1)
    found = columns(config)
    settings = serving_logs.ServingExampleGenNodeSettings(
        text=found.text, slices=found.slices, others=others(config), **common(config, "ServingExampleGen")
    )
    example_gen = FileBasedExampleGen(
        input_base=folder,
        input_config=tfx.proto.Input(splits=[tfx.proto.Input.Split(name="all", pattern=file)]),
        output_config=tfx.proto.Output(split_config=tfx.proto.SplitConfig(splits=[split])),
        custom_config=custom_config.packed(settings),
        custom_executor_spec=executor_spec.BeamExecutorSpec(serving_logs.ServingLogsExecutor),
    ).with_id("ServingExampleGen")
    statistics_gen = StatisticsGen(
        examples=example_gen.outputs["examples"], settings=_statistics_settings(config, None, serving_logs.SPLIT)
    ).with_id("ServingStatisticsGen")
    return [example_gen, statistics_gen]


def _statistics_settings(config: Config, label: str | None, split: str) -> StatisticsGenNodeSettings:
    return StatisticsGenNodeSettings(
        inputs=config.inputs,
        label=label,
        split=split,
        sample_rows=config.validator.sample_rows,
        vocabulary=vocabulary_digest(config),
        **common(config, "StatisticsGen"),
    )
