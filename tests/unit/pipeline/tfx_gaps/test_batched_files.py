"""`batched_reader` and `batched_writer`: files that every component reads, a thousand records at a time."""

from __future__ import annotations

import gzip
from pathlib import Path

import modules  # noqa: F401

import apache_beam as beam
import pyarrow as pa
import pytest
import tensorflow as tf
from apache_beam.io.tfrecordio import _TFRecordUtil
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.tfxio import tf_example_record

from pipeline.tfx_gaps import batched_reader, batched_writer

SCHEMA = text_format.Parse(
    """
    feature { name: "text" type: BYTES presence { min_fraction: 1.0 } shape { dim { size: 1 } } }
    feature { name: "label" type: BYTES presence { min_fraction: 1.0 } shape { dim { size: 1 } } }
    """,
    schema_pb2.Schema(),
)


def example(number: int) -> tf.train.Example:
    result = tf.train.Example()
    for name, value in (("text", f"text {number}"), ("label", "good")):
        result.features.feature[name].bytes_list.value.append(value.encode())
    return result


def write(prefix: Path, elements: list) -> list[str]:
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        _ = pipeline | beam.Create(elements, reshuffle=False) | batched_writer.WriteRecords(str(prefix))
    return sorted(item.name for item in prefix.parent.iterdir())


def read_as_tfx_does(file: Path) -> list[bytes]:
    found = []
    with gzip.open(file, "rb") as stream:
        while (record := _TFRecordUtil.read_record(stream)) is not None:
            found.append(record)
    return found


@pytest.mark.parametrize("form", ["messages", "bytes", "lists"])
def test_what_is_written_is_what_tfx_reads(tmp_path: Path, form: str) -> None:
    messages = [example(number) for number in range(5)]
    serialised = [message.SerializeToString() for message in messages]
    elements = {"messages": messages, "bytes": serialised, "lists": [serialised[:3], serialised[3:]]}[form]
    assert write(tmp_path / "new" / "data", elements) == ["data-00000-of-00001.gz"]
    found = read_as_tfx_does(tmp_path / "new" / "data-00000-of-00001.gz")
    assert [tf.train.Example.FromString(record) for record in found] == messages


def test_a_split_without_a_row_is_an_empty_file(tmp_path: Path) -> None:
    assert write(tmp_path / "data", []) == ["data-00000-of-00001.gz"]
    assert read_as_tfx_does(tmp_path / "data-00000-of-00001.gz") == []


def test_each_bundle_is_a_file_and_what_a_killed_one_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "data-partial-killed").write_bytes(b"half a record")
    written = []
    for numbers in ([1, 2], [], [3]):  # a bundle may be empty
        bundle = batched_writer._WriteBundle(str(tmp_path / "data"))
        bundle.start_bundle()
        for number in numbers:
            bundle.process(example(number))
        written += [item.value for item in bundle.finish_bundle()]
    names = ["data-00000-of-00002.gz", "data-00001-of-00002.gz"]
    for _ in range(2):  # a runner may repeat the step
        assert [Path(name).name for name in batched_writer._name_files(str(tmp_path / "data"), written)] == names
        assert sorted(item.name for item in tmp_path.iterdir()) == names
        assert sum(len(read_as_tfx_does(tmp_path / name)) for name in names) == 3


def test_the_batched_reader_gives_what_tfx_reader_gives(tmp_path: Path) -> None:
    write(tmp_path / "data", [example(number) for number in range(batched_reader.BATCH + 5)])
    found: dict[str, list[dict]] = {}
    plain = tf_example_record.TFExampleRecord([str(tmp_path / "data*")], schema=SCHEMA, telemetry_descriptors=["test"])
    for name, reader in (("plain", plain), ("batched", batched_reader._batched(plain))):
        with beam.Pipeline(runner=FnApiRunner()) as pipeline:
            _ = (
                pipeline
                | reader.Project(["text"]).BeamSource()
                | beam.FlatMap(lambda batch: [repr(row) for row in batch.to_pylist()])
                | beam.io.WriteToText(str(tmp_path / name), shard_name_template="")
            )
        found[name] = sorted((tmp_path / name).read_text().splitlines())
    assert len(found["plain"]) == batched_reader.BATCH + 5
    assert found["batched"] == found["plain"]
    assert batched_reader._batched(plain).ArrowSchema().equals(plain.ArrowSchema())


def test_record_batches_are_encoded_as_examples() -> None:
    batch = pa.RecordBatch.from_pydict(
        {"ids": pa.array([[1, 2], [3]], pa.large_list(pa.int64())), "name": pa.array([[b"a"], [b"b"]])}
    )
    [encoded] = batched_writer._Encode(None).process((batch, {}))
    assert [list(tf.train.Example.FromString(item).features.feature["ids"].int64_list.value) for item in encoded] == [
        [1, 2], [3],
    ]  # fmt: skip
