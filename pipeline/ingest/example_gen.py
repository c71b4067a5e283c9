"""ExampleGen's executor: checked CSV rows to `tf.Example`, with a hash of the text to split by."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

import apache_beam as beam
import tensorflow as tf
from google.protobuf import json_format, struct_pb2
from tfx.components.example_gen.base_example_gen_executor import BaseExampleGenExecutor
from tfx.proto import example_gen_pb2
from tfx.types import standard_component_specs
from tfx.utils import proto_utils

from pipeline.ingest import rows, spans
from pipeline.ingest.augmentation import AddVariedRows

TRAIN_SPLIT = "train"


def custom_config(settings: dict[str, Any]) -> example_gen_pb2.CustomConfig:
    """Packs the executor's settings into the message that ExampleGen carries.

    Args:
        settings: JSON values: `text`, `label`, `slices`, `labels`, `delimiter`, `train_fraction`,
            `augmentation` (None adds no row), `marker` of complete spans, and a digest of this executor's sources,
            which is there for the cache alone.
    """
    packed = example_gen_pb2.CustomConfig()
    packed.custom_config.Pack(json_format.ParseDict(settings, struct_pb2.Struct()))
    return packed


class CsvExecutor(BaseExampleGenExecutor):
    """Reads CSV files into examples with the bytes features text, label, slice columns and `text_hash`."""

    def GetInputSourceToExamplePTransform(self) -> beam.PTransform:  # noqa: N802 - TFX's name
        """TFX's hook: the transform from a file pattern to examples."""
        return csv_to_examples

    def GenerateExamplesByBeam(  # noqa: N802 - TFX's name
        self, pipeline: beam.Pipeline, exec_properties: dict[str, Any]
    ) -> dict[str, beam.PCollection]:
        """TFX's hook: the splits by name; the train split is sampled and augmented as the configuration says."""
        splits = super().GenerateExamplesByBeam(pipeline, exec_properties)
        settings = _settings(exec_properties)
        if settings["train_fraction"] < 1.0:
            splits[TRAIN_SPLIT] = splits[TRAIN_SPLIT] | "SampleTrain" >> _StratifiedSample(
                settings["train_fraction"], [settings["label"], *settings["slices"]]
            )
        if settings["augmentation"]:
            splits[TRAIN_SPLIT] |= "AddVariedRows" >> AddVariedRows(settings, exec_properties, TRAIN_SPLIT)
        return splits


@beam.ptransform_fn
def csv_to_examples(pipeline: beam.Pipeline, exec_properties: dict[str, Any], split_pattern: str) -> beam.PCollection:
    """The rows of all files that match, as `tf.train.Example`.

    A quoted field may hold line breaks, so a file is read by one worker, as a stream.

    Raises:
        DataError: no file matches, or a row is wrong.
    """
    base = exec_properties[standard_component_specs.INPUT_BASE_KEY]
    settings = _settings(exec_properties)
    files = spans.expand(base, split_pattern, glob=tf.io.gfile.glob)
    if not files:
        raise rows.DataError(f"{base}/{split_pattern}: no such file. Set data.path to a CSV file.")
    layout = rows.Layout(
        settings["text"],
        settings["label"],
        tuple(settings["slices"]),
        tuple(settings["labels"]),
        settings["delimiter"],
    )
    return pipeline | "Files" >> beam.Create(files) | "Rows" >> beam.FlatMap(_read_file, layout)


def to_example(row: rows.Row, layout: rows.Layout) -> tf.train.Example:
    """One row as an example of bytes features."""
    values = {
        layout.text: row.text,
        layout.label: row.label,
        rows.TEXT_HASH: rows.text_hash(row.text),
        **dict(zip(layout.slices, row.slices, strict=True)),
    }
    features = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode("utf-8")]))
        for name, value in values.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=features))


def _read_file(path: str, layout: rows.Layout) -> Iterator[tf.train.Example]:
    with tf.io.gfile.GFile(path, "rb") as stream:
        for row in rows.read_csv(stream, path, layout):
            yield to_example(row, layout)


class _StratifiedSample(beam.PTransform):
    """Keeps a share of each stratum: the rows with the lowest hash, so that a larger share holds the smaller one.

    A stratum is gathered on one worker, which bounds its size by that worker's memory.
    """

    def __init__(self, fraction: float, columns: list[str]) -> None:
        super().__init__()
        self._fraction, self._columns = fraction, columns

    def expand(self, examples: beam.PCollection) -> beam.PCollection:
        def stratum(example: tf.train.Example) -> tuple[str, tf.train.Example]:
            return "\0".join(_value(example, column) for column in self._columns), example

        def sample(group: tuple[str, Iterable[tf.train.Example]]) -> list[tf.train.Example]:
            members = sorted(group[1], key=_sampling_key)
            return members[: math.ceil(self._fraction * len(members))]

        return examples | beam.Map(stratum) | beam.GroupByKey() | beam.FlatMap(sample)


def _value(example: tf.train.Example, column: str) -> str:
    return example.features.feature[column].bytes_list.value[0].decode("utf-8")


def _sampling_key(example: tf.train.Example) -> tuple[str, bytes]:
    # Salted: the split is decided by the same text hash. The serialised row breaks ties among duplicates.
    salted = hashlib.sha256(f"sample:{_value(example, rows.TEXT_HASH)}".encode()).hexdigest()
    return salted, example.SerializeToString(deterministic=True)


def _settings(exec_properties: dict[str, Any]) -> dict[str, Any]:
    packed = example_gen_pb2.CustomConfig()
    proto_utils.json_to_proto(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY], packed)
    struct = struct_pb2.Struct()
    packed.custom_config.Unpack(struct)
    return json.loads(json_format.MessageToJson(struct))
