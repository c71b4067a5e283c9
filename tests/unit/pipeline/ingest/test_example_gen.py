"""`pipeline.ingest.example_gen`: rows become examples, duplicates stay together, and a sample is a fair one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.rows.settings import Columns
from modules.targets.cell import Cell

import apache_beam as beam
import pytest
import tensorflow as tf
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tfx.components.example_gen.base_example_gen_executor import _PartitionFn
from tfx.proto import example_gen_pb2
from tfx.types import standard_component_specs
from tfx.utils import proto_utils

from pipeline.config.rows.splits import SplitRule
from pipeline.ingest import custom_config, rows
from pipeline.ingest.example_gen import ExampleGenNodeSettings, RowsExecutor, to_example

LAYOUT = rows.Layout("text", "label", ("source",), ("bad", "good"))
COLUMNS = Columns(slices=["source"])
SPLITS = ("train", "eval", "test")


def output_config(feature: str = rows.TEXT_HASH) -> example_gen_pb2.Output:
    splits = [
        example_gen_pb2.SplitConfig.Split(name=name, hash_buckets=share)
        for name, share in zip(SPLITS, (8, 1, 1), strict=True)
    ]
    return example_gen_pb2.Output(
        split_config=example_gen_pb2.SplitConfig(splits=splits, partition_feature_name=feature)
    )


def split_of(text: str, label: str = "good", source: str = "web") -> str:
    """The split that TFX's own function gives a row."""
    example = to_example(rows.Row(text, label, (source,), "my.csv", 2), LAYOUT)
    return SPLITS[_PartitionFn(example, 3, [8, 9, 10], output_config().split_config)]


def properties(folder: Path, **changes: Any) -> dict[str, Any]:
    splits = [example_gen_pb2.Input.Split(name="all", pattern="my.csv")]
    wanted = {"cell": Cell(), "split": SplitRule(), **changes}
    settings = ExampleGenNodeSettings(columns=COLUMNS, labels=["bad", "good"], **wanted)
    return {
        standard_component_specs.INPUT_BASE_KEY: str(folder),
        standard_component_specs.INPUT_CONFIG_KEY: proto_utils.proto_to_json(example_gen_pb2.Input(splits=splits)),
        standard_component_specs.OUTPUT_CONFIG_KEY: proto_utils.proto_to_json(
            output_config(rows.SPLIT_KEY if "split" in changes else rows.TEXT_HASH)
        ),
        standard_component_specs.CUSTOM_CONFIG_KEY: proto_utils.proto_to_json(custom_config.packed(settings)),
    }


@pytest.fixture
def generate(tmp_path: Path) -> Callable[..., dict[str, list[tuple[str, str, str]]]]:
    """Runs the executor's Beam transform over rows; by split, the (text, label, source) of each example."""

    def run(lines: list[str], **changes: Any) -> dict[str, list[tuple[str, str, str]]]:
        (tmp_path / "my.csv").write_text("\n".join(["text,label,source", *lines]) + "\n", encoding="utf-8")
        found: dict[str, list[tuple[str, str, str]]] = {}
        with beam.Pipeline(runner=FnApiRunner()) as pipeline:
            splits = RowsExecutor().GenerateExamplesByBeam(pipeline, properties(tmp_path, **changes))
            for name, examples in splits.items():
                _ = (
                    examples
                    | f"Read {name}" >> beam.Map(values)
                    | f"Write {name}" >> beam.io.WriteToText(str(tmp_path / "out" / name), shard_name_template="")
                )
        for name in splits:
            lines_of = (tmp_path / "out" / name).read_text(encoding="utf-8").splitlines()
            found[name] = [tuple(json.loads(line)) for line in lines_of]
        return found

    return run


def values(example: tf.train.Example) -> str:
    columns = ("text", "label", "source")
    return json.dumps([example.features.feature[name].bytes_list.value[0].decode() for name in columns])


def rows_of(count: int) -> list[str]:
    """Four strata of unequal sizes."""
    return [
        f"text number {number},{'good' if number % 3 else 'bad'},{'web' if number % 5 else 'shop'}"
        for number in range(count)
    ]


# One row


def test_an_example_carries_the_columns_and_the_hash_of_its_text() -> None:
    example = to_example(rows.Row("Schön, 🙂", "good", ("web",), "my.csv", 7), LAYOUT)
    found = {name: feature.bytes_list.value[0].decode() for name, feature in example.features.feature.items()}
    assert found == {
        "text": "Schön, 🙂", "label": "good", "source": "web", "text_hash": rows.text_hash("schön, 🙂"),
    }  # fmt: skip


def test_an_answer_that_is_a_number_is_one_in_the_example() -> None:
    layout = rows.Layout("text", "stars", (), (), cell=Cell(type="number"))
    feature = to_example(rows.Row("fine", "4.5", (), "my.csv", 7), layout).features.feature
    assert feature["stars"].WhichOneof("kind") == "float_list"
    assert list(feature["stars"].float_list.value) == [4.5]


# Splits


@pytest.mark.parametrize("variant", ["GOOD film", " good   film ", "good\u00a0film", "ＧＯＯＤ film", "Good\nFilm"])
def test_a_duplicate_never_straddles_train_and_eval(variant: str) -> None:
    assert split_of(variant) == split_of("good film")


def test_neither_label_nor_slice_moves_a_text_to_another_split() -> None:
    for number in range(50):
        text = f"text {number}"
        assert len({split_of(text, label, source) for label in ("good", "bad") for source in ("web", "shop")}) == 1


def test_splits_have_their_shares() -> None:
    shares = Counter(split_of(f"some text {number}") for number in range(4000))
    assert shares["train"] / 4000 == pytest.approx(0.8, abs=0.02)
    assert shares["eval"] / 4000 == pytest.approx(0.1, abs=0.02)
    assert shares["test"] / 4000 == pytest.approx(0.1, abs=0.02)


def test_a_row_is_in_the_same_split_on_every_machine_and_day() -> None:
    """A changed hash would put rows that a released model was trained on into its test split."""
    assert [number for number in range(40) if split_of(f"text {number}") == "eval"] == [10, 11, 16, 19, 20, 21]
    assert [number for number in range(40) if split_of(f"text {number}") == "test"] == [
        0,
        4,
        5,
        12,
        15,
        17,
        18,
        24,
        26,
        35,
    ]


def test_adding_rows_never_moves_a_row_and_loses_none(generate: Callable[..., Any]) -> None:
    lines = rows_of(60)
    before = generate(lines)
    after = generate([*rows_of(20)[::-1], "new at the start,bad,shop", *lines[20:], "new at the end,good,web"])
    assert sum(len(part) for part in before.values()) == 60
    assert sum(len(part) for part in after.values()) == 62
    for name in SPLITS:
        assert set(before[name]) <= set(after[name])
        assert all(split_of(text) == name for text, _, _ in after[name])


def test_rows_go_where_a_column_says(generate: Callable[..., Any]) -> None:
    lines = [f"text {number},good,{SPLITS[number % 3]}" for number in range(30)]
    found = generate([*lines, "text,good,dev"], split={"given": "source"}, cleaning={"max_quarantined": 0.5})
    assert {name: {source for _, _, source in part} for name, part in found.items()} == {
        name: {name} for name in SPLITS
    }
    assert sum(len(part) for part in found.values()) == 30, "the last one has no split, and is put aside"


def test_rows_go_by_time_and_a_row_without_one_is_put_aside(generate: Callable[..., Any]) -> None:
    lines = [f"text {month},good,2015-{month:02}-07" for month in range(1, 13)]
    order = {"column": "source", "eval": "2015-09-01", "test": "2015-11-01T00:00:00"}
    found = generate([*lines, "late,good,soon"], split={"order": order}, cleaning={"max_quarantined": 0.5})
    assert {name: sorted(int(text.split()[1]) for text, _, _ in part) for name, part in found.items()} == {
        "train": [1, 2, 3, 4, 5, 6, 7, 8], "eval": [9, 10], "test": [11, 12],
    }  # fmt: skip


def test_values_of_a_column_stay_together_in_their_shares(generate: Callable[..., Any]) -> None:
    lines = [f"text {number},good,shop {number % 100}" for number in range(300)]
    found = {name: {source for _, _, source in part} for name, part in generate(lines, split={"by": "source"}).items()}
    assert sum(map(len, found.values())) == len(set.union(*found.values())) == 100
    assert len(found["train"]) > 60
    assert found["eval"]
    assert found["test"]


# Sample


def test_a_sample_keeps_the_proportions_of_labels_and_slices_and_leaves_eval_and_test_alone(
    generate: Callable[..., Any],
) -> None:
    everything, half = generate(rows_of(300)), generate(rows_of(300), train_fraction=0.5)
    assert sorted(half["eval"]) == sorted(everything["eval"])
    assert sorted(half["test"]) == sorted(everything["test"])
    assert set(half["train"]) < set(everything["train"])
    strata = Counter((label, source) for _, label, source in everything["train"])
    assert len(strata) == 4
    assert Counter((label, source) for _, label, source in half["train"]) == {
        stratum: -(-count // 2) for stratum, count in strata.items()
    }


def test_a_larger_sample_holds_the_smaller_one(generate: Callable[..., Any]) -> None:
    small, large = (generate(rows_of(200), train_fraction=fraction)["train"] for fraction in (0.2, 0.6))
    assert set(small) < set(large)


def test_a_sample_does_not_depend_on_the_order_of_the_rows(generate: Callable[..., Any]) -> None:
    one, other = (generate(lines, train_fraction=0.3)["train"] for lines in (rows_of(100), rows_of(100)[::-1]))
    assert sorted(one) == sorted(other)


def test_even_the_smallest_sample_has_a_row_of_each_kind(generate: Callable[..., Any]) -> None:
    found = generate(rows_of(200), train_fraction=0.001)["train"]
    assert len({(label, source) for _, label, source in found}) == len(found) == 4


def test_a_sample_of_duplicates_is_the_same_each_time(generate: Callable[..., Any]) -> None:
    lines = [f"{'Same' if number % 2 else 'same'} text,good,web" for number in range(20)]
    keep = {"duplicates": "keep"}
    first = generate(lines, train_fraction=0.3, cleaning=keep)
    again = generate(lines[::-1], train_fraction=0.3, cleaning=keep)
    assert sum(len(part) for part in first.values()) > 1
    assert {name: sorted(part) for name, part in first.items()} == {name: sorted(part) for name, part in again.items()}


# What is wrong is told


def test_a_wrong_row_stops_the_node_with_file_and_line_where_asked(
    generate: Callable[..., Any], tmp_path: Path
) -> None:
    with pytest.raises(Exception, match=rf"{tmp_path}/my.csv:3: column 'label' is 'awful'"):
        generate(["fine,good,web", "so,awful,web"], cleaning={"on_error": "fail"})


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(rows.DataError, match=r"my.csv: no such file"), beam.Pipeline(runner=FnApiRunner()) as pipeline:
        RowsExecutor().GenerateExamplesByBeam(pipeline, properties(tmp_path))


def test_a_quoted_text_with_line_breaks_is_one_row(generate: Callable[..., Any]) -> None:
    found = generate(['"one\ntwo, three",good,web'])
    assert [row for part in found.values() for row in part] == [("one\ntwo, three", "good", "web")]
