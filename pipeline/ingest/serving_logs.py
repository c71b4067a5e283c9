"""What was served, as examples: texts and what else the inputs read, of any file source, without labels.

A served text is what somebody typed, so an empty one is no error here; a line that cannot be read is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from modules.tensors import Column, ColumnType, raw_example  # and settles Keras 2 before TFX imports TensorFlow

import apache_beam as beam
import tensorflow as tf
from pydantic import ConfigDict
from tfx.components.example_gen.base_example_gen_executor import BaseExampleGenExecutor
from tfx.types import standard_component_specs

from edgeline_edge.picture import PictureError
from pipeline.config.rows.source import SourceConfig
from pipeline.ingest import files, pictures, sources
from pipeline.ingest.custom_config import FilesNodeSettings, unpacked
from pipeline.ingest.rows import DataError

SPLIT = "serving"


class ServingExampleGenNodeSettings(FilesNodeSettings):
    """What ServingExampleGen is told."""

    model_config = ConfigDict(extra="forbid")

    text: str
    """Field of the text."""
    slices: list[str] = []
    """Fields that are taken where a record has them."""
    others: dict[str, ColumnType] = {}
    """Types of the columns that further inputs read, by name."""


class ServingLogsExecutor(BaseExampleGenExecutor):
    """Reads served texts into examples with the text and those slice columns that the logs have."""

    def GetInputSourceToExamplePTransform(self) -> beam.PTransform:  # noqa: N802 - TFX's name
        """TFX's hook: the transform from a file pattern to examples."""
        return _logs_to_examples


def read_log(
    path: str, text: str, others: Sequence[str], source: SourceConfig, inputs: Sequence[Column] = ()
) -> Iterator[dict[str, str]]:
    """Reads one file; its name says what it is.

    Args:
        path: a file in any file system that TensorFlow reads.
        text: field of the text; empty where there is none.
        others: fields that are taken where a record has them.
        source: how it is read.
        inputs: columns of further inputs; without them no model can have answered.

    Yields:
        Values by field.

    Raises:
        DataError: the kind of file is not known, a line cannot be read, or a record lacks what an input reads.
    """
    for record in sources.read(path, source, opener=files.open_file):
        where = f"{record.file}:{record.line}"
        wrong = record.wrong("", {column.name for column in inputs if column.is_image})
        if wrong:
            raise DataError(f"{where}: {wrong}.")
        if text and text not in record.values:
            raise DataError(
                f"{where}: there is no text in the field {text!r} (data.columns.text); the record has: "
                f"{', '.join(record.values)}."
            )
        for column in inputs:
            if not column.readable(record.values.get(column.name, "")):
                raise DataError(
                    f"{where}: the field {column.name!r}, which an input reads, has "
                    f"{record.values.get(column.name)!r}, which is no {column.what}."
                )
        named = [*others, *(column.name for column in inputs)]
        found = {name: record.values[name] for name in named if record.values.get(name)}
        yield {text: record.values[text], **found} if text else found


@beam.ptransform_fn
def _logs_to_examples(pipeline: beam.Pipeline, exec_properties: dict[str, Any], split_pattern: str) -> beam.PCollection:
    base = exec_properties[standard_component_specs.INPUT_BASE_KEY]
    settings = unpacked(exec_properties, ServingExampleGenNodeSettings)
    found = files.matching(base, split_pattern)
    return pipeline | "Files" >> beam.Create(found) | "Records" >> beam.FlatMap(_read_file, settings)


def _read_file(path: str, settings: ServingExampleGenNodeSettings) -> Iterator[tf.train.Example]:
    inputs = [Column(name, kind) for name, kind in settings.others.items()]
    types = {column.name: column for column in inputs}
    for record in read_log(path, settings.text, settings.slices, settings.source, inputs):
        there = {name: value for name, value in record.items() if name in types and types[name].is_image}
        example = raw_example({name: value for name, value in record.items() if name not in there}, types)
        for name, value in there.items():
            example.features.feature[name].bytes_list.value.append(_picture(name, value, path))
        yield example


def _picture(name: str, value: str, path: str) -> bytes:
    try:
        return pictures.content(pictures.found(value, path, files.open_file), files.open_file)
    except PictureError as error:
        raise DataError(f"{path}: the picture in the field {name!r} cannot be used: {error}.") from error
