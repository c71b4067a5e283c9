"""What is looked at before a run, without TensorFlow: the rows, and the schema's labels and columns."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from modules.inputs import kinds

from pipeline.config import loader
from pipeline.config.task import Config
from pipeline.ingest import cleaning, rows, sources
from pipeline.local import data_files

_FIRST_ROWS = 20_000


def layout(config: Config) -> rows.Layout:
    """What a row of this configuration looks like."""
    text = kinds.identity_column(config.inputs)
    others = tuple(column for column in kinds.columns(config.inputs) if column.name != text)
    return rows.Layout(
        text,
        config.target.column,
        tuple(config.data.columns.slices),
        tuple(config.target.names),
        others,
        config.target.columns()[0].type,
    )


def check_data(config: Config, *, most: int | None = None) -> dict[str, Any]:
    """Reads the rows once, without Beam, and checks each by itself.

    Args:
        config: the resolved configuration.
        most: end after so many rows; None reads all.

    Returns:
        `{"file", "rows", "counts", "quarantined", "examples"}`: the rows that can be used, their counts by column and
        value, how many cannot be used by reason, and the first of these. Duplicates are not looked for.

    Raises:
        DataError: the file is wrong, or so many rows that a run would fail.
    """
    shape = layout(config)
    records = itertools.chain.from_iterable(
        sources.read(str(path), config.data.source, shape.columns) for path in data_files.files(config)
    )
    found = cleaning.tally(itertools.islice(records, most), shape, config.data.cleaning)
    return {"file": data_files.data_path(config), **found}


def first_look(config: Config) -> Path:
    """Refuses in a moment what a run would refuse after minutes; ExampleGen checks all rows."""
    formats = {sources.format_of(str(path), config.data.source) for path in data_files.files(config)}
    if "tfrecord" not in formats:  # only TensorFlow reads it, whose import is the run's own
        check_data(config, most=_FIRST_ROWS)
    return data_files.data_path(config)


def check_schema(config: Config) -> None:
    """Compares the labels of the configuration with the schema's domain, without TensorFlow.

    Raises:
        ConfigError: the schema is missing, cannot be parsed, or names other labels or lacks a column.
    """
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    path = config.schema_file
    if not path.is_file():
        raise loader.ConfigError(f"schema_path: {path}: no such file. `make schema` drafts one from the data.")
    try:
        schema = text_format.Parse(path.read_text(encoding="utf-8"), schema_pb2.Schema())
    except text_format.ParseError as error:
        raise loader.ConfigError(f"{path}: not a schema: {error}.") from None
    features = {feature.name: feature for feature in schema.feature}
    for name in (*layout(config).columns, rows.TEXT_HASH):
        if name not in features:
            raise loader.ConfigError(
                f"{path}: the schema has no feature {name!r}; it has: {', '.join(features)}. Add it, or draft a new "
                "schema with `make schema`."
            )
    column, names = config.target.column, config.target.names
    label = features[column]
    domains = {domain.name: domain for domain in schema.string_domain}
    domain = label.string_domain if label.HasField("string_domain") else domains.get(label.domain)
    allowed = set(domain.value) if domain else set(names)
    if allowed != set(names):
        raise loader.ConfigError(
            f"{path}: the schema's domain of {column!r} is {sorted(allowed)}, the configuration's labels are "
            f"{sorted(names)}. Make them equal."
        )
