"""TFX 1.21, TFX-BSL 1.16: examples read in batches, by StatisticsGen and Transform.

TFX reads TFRecord files one record at a time in Python, which costs more than all that is done with the rows. Here
TensorFlow's C++ reader does it, a thousand records at a time. The executors offer no hook for it: they make their
readers by `tfxio_utils.make_tfxio` when they build the Beam graph, and there, for as long as that takes, get these.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)
from modules.tf_gaps.guard import Gap

import apache_beam as beam
import pyarrow as pa
import tensorflow as tf
from tfx.components.util import tfxio_utils
from tfx_bsl.coders import example_coder
from tfx_bsl.tfxio.tf_example_record import TFExampleRecord
from tfx_bsl.tfxio.tfxio import TFXIO

BATCH = 1_000  # records; TFX's own limit
COUNTERS = "edgeline"  # namespace of Beam's metrics
_GAP = Gap("tfx", __name__)
_GAP_BELOW = Gap("tfx-bsl", __name__)


class BatchedExamples(TFExampleRecord):
    """TFX's reader of examples with another source: record batches come straight from files."""

    sources = 0  # how many a Beam graph of this process has read from

    def BeamSource(self, batch_size: int | None = None) -> beam.PTransform:  # noqa: N802 - TFX's name
        """TFX's hook."""
        BatchedExamples.sources += 1
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
def reading_in_batches() -> Iterator[None]:
    """While it is open, TFX's executors build their Beam graphs with `BatchedExamples`.

    Raises:
        GapError: at the start, TFX-BSL's reader has another form; at the end, the executor has read in another way.
    """
    _GAP_BELOW.require(TFExampleRecord, "_GetSchemaForDecoding", "_ProjectImpl")
    _GAP_BELOW.require_use(TFXIO, "Project", "_ProjectImpl")
    make, before = tfxio_utils.make_tfxio, BatchedExamples.sources
    with _GAP.replaced(tfxio_utils, "make_tfxio", lambda *args, **options: _batched(make(*args, **options))):
        yield
    if BatchedExamples.sources == before:
        raise _GAP.broken("makes its readers by make_tfxio, but read from none of ours")


def _batched(reader: Any) -> Any:
    """A reader of examples as one that reads in batches; any other as it is."""
    if type(reader) is not TFExampleRecord or reader.raw_record_column_name is not None:
        return reader
    _GAP_BELOW.require(reader, "_file_pattern", "_schema")
    return BatchedExamples(
        reader._file_pattern, schema=reader._schema, telemetry_descriptors=reader.telemetry_descriptors
    )


class _ReadBatches(beam.DoFn):
    """Files to record batches."""

    def __init__(self, schema: bytes | None, size: int) -> None:
        self._schema, self._size = schema, size
        self._read = beam.metrics.Metrics.counter(COUNTERS, "records_read")

    def setup(self) -> None:
        self._decoder = example_coder.ExamplesToRecordBatchDecoder(*([self._schema] if self._schema else []))

    def process(self, file: str) -> Iterator[pa.RecordBatch]:
        records = tf.data.TFRecordDataset(file, compression_type="GZIP").batch(self._size)
        for batch in records.as_numpy_iterator():
            self._read.inc(len(batch))
            yield self._decoder.DecodeBatch(batch)
