"""Each gap fails loudly when TFX, or what stands below it, goes another way."""

from __future__ import annotations

import argparse
import types
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.tf_gaps.guard import GapError

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.example_gen import base_example_gen_executor, input_processor, write_split
from tfx.components.transform import executor as transform_executor
from tfx.components.util import tfxio_utils
from tfx.orchestration.kubeflow.v2.file_based_example_gen import driver
from tfx.orchestration.portable.launcher import Launcher
from tfx.proto import example_gen_pb2
from tfx_bsl.tfxio import tf_example_record
from tfx_bsl.tfxio.tfxio import TFXIO

from pipeline.components import statistics_gen, transform
from pipeline.ingest import example_gen
from pipeline.tfx_gaps import batched_reader, batched_writer, container_driver, launcher, split_rule, vertex_job


def reader(folder: Path, **changes: Any) -> Any:
    arguments = {"file_pattern": [str(folder / "*")], "telemetry_descriptors": ["a"], "payload_format": 6}
    return tfxio_utils.make_tfxio(**{**arguments, "schema": schema_pb2.Schema(), **changes})


# Readers and writers


def test_only_while_it_is_asked_for_tfx_finds_our_reader(tmp_path: Path) -> None:
    with batched_reader.reading_in_batches():
        found = reader(tmp_path)
        assert isinstance(found, batched_reader.BatchedExamples)
        with_raw = reader(tmp_path, raw_record_column_name="raw")
        assert not isinstance(with_raw, batched_reader.BatchedExamples), "it would lose the raw records"
        found.BeamSource()
    assert type(reader(tmp_path)) is tf_example_record.TFExampleRecord


def test_only_while_it_is_asked_for_tfx_finds_our_writers(tmp_path: Path) -> None:
    before = write_split.WriteSplit, transform_executor.TransformProcessor._EncodeAndWrite
    with batched_writer.writing_splits_in_batches(), batched_writer.writing_features_in_batches():
        assert isinstance(write_split.WriteSplit(str(tmp_path), None, {}), batched_writer.WriteRecords)
        transform_executor.TransformProcessor._EncodeAndWrite(schema_pb2.Schema(), "tfrecord", str(tmp_path))
    assert (write_split.WriteSplit, transform_executor.TransformProcessor._EncodeAndWrite) == before


BOUND = {
    "StatisticsGen": (statistics_gen.Executor, r"no longer looks make_tfxio up in .*batched_reader\.py"),
    "Transform": (transform.Executor, r"no longer looks (make_tfxio|_EncodeAndWrite) up in .*batched_(reader|writer)"),
    "ExampleGen": (example_gen.RowsExecutor, r"no longer looks WriteSplit up in .*batched_writer\.py"),
}


@pytest.mark.parametrize("node", BOUND)
def test_a_node_whose_tfx_binds_its_files_by_name_fails(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it did once: 74 tests passed while the faster path was gone."""
    executor, told = BOUND[node]
    [base] = executor.__bases__
    bound = tfxio_utils.make_tfxio, write_split.WriteSplit  # what `from … import name` would have kept

    def run(self: Any, input_dict: dict, output_dict: dict, exec_properties: dict) -> None:
        bound[0](["file"], ["a"], 6, schema=schema_pb2.Schema()).BeamSource()
        bound[1]("folder", None, {})

    monkeypatch.setattr(base, "Do", run)
    artifact = types.SimpleNamespace(uri="folder")
    with pytest.raises(GapError, match=told):
        executor().Do({}, {"examples": [artifact]}, {})


def test_a_reader_that_is_made_and_not_read_from_is_told(tmp_path: Path) -> None:
    with pytest.raises(GapError, match="read from none of ours"), batched_reader.reading_in_batches():
        reader(tmp_path, raw_record_column_name="raw").BeamSource()


def test_a_reader_that_loses_its_form_when_columns_are_chosen_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TFXIO, "Project", lambda self, names: self)
    with (
        pytest.raises(GapError, match=r"tfx-bsl .* no longer goes through _ProjectImpl"),
        batched_reader.reading_in_batches(),
    ):
        pytest.fail("the node started")


@pytest.mark.parametrize(
    ("owner", "name", "manager"),
    [
        (write_split, "WriteSplit", batched_writer.writing_splits_in_batches),
        (transform_executor.TransformProcessor, "_EncodeAndWrite", batched_writer.writing_features_in_batches),
    ],
)
def test_a_writer_with_other_arguments_is_told_before_the_node_starts(
    owner: Any, name: str, manager: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, lambda path, shards: None)
    with pytest.raises(GapError, match=r"\(path, shards\) instead of"), manager():
        pytest.fail("the node started")


def test_beam_counts_what_went_through(tmp_path: Path) -> None:
    with beam.Pipeline(runner=FnApiRunner()) as written:
        _ = written | beam.Create([b"a", b"b", b"c"]) | batched_writer.WriteRecords(str(tmp_path / "data"))
    assert counted(written.result) == {"records_written": 3}


def counted(result: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    chosen = beam.metrics.MetricsFilter().with_namespace(batched_reader.COUNTERS)
    for item in result.metrics().query(chosen)["counters"]:
        found[item.key.metric.name] = found.get(item.key.metric.name, 0) + item.committed
    return found


# The rule of the splits


CONFIG = example_gen_pb2.SplitConfig(
    splits=[{"name": "train", "hash_buckets": 8}, {"name": "eval", "hash_buckets": 2}],
    partition_feature_name="text_hash",
)


def test_a_rule_that_tfx_no_longer_divides_by_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    split_rule.Division(CONFIG, 0)
    with monkeypatch.context() as patch:
        patch.setattr(base_example_gen_executor, "_PartitionFn", lambda record, splits: 0)
        with pytest.raises(GapError, match=r"\(record, splits\) instead of"):
            split_rule.Division(CONFIG, 0)
    monkeypatch.setattr(base_example_gen_executor.BaseExampleGenExecutor, "GenerateExamplesByBeam", lambda *_: {})
    with pytest.raises(GapError, match="no longer goes through _PartitionFn"):
        split_rule.Division(CONFIG, 0)


# Drivers and launchers


def test_a_driver_in_a_container_that_binds_its_processor_by_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    bound = input_processor.FileBasedInputProcessor
    monkeypatch.setattr(driver, "main", lambda arguments: bound("base", [{"pattern": "a"}]) and None)
    monkeypatch.setattr(bound, "__init__", lambda self, *args: None)
    with pytest.raises(GapError, match=r"no longer looks FileBasedInputProcessor up in .*container_driver\.py"):
        container_driver.drive(argparse.Namespace(), lambda *args: None)


def test_the_driver_in_a_container_makes_the_processor_that_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple] = []
    monkeypatch.setattr(driver, "main", lambda arguments: driver.input_processor.FileBasedInputProcessor("base", []))
    container_driver.drive(argparse.Namespace(), lambda *args: seen.append(args))
    assert seen == [("base", [])]


def test_a_launcher_that_prepares_in_another_way_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Launcher.__new__(Launcher)
    with monkeypatch.context() as patch:
        patch.setattr(Launcher, "launch", lambda self: None)
        with pytest.raises(GapError, match="no longer goes through _prepare_execution"):
            launcher.would_run(made)
    monkeypatch.delattr(Launcher, "_clean_up_stateful_execution_info")
    with pytest.raises(GapError, match=r"has no Launcher\._clean_up_stateful_execution_info"):
        launcher.would_run(made)


def test_a_vertex_job_without_its_message_is_told() -> None:
    with pytest.raises(GapError, match=r"google-cloud-aiplatform .*_gca_resource.*vertex_job\.py"):
        vertex_job.unsent(types.SimpleNamespace())
