"""From rows to features, and the model to beat on the same rows."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from modules.entry_settings import TransformNodeSettings
from modules.inputs import kinds

from tfx import v1 as tfx

from pipeline.components.import_schema_gen import ImportSchemaGen
from pipeline.components.linear_baseline import LinearBaseline, LinearBaselineNodeSettings
from pipeline.components.transform import Transform
from pipeline.config.rows import span_pattern
from pipeline.config.task import Config
from pipeline.graph.settings import columns, common, features, others
from pipeline.ingest import custom_config, rows
from pipeline.ingest.component import RowsExampleGen
from pipeline.ingest.example_gen import ExampleGenNodeSettings
from pipeline.ingest.span_driver import range_config

SPLITS = ("train", "eval", "test")


def example_gen(config: Config, data: str) -> RowsExampleGen:
    """Rows of any source to examples.

    Args:
        config: the task's configuration.
        data: file, glob of files, or pattern of spans.
    """
    folder, file = span_pattern.split(data)
    splits = [tfx.proto.SplitConfig.Split(name=name, hash_buckets=getattr(config.data.splits, name)) for name in SPLITS]
    feature = rows.SPLIT_KEY if config.data.splits.column else rows.TEXT_HASH
    augmentation = config.data.augmentation
    varying = [part for part, _ in kinds.playing(config.inputs, "variation").values()]
    settings = ExampleGenNodeSettings(
        columns=columns(config),
        labels=config.target.names,
        cell=config.target.cell,
        others=others(config),
        source=config.data.source,
        cleaning=config.data.cleaning,
        train_fraction=config.data.train_fraction,
        split=config.data.splits.rule,
        augmentation=augmentation if augmentation.enabled else None,
        augmentation_files=augmentation.files(),
        variations={part.column: part.parts["variation"] for part in varying} if augmentation.enabled else {},
        marker=config.data.spans.marker,
        **common(config, "ExampleGen"),
    )
    return RowsExampleGen(
        input_base=folder,
        input_config=tfx.proto.Input(splits=[tfx.proto.Input.Split(name="all", pattern=file)]),
        output_config=tfx.proto.Output(
            split_config=tfx.proto.SplitConfig(splits=splits, partition_feature_name=feature)
        ),
        custom_config=custom_config.packed(settings),
        range_config=range_config(config.data.spans) if config.data.has_spans else None,
    ).with_id("ExampleGen")


def schema(path: str) -> ImportSchemaGen:
    """The curated schema.

    Args:
        path: its file, here or in a bucket.
    """
    file = Path(path)
    content = hashlib.sha256(file.read_bytes()).hexdigest() if "://" not in path and file.is_file() else ""
    return ImportSchemaGen(schema_file=path, content=content)


def transform(config: Config, examples: Any, schema: Any) -> Transform:
    """Examples to the features that the network reads.

    Args:
        config: the task's configuration.
        examples: ExampleGen's output.
        schema: the curated schema.
    """
    settings = TransformNodeSettings(**features(config, "Transform") | {"target": config.target.undecided()})
    return Transform(
        examples=examples,
        schema=schema,
        splits_config=tfx.proto.SplitsConfig(analyze=["train"], transform=list(SPLITS)),
        preprocessing_fn="modules.preprocessing.preprocessing_fn",
        custom_config=settings.to_values(),
        disable_statistics=True,
    )


def linear_baseline(config: Config, examples: Any, validator: Any) -> list[LinearBaseline]:
    """The model to beat, on the same rows; none where no linear one reads them, or the target knows none.

    Args:
        config: the task's configuration.
        examples: ExampleGen's output.
        validator: the node that the rows must have passed.
    """
    if not kinds.linear(config.inputs) or "linear" not in config.target.parts:
        return []
    settings = LinearBaselineNodeSettings(
        columns=columns(config),
        inputs=config.inputs,
        target=config.target,
        seed=config.trainer.seed,
        **common(config, "LinearBaseline"),
    )
    node = LinearBaseline(examples=examples, settings=settings)
    node.add_upstream_node(validator)
    return [node]
