"""TFX 1.21: examples written in batches, by ExampleGen and Transform.

TFX writes TFRecord files one record at a time in Python, and ExampleGen shuffles every record through memory before.
Here TensorFlow's C++ writer does it, and a file is written where its rows are. The files are the same: gzipped
TFRecord, with TFX's names, so that every other component reads them. The executors offer no hook for it: they look
`write_split.WriteSplit` and `TransformProcessor._EncodeAndWrite` up when they build the Beam graph, and there, for as
long as that takes, find these.
"""

from __future__ import annotations

import contextlib
import posixpath
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)
from modules.tf_gaps.guard import Gap

import apache_beam as beam
import pyarrow as pa
import tensorflow as tf
from apache_beam.transforms.window import GlobalWindows
from tfx.components.example_gen import write_split
from tfx.components.transform import executor as transform_executor
from tfx_bsl.coders import example_coder

COUNTERS = "edgeline"  # namespace of Beam's metrics
# zlib's 6 takes three times as long for a tenth less.
_OPTIONS = {"compression_type": "GZIP", "compression_level": 1}
_PARTIAL = "partial"
_GAP = Gap("tfx", __name__)


class WriteRecords(beam.PTransform):
    """Writes what is serialised, one file per bundle, as `<prefix>-00000-of-00003.gz`.

    Takes `bytes`, or messages with `SerializeToString`, or lists of `bytes`. Bundles write under other names, and one
    step at the end gives the files theirs: what a killed or repeated bundle left is never read. Without an element
    there is one empty file, as Beam writes it.
    """

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix

    def expand(self, records: beam.PCollection) -> beam.PCollection:
        """Beam's hook."""
        written = records | "WriteBundles" >> beam.ParDo(_WriteBundle(self._prefix))
        return (
            records.pipeline
            | "Once" >> beam.Create([self._prefix])
            | "NameFiles" >> beam.FlatMap(_name_files, beam.pvalue.AsIter(written))
        )


def writing_splits_in_batches() -> contextlib.AbstractContextManager[None]:
    """While it is open, ExampleGen builds its Beam graph with `WriteRecords`.

    Raises:
        GapError: TFX's writer takes other arguments, or, at the end, ExampleGen has written in another way.
    """
    return _GAP.replaced(
        write_split, "WriteSplit", _write_split, parameters=("output_split_path", "output_format", "exec_properties")
    )


def writing_features_in_batches() -> contextlib.AbstractContextManager[None]:
    """While it is open, Transform builds its Beam graph with `WriteRecords`.

    Raises:
        GapError: TFX's writer takes other arguments, or, at the end, Transform has written in another way.
    """
    return _GAP.replaced(
        transform_executor.TransformProcessor,
        "_EncodeAndWrite",
        _encode_and_write,
        parameters=("schema", "file_format", "output_path"),
    )


def _write_split(output_split_path: str, output_format: Any = None, exec_properties: Any = None) -> WriteRecords:
    """In place of TFX's `WriteSplit`, which reads the same arguments."""
    return WriteRecords(posixpath.join(output_split_path, write_split.DEFAULT_FILE_NAME))


@beam.ptransform_fn
def _encode_and_write(batches: beam.PCollection, schema: Any, file_format: str, output_path: str) -> beam.PCollection:
    """In place of Transform's `_EncodeAndWrite`: record batches with pass-through features, which there are none of."""
    return batches | "Encode" >> beam.ParDo(_Encode(schema)) | "Write" >> WriteRecords(output_path)


class _Encode(beam.DoFn):
    """Record batches to lists of serialised examples."""

    def __init__(self, schema: Any) -> None:
        self._encoder = example_coder.RecordBatchToExamplesEncoder(schema)

    def process(self, element: tuple[pa.RecordBatch, dict[str, pa.Array]]) -> Iterator[list[bytes]]:
        yield self._encoder.encode(element[0])


class _WriteBundle(beam.DoFn):
    """One file per bundle; yields its name."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._writer: Any = None
        self._file = ""
        self._records = 0
        self._written = beam.metrics.Metrics.counter(COUNTERS, "records_written")

    def start_bundle(self) -> None:
        self._writer, self._records = None, 0

    def process(self, element: Any) -> None:
        if self._writer is None:
            self._file = f"{self._prefix}-{_PARTIAL}-{uuid.uuid4().hex}"
            self._writer = _writer(self._file)
        write = self._writer.write
        if isinstance(element, list):
            for record in element:
                write(record)
            self._records += len(element)
        else:
            write(element if isinstance(element, bytes) else element.SerializeToString())
            self._records += 1

    def finish_bundle(self) -> Iterator[Any]:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            self._written.inc(self._records)
            yield GlobalWindows.windowed_value(self._file)


def _writer(file: str) -> tf.io.TFRecordWriter:
    tf.io.gfile.makedirs(posixpath.dirname(file))
    return tf.io.TFRecordWriter(file, tf.io.TFRecordOptions(**_OPTIONS))


def _name_files(prefix: str, written: Iterable[str]) -> Iterator[str]:
    files = sorted(written)
    if not files:
        files = [f"{prefix}-{_PARTIAL}-none"]
        _writer(files[0]).close()
    for number, file in enumerate(files):
        target = f"{prefix}-{number:05d}-of-{len(files):05d}.gz"
        if tf.io.gfile.exists(file):  # or this step is repeated
            tf.io.gfile.rename(file, target, overwrite=True)
        yield target
    for leftover in tf.io.gfile.glob(f"{prefix}-{_PARTIAL}-*"):  # of bundles that were killed
        tf.io.gfile.remove(leftover)
