"""How many records of a real run go through our reader and writer: all of them, in each node that can."""

from __future__ import annotations

from collections import Counter

import modules  # noqa: F401

import pytest
import tensorflow as tf
import tiny

from pipeline.local import session

pytestmark = pytest.mark.slow


def records(task: tiny.TinyTask, node: str, output: str, split: str = "*") -> int:
    [folder] = (task.root / "pipeline_root" / node / output).iterdir()
    files = [str(file) for file in folder.glob(f"Split-{split}/*.gz")]
    return sum(1 for _ in tf.data.TFRecordDataset(files, compression_type="GZIP"))


def test_every_record_goes_through_the_batched_reader_and_writer(
    task: tiny.TinyTask, first_run: session.Outcome, first_run_records: list[Counter[str]]
) -> None:
    rows, train = records(task, "ExampleGen", "examples"), records(task, "ExampleGen", "examples", "train")
    assert rows == first_run.summary["data_cleaning"]["kept"] > train > 200
    generated, statistics, transform = first_run_records
    assert generated == {"records_written": rows}
    assert statistics == {"records_read": rows}
    # The train split once more: it is what Transform analyses.
    assert transform == {"records_read": rows + train, "records_written": rows}
    assert records(task, "Transform", "transformed_examples") == rows
