"""ExampleGen's executor: rows of any source, cleaned, to `tf.Example`, with a hash of the text to split by."""

from __future__ import annotations

import functools
import hashlib
import math
import posixpath
from collections.abc import Iterable, Mapping
from typing import Any

from modules.machine import progress
from modules.rows.settings import Columns
from modules.targets.cell import Cell
from modules.tensors import Column, ColumnType  # and settles Keras 2 before TFX imports TensorFlow

import apache_beam as beam
import tensorflow as tf
from pydantic import ConfigDict
from tfx.components.example_gen.base_example_gen_executor import BaseExampleGenExecutor
from tfx.types import standard_component_specs

from pipeline.config.rows.augmentation import AugmentationConfig
from pipeline.config.rows.cleaning import CleaningConfig
from pipeline.config.rows.splits import NAMES, SplitRule
from pipeline.ingest import augmentation, files, pictures, rows, tally, transforms
from pipeline.ingest.custom_config import FilesNodeSettings, unpacked
from pipeline.tfx_gaps.batched_writer import writing_splits_in_batches
from pipeline.tfx_gaps.split_rule import Division

TRAIN_SPLIT = "train"
# Fields of tf.train.Feature.
_LISTS = {"integer": "int64_list", "number": "float_list"}


class ExampleGenNodeSettings(FilesNodeSettings):
    """What ExampleGen is told."""

    model_config = ConfigDict(extra="forbid")

    columns: Columns
    """Which column is what."""
    labels: list[str]
    """The labels that the schema's domain allows."""
    cell: Cell
    """What a cell of the label's column may hold besides."""
    others: dict[str, ColumnType] = {}
    """Types of the columns that further inputs read, by name."""
    cleaning: CleaningConfig = CleaningConfig()
    """Which rows are kept back."""
    train_fraction: float = 1.0
    """Share of the train split to keep."""
    split: SplitRule
    """What decides a row's split, where it is not its text."""
    augmentation: AugmentationConfig | None = None
    """Variations of training rows; None adds no row."""
    variations: dict[str, str] = {}
    """What varies a value, as an import path by column."""
    augmentation_files: dict[str, str] = {}
    """Digests of the files that these depend on; there for the cache alone."""

    @property
    def layout(self) -> rows.Layout:
        """What a row must look like."""
        others = tuple(Column(name, kind) for name, kind in self.others.items())
        columns = self.columns
        return rows.Layout(
            columns.text, columns.label, tuple(columns.slices), tuple(self.labels), others, self.cell, self.split
        )


class RowsExecutor(BaseExampleGenExecutor):
    """Cleans rows and writes them as examples with the bytes features text, label, slice columns and `text_hash`.

    What is kept back goes to `quarantine/` inside the artifact, and its counts to the artifact's properties; what came
    of the augmentation to `augmentation/`.
    """

    _folder: str | None = None
    _artifact: str | None = None

    def Do(  # noqa: N802 - TFX's name
        self, input_dict: dict[str, list], output_dict: dict[str, list], exec_properties: dict[str, Any]
    ) -> None:
        """TFX's hook."""
        [artifact] = output_dict[standard_component_specs.EXAMPLES_KEY]
        self._folder = posixpath.join(artifact.uri, transforms.QUARANTINE)
        self._artifact = artifact.uri
        with writing_splits_in_batches():
            super().Do(input_dict, output_dict, exec_properties)
        counts = transforms.read_counts(self._folder)
        settings = unpacked(exec_properties, ExampleGenNodeSettings)
        tally.check(counts, self._folder, settings.cleaning)
        if settings.augmentation:
            found = augmentation.read_counts(artifact.uri)
            progress.tell(found.pop("message"), **found)
        for name, count in tally.properties(counts).items():
            artifact.set_int_custom_property(name, count)

    def GetInputSourceToExamplePTransform(self) -> Any:  # noqa: N802 - TFX's name
        """TFX's hook: the transform from a file pattern to examples."""
        return functools.partial(_RowsToExamples, self._folder)

    def GenerateExamplesByBeam(  # noqa: N802 - TFX's name
        self, pipeline: beam.Pipeline, exec_properties: dict[str, Any]
    ) -> dict[str, beam.PCollection]:
        """TFX's hook: the splits by name; the train split is sampled and augmented as the configuration says."""
        splits = super().GenerateExamplesByBeam(pipeline, exec_properties)
        settings = unpacked(exec_properties, ExampleGenNodeSettings)
        if settings.train_fraction < 1.0:
            splits[TRAIN_SPLIT] = splits[TRAIN_SPLIT] | "SampleTrain" >> _StratifiedSample(
                # A number has no strata.
                settings.train_fraction,
                [*([settings.columns.label] if settings.labels else []), *settings.columns.slices],
            )
        if settings.augmentation:
            splits[TRAIN_SPLIT] |= "AddVariedRows" >> augmentation.AddVariedRows(
                settings.augmentation,
                settings.variations,
                exec_properties,
                TRAIN_SPLIT,
                text=settings.columns.text,
                label=settings.columns.label if settings.labels else "",
                folder=self._artifact,
            )
        return splits


class _RowsToExamples(beam.PTransform):
    """The rows of all files that match a pattern, cleaned, as `tf.train.Example`.

    Raises:
        DataError: no file matches, or the data cannot be used.
    """

    def __init__(self, folder: str | None, exec_properties: dict[str, Any], split_pattern: str) -> None:
        super().__init__()
        self._base, self._pattern = exec_properties[standard_component_specs.INPUT_BASE_KEY], split_pattern
        self._folder, self._settings = folder, unpacked(exec_properties, ExampleGenNodeSettings)
        self._split_keys = _split_keys(exec_properties, self._settings.split)

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection:
        paths = files.matching(self._base, self._pattern)
        settings = self._settings
        layout = settings.layout
        found = transforms.clean(pipeline, paths, layout, settings.source, settings.cleaning)
        if self._folder is not None:
            transforms.write_quarantine(found, self._folder)
        keys = self._split_keys
        return found.rows | "Examples" >> beam.Map(
            lambda item: to_example(rows.Row._make(item[1]), layout, item[0], keys)
        )


def _split_keys(exec_properties: Mapping[str, Any], rule: SplitRule) -> dict[str, str]:
    """By the name of a split, a value of `split_key` that TFX's rule puts there; none where rows have their own."""
    if not rule.column or rule.by:
        return {}
    return {name: Division.of(exec_properties, name).key(rows.SPLIT_KEY, name) for name in NAMES}


def to_example(
    row: rows.Row, layout: rows.Layout, text_hash: str | None = None, split_keys: Mapping[str, str] | None = None
) -> tf.train.Example:
    """One row as an example: bytes features, and those of further inputs in their own types.

    Args:
        row: the row.
        layout: names of the features.
        text_hash: of the row's text, where it is known already.
        split_keys: what TFX hashes in place of the name of a split.
    """
    values = {
        **({layout.text: row.text} if layout.text else {}),
        layout.label: row.label,
        rows.TEXT_HASH: text_hash or rows.text_hash(row.text),
        **dict(zip(layout.slices, row.slices, strict=True)),
        **({rows.SPLIT_KEY: (split_keys or {}).get(row.split, row.split)} if layout.split.column else {}),
    }
    example = tf.train.Example()
    feature = example.features.feature
    for name, value in values.items():  # three times as fast as building the messages first and copying them in
        feature[name].bytes_list.value.append(value.encode("utf-8"))
    if layout.cell.type != "text":
        answer = layout.answer
        feature[layout.label].Clear()
        getattr(feature[layout.label], _LISTS[answer.type]).value.append(answer.value(row.label))
    for column, text in zip(layout.others, row.others, strict=True):
        if column.name not in values:
            held = pictures.content(text, files.open_file) if column.is_image else column.value(text)
            getattr(feature[column.name], _LISTS.get(column.kind_of_value, "bytes_list")).value.append(held)
    return example


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
