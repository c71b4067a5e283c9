"""TFRecord files of examples in batches: what ExampleGen, StatisticsGen and Transform read and write through.

TFX reads and writes them one record at a time in Python, which costs more than all that is done with the rows; between
ExampleGen and its files it shuffles every record through memory as well. Here TensorFlow's C++ reader and writer do it,
a thousand records at a time, and a file is written where its rows are. The files are the same: gzipped TFRecord, with
TFX's names, so that every other component reads them.

The executors of TFX 1.21 offer no hook for it. They look their readers and writers up in their own modules when they
build the Beam graph, and there, for as long as that takes, they find these.
"""

from __future__ import annotations

import contextlib
import posixpath
import uuid
from collections.abc import Iterable, Iterator
from typing import Any
from unittest import mock

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

import apache_beam as beam
import pyarrow as pa
import tensorflow as tf
from apache_beam.transforms.window import GlobalWindows
from tfx.components.example_gen import write_split
from tfx.components.transform import executor as transform_executor
from tfx.components.util import tfxio_utils
from tfx_bsl.coders import example_coder
from tfx_bsl.tfxio.tf_example_record import TFExampleRecord

BATCH = 1_000  # records; TFX's own limit
# zlib's 6 takes three times as long for a tenth less.
_OPTIONS = {"compression_type": "GZIP", "compression_level": 1}
_PARTIAL = "partial"


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


class BatchedExamples(TFExampleRecord):
    """TFX's reader of examples with another source: record batches come straight from files."""

    def BeamSource(self, batch_size: int | None = None) -> beam.PTransform:  # noqa: N802 - TFX's name
        """TFX's hook."""
        schema = self._GetSchemaForDecoding()
        read = _ReadBatches(None if schema is None else schema.SerializeToString(), batch_size or BATCH)
        patterns = self._file_pattern

        @beam.typehints.with_output_types(pa.RecordBatch)
        def source(pipeline: Any) -> beam.PCollection:
            return (
                pipeline
                | "Files" >> beam.Create(sorted({file for item in patterns for file in tf.io.gfile.glob(item)}))
                | "ReadBatches" >> beam.ParDo(read)
            )

        return beam.ptransform_fn(source)()

    def _ProjectImpl(self, tensor_names: list[str]) -> TFExampleRecord:  # noqa: N802 - TFX's name
        return _batched(super()._ProjectImpl(tensor_names))


@contextlib.contextmanager
def batched() -> Iterator[None]:
    """While it is open, TFX's executors build their Beam graphs with `BatchedExamples` and `WriteRecords`."""
    make = tfxio_utils.make_tfxio
    with (
        mock.patch.object(tfxio_utils, "make_tfxio", lambda *args, **kwargs: _batched(make(*args, **kwargs))),
        mock.patch.object(write_split, "WriteSplit", _write_split),
        mock.patch.object(transform_executor.TransformProcessor, "_EncodeAndWrite", staticmethod(_encode_and_write)),
    ):
        yield


def _batched(reader: Any) -> Any:
    """A reader of examples as one that reads in batches; any other as it is."""
    if type(reader) is not TFExampleRecord or reader.raw_record_column_name is not None:
        return reader
    return BatchedExamples(
        reader._file_pattern, schema=reader._schema, telemetry_descriptors=reader.telemetry_descriptors
    )


def _write_split(folder: str, output_format: Any = None, exec_properties: Any = None) -> WriteRecords:
    """In place of TFX's `WriteSplit`, which reads the same arguments."""
    return WriteRecords(posixpath.join(folder, write_split.DEFAULT_FILE_NAME))


@beam.ptransform_fn
def _encode_and_write(batches: beam.PCollection, schema: Any, file_format: str, output_path: str) -> beam.PCollection:
    """In place of Transform's `_EncodeAndWrite`: record batches with pass-through features, which there are none of."""
    return batches | "Encode" >> beam.ParDo(_Encode(schema)) | "Write" >> WriteRecords(output_path)


class _ReadBatches(beam.DoFn):
    """Files to record batches."""

    def __init__(self, schema: bytes | None, size: int) -> None:
        self._schema, self._size = schema, size

    def setup(self) -> None:
        self._decoder = example_coder.ExamplesToRecordBatchDecoder(*([self._schema] if self._schema else []))

    def process(self, file: str) -> Iterator[pa.RecordBatch]:
        records = tf.data.TFRecordDataset(file, compression_type="GZIP").batch(self._size)
        for batch in records.as_numpy_iterator():
            yield self._decoder.DecodeBatch(batch)


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

    def start_bundle(self) -> None:
        self._writer = None

    def process(self, element: Any) -> None:
        if self._writer is None:
            self._file = f"{self._prefix}-{_PARTIAL}-{uuid.uuid4().hex}"
            self._writer = _writer(self._file)
        write = self._writer.write
        if isinstance(element, list):
            for record in element:
                write(record)
        else:
            write(element if isinstance(element, bytes) else element.SerializeToString())

    def finish_bundle(self) -> Iterator[Any]:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
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
