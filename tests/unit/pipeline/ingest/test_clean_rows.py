"""ExampleGen on every source and under every policy: rows in = rows out + rows quarantined, and the same examples."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.rows.settings import Columns
from modules.targets.cell import Cell

import apache_beam as beam
import pytest
import tensorflow as tf
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts, standard_component_specs
from tfx.utils import proto_utils

from pipeline.config.rows.cleaning import CleaningConfig
from pipeline.config.rows.source import SourceConfig
from pipeline.config.rows.splits import SplitRule
from pipeline.ingest import custom_config, example_gen, rows, transforms
from pipeline.ingest.example_gen import ExampleGenNodeSettings, RowsExecutor
from tests.unit import source_files

GOOD = [
    {"text": f'text number {number} \n with é and "quotes"', "label": ("bad", "good")[number % 2], "source": "web"}
    for number in range(12)
]
BAD = [
    {"text": "", "label": "good", "source": "web"},
    {"text": "no label", "label": "", "source": "web"},
    {"text": "an unknown one", "label": "meh", "source": "web"},
    {"text": "x" * 300, "label": "good", "source": "web"},
    {"text": 'TEXT  number 3 with é and "quotes"', "label": "good", "source": "web"},  # a duplicate
    {"text": "so, so", "label": "good", "source": "web"},
    {"text": "So,  so", "label": "bad", "source": "shop"},
    {"text": "so, so", "label": "good", "source": "shop"},
]
ROWS = [*GOOD[:6], *BAD, *GOOD[6:]]
DROPPED = {
    "missing_text": 1, "missing_label": 1, "unknown_label": 1, "text_too_long": 1, "duplicate": 1,
    "conflicting_labels": 3,
}  # fmt: skip
CLEANING = {"max_characters": 200, "max_quarantined": 0.5}


def properties(file: Path, source: SourceConfig, **changes: Any) -> dict[str, Any]:
    settings = ExampleGenNodeSettings(
        cell=Cell(),
        split=SplitRule(),
        columns=Columns(slices=["source"]),
        labels=["bad", "good"],
        source=source,
        cleaning=CleaningConfig(**{**CLEANING, **changes}),
    )
    names = [example_gen_pb2.SplitConfig.Split(name=name, hash_buckets=1) for name in ("train", "eval", "test")]
    splits = [example_gen_pb2.Input.Split(name="all", pattern=file.name)]
    return {
        standard_component_specs.INPUT_BASE_KEY: str(file.parent),
        standard_component_specs.INPUT_CONFIG_KEY: proto_utils.proto_to_json(example_gen_pb2.Input(splits=splits)),
        standard_component_specs.OUTPUT_CONFIG_KEY: proto_utils.proto_to_json(
            example_gen_pb2.Output(
                split_config=example_gen_pb2.SplitConfig(splits=names, partition_feature_name=rows.TEXT_HASH)
            )
        ),
        standard_component_specs.CUSTOM_CONFIG_KEY: proto_utils.proto_to_json(custom_config.packed(settings)),
    }


def execute(folder: Path, file: Path, source: SourceConfig, **changes: Any) -> standard_artifacts.Examples:
    artifact = standard_artifacts.Examples()
    artifact.uri = str(folder)
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=["--runner=FnApiRunner", "--sdk_container_image=unused"],
        tmp_dir=str(folder / "tmp"),
        unique_id="1",
    )
    RowsExecutor(context).Do(
        {}, {standard_component_specs.EXAMPLES_KEY: [artifact]}, properties(file, source, **changes)
    )
    return artifact


def quarantined(folder: Path) -> list[dict[str, Any]]:
    with gzip.open(folder / transforms.QUARANTINE_FILE, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


# Several branches in one Beam pipeline: each pipeline of its own would cost seconds.
POLICIES: dict[str, dict[str, Any]] = {
    "default": {},
    "majority": {"conflicting_labels": "majority"},
    "keep conflicts": {"conflicting_labels": "keep"},
    "keep all": {"duplicates": "keep", "conflicting_labels": "keep"},
    "near": {"near_duplicates": 0.6},
}


@pytest.fixture(scope="module")
def branches(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, list[bytes]]]:
    """By name of source or policy: the quarantine's folder, and the examples, sorted."""
    folder = tmp_path_factory.mktemp("branches")
    jobs = {form: (*source_files.write(folder, form, ROWS), {}) for form in source_files.FILES}
    file, source, _ = jobs["csv"]
    jobs |= {name: (file, source, changes) for name, changes in POLICIES.items()}
    (folder / "reversed").mkdir()
    jobs["reversed"] = (*source_files.write(folder / "reversed", "jsonl", ROWS[::-1]), POLICIES["near"])
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        for name, (file, source, changes) in jobs.items():
            transform = example_gen._RowsToExamples(str(folder / name), properties(file, source, **changes), file.name)
            _ = (
                pipeline
                | name >> transform
                | f"{name} bytes" >> beam.Map(lambda example: example.SerializeToString(deterministic=True))
                | f"{name} out" >> beam.io.WriteToTFRecord(str(folder / name / "out"), shard_name_template="")
            )
    return {
        name: (folder / name, sorted(tf.data.TFRecordDataset(str(folder / name / "out")).as_numpy_iterator()))
        for name in jobs
    }


@pytest.mark.parametrize("form", source_files.FILES)
def test_the_same_rows_are_the_same_examples_byte_for_byte_from_every_source(branches: Any, form: str) -> None:
    folder, examples = branches[form]
    assert len(examples) == len(GOOD)
    assert examples == branches["csv"][1]
    counts = transforms.read_counts(str(folder))
    assert counts == {"rows": len(ROWS), "kept": len(GOOD), "quarantined": dict(sorted(DROPPED.items()))}
    assert Counter(row["reason"] for row in quarantined(folder)) == DROPPED


@pytest.mark.parametrize("name", [*POLICIES, "reversed"])
def test_no_row_vanishes_under_any_policy(branches: Any, name: str) -> None:
    folder, examples = branches[name]
    counts = transforms.read_counts(str(folder))
    assert counts["rows"] == len(ROWS)
    assert counts["kept"] == len(examples)
    assert counts["kept"] + sum(counts["quarantined"].values()) == counts["rows"]
    assert Counter(row["reason"] for row in quarantined(folder)) == counts["quarantined"]


@pytest.mark.parametrize(
    ("name", "kept", "changed"),
    [
        ("majority", 13, {"conflicting_labels": 1, "duplicate": 2}),
        ("keep conflicts", 14, {"conflicting_labels": 0, "duplicate": 2}),
        ("keep all", 16, {"duplicate": 0, "conflicting_labels": 0}),
    ],
)
def test_a_policy_does_what_it_says(branches: Any, name: str, kept: int, changed: dict[str, int]) -> None:
    counts = transforms.read_counts(str(branches[name][0]))
    assert counts["kept"] == kept
    assert counts["quarantined"] == {reason: count for reason, count in (DROPPED | changed).items() if count}


def test_near_duplicates_go_whatever_the_order_of_the_rows(branches: Any) -> None:
    examples = branches["near"][1]
    assert examples == branches["reversed"][1]
    assert 0 < len(examples) < len(GOOD)
    assert {row["reason"] for row in quarantined(branches["near"][0])} == {*DROPPED, "near_duplicate"}


def test_a_quarantined_row_has_its_reason_file_line_and_text(branches: Any, tmp_path: Path) -> None:
    found = {row["reason"]: row for row in quarantined(branches["csv"][0])}
    unknown = found["unknown_label"]
    assert unknown["file"].endswith("rows.csv")
    assert (unknown["line"], unknown["text"], unknown["label"]) == (16, "an unknown one", "meh")
    assert "'meh', which is not among the labels bad, good" in unknown["detail"]
    assert "different labels (bad 1, good 2)" in found["conflicting_labels"]["detail"]
    assert found["duplicate"]["detail"].startswith("the text is that of ")


def test_the_artifact_tells_the_counts_and_its_splits_hold_no_quarantine(tmp_path: Path) -> None:
    file, source = source_files.write(tmp_path, "jsonl", ROWS)
    artifact = execute(tmp_path / "examples", file, source)
    told = {
        name: artifact.get_int_custom_property(name)
        for name in ("rows_read", "rows_kept", "quarantined", "quarantined_duplicate", "quarantined_unknown_label")
    }
    assert told == {
        "rows_read": 20, "rows_kept": 12, "quarantined": 8, "quarantined_duplicate": 1, "quarantined_unknown_label": 1,
    }  # fmt: skip
    assert json.loads(artifact.split_names) == ["train", "eval", "test"]
    names = sorted(path.name for path in (tmp_path / "examples").iterdir() if path.name != "tmp")
    assert names == ["Split-eval", "Split-test", "Split-train", "quarantine"]
    assert sorted(path.name for path in (tmp_path / "examples" / "quarantine").iterdir()) == [
        "counts.json", "rows.jsonl.gz",
    ]  # fmt: skip


def test_more_quarantined_rows_than_allowed_fail_the_node_with_reasons_and_rows(tmp_path: Path) -> None:
    file, source = source_files.write(tmp_path, "csv", ROWS)
    with pytest.raises(rows.DataError) as caught:
        execute(tmp_path / "examples", file, source, max_quarantined=0.3)
    message = str(caught.value)
    assert message.startswith("8 of 20 rows (40.0%) would be quarantined (conflicting_labels 3, ")
    assert f"{file}:" in message
