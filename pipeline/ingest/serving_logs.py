"""What was served, as examples: texts from JSON lines, CSV or TFRecord of `tf.Example`, without labels.

A served text is what somebody typed, so an empty one is no error here; a line that cannot be read is.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

import apache_beam as beam
import tensorflow as tf
from tfx.components.example_gen.base_example_gen_executor import BaseExampleGenExecutor
from tfx.types import standard_component_specs

from pipeline.ingest import example_gen, spans
from pipeline.ingest.rows import DataError

SPLIT = "serving"
_JSON, _CSV, _RECORDS = (".jsonl", ".ndjson", ".json"), (".csv",), (".tfrecord", ".tfrecord.gz", ".tfrecords")


class ServingLogsExecutor(BaseExampleGenExecutor):
    """Reads served texts into examples with the text and those slice columns that the logs have."""

    def GetInputSourceToExamplePTransform(self) -> beam.PTransform:  # noqa: N802 - TFX's name
        """TFX's hook: the transform from a file pattern to examples."""
        return _logs_to_examples


def read_log(path: str, text: str, others: list[str]) -> Iterator[dict[str, str]]:
    """Reads one file; its name says what it is.

    Args:
        path: a file in any file system that TensorFlow reads.
        text: field of the text.
        others: fields that are taken where a record has them.

    Yields:
        Values by field.

    Raises:
        DataError: the kind of file is not known, a line cannot be read, or a record has no text field.
    """
    if path.endswith(_JSON):
        records = _json_lines(path)
    elif path.endswith(_CSV):
        records = _csv_rows(path)
    elif path.endswith(_RECORDS):
        records = _tf_examples(path)
    else:
        known = ", ".join([*_JSON, *_CSV, *_RECORDS])
        raise DataError(f"{path}: data.serving_logs: expected a file that ends in one of {known}.")
    for number, record in records:
        value = record.get(text)
        if not isinstance(value, str):
            raise DataError(
                f"{path}:{number}: there is no text in the field {text!r} (data.columns.text); the record has: "
                f"{', '.join(map(str, record))}."
            )
        yield {text: value, **{name: str(record[name]) for name in others if record.get(name) is not None}}


@beam.ptransform_fn
def _logs_to_examples(pipeline: beam.Pipeline, exec_properties: dict[str, Any], split_pattern: str) -> beam.PCollection:
    base = exec_properties[standard_component_specs.INPUT_BASE_KEY]
    settings = example_gen.settings_of(exec_properties)
    files = spans.expand(base, split_pattern, glob=tf.io.gfile.glob)
    if not files:
        raise DataError(f"{base}/{split_pattern}: no such file. Set data.serving_logs, or unset it.")
    return pipeline | "Files" >> beam.Create(files) | "Records" >> beam.FlatMap(_read_file, settings)


def _read_file(path: str, settings: dict[str, Any]) -> Iterator[tf.train.Example]:
    for record in read_log(path, settings["text"], settings["slices"]):
        yield tf.train.Example(
            features=tf.train.Features(
                feature={
                    name: tf.train.Feature(
                        bytes_list=tf.train.BytesList(value=[value.encode("utf-8", errors="replace")])
                    )
                    for name, value in record.items()
                }
            )
        )


def _json_lines(path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    with tf.io.gfile.GFile(path, "rb") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except ValueError as error:
                raise DataError(f"{path}:{number}: not valid JSON: {error}.") from None
            if not isinstance(record, dict):
                raise DataError(f"{path}:{number}: expected an object on each line, found {type(record).__name__}.")
            yield number, record


def _csv_rows(path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    with tf.io.gfile.GFile(path, "rb") as raw:
        reader = csv.DictReader(io.TextIOWrapper(io.BytesIO(raw.read()), encoding="utf-8-sig", newline=""))
        try:
            for record in reader:
                yield reader.line_num, record
        except (csv.Error, UnicodeDecodeError) as error:
            raise DataError(f"{path}:{reader.line_num}: not valid CSV in UTF-8: {error}.") from None


def _tf_examples(path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    compression = "GZIP" if path.endswith(".gz") else ""
    for number, record in enumerate(tf.data.TFRecordDataset([path], compression_type=compression), start=1):
        features = tf.train.Example.FromString(record.numpy()).features.feature
        yield (
            number,
            {
                name: feature.bytes_list.value[0].decode("utf-8", errors="replace")
                for name, feature in features.items()
                if feature.bytes_list.value
            },
        )
