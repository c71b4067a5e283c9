"""`pipeline.ingest.sources`: the same rows from every source, as a stream, and what is wrong is told."""

from __future__ import annotations

import datetime
import itertools
from decimal import Decimal
from pathlib import Path

import modules  # noqa: F401

import pyarrow as pa
import pytest
from pyarrow import parquet

from pipeline.config.rows.source import SourceConfig
from pipeline.ingest import sources
from pipeline.ingest.rows import DataError
from pipeline.ingest.sources import Record
from pipeline.ingest.sources.base import to_text
from tests.unit import source_files

COLUMNS = ("text", "label", "source")
ROWS = [
    {"id": "1", "text": 'Schön, "wirklich" 🙂', "label": "positive", "source": "web"},
    {"id": "2", "text": "two\nlines; and\ttabs", "label": "negative", "source": ""},
    {"id": "3", "text": "", "label": "negative", "source": "shop"},
    {"id": "4", "text": "日本語 \u2028 é e\u0301", "label": "meh", "source": "a,b"},
    {"id": "5", "text": "  spaces  ", "label": " positive", "source": "007"},
]


@pytest.mark.parametrize("form", source_files.FILES)
def test_the_same_rows_are_the_same_records_from_every_source(form: str, tmp_path: Path) -> None:
    file, config = source_files.write(tmp_path, form, ROWS)
    records = list(sources.read(str(file), config, COLUMNS))
    assert [record.values for record in records] == [{name: row[name] for name in COLUMNS} for row in ROWS]
    assert {record.file for record in records} == {str(file)}
    lines = {"csv": [2, 4, 5, 6, 7]}.get(form, [1, 2, 3, 4, 5])
    assert [record.line for record in records] == lines
    assert [dict(record.values) for record in sources.read(str(file), config)] == ROWS  # all columns


@pytest.mark.parametrize("form", source_files.FILES)
def test_a_missing_column_is_an_error_that_names_the_nearest(form: str, tmp_path: Path) -> None:
    file, config = source_files.write(tmp_path, form, [{"text": "fine", "lable": "positive"}])
    with pytest.raises(DataError) as caught:
        list(sources.read(str(file), config, ("text", "label")))
    assert str(caught.value).startswith(f"{file}:1: there is no column 'label'")
    assert "Did you mean 'lable'? Set data.columns.label" in str(caught.value)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_packed_file_is_the_same(form: str, tmp_path: Path) -> None:
    file, config = source_files.write(tmp_path, form, ROWS)
    packed = source_files.packed(file)
    assert [record.values for record in sources.read(str(packed), config)] == [
        record.values for record in sources.read(str(file), config)
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"), (None, ""), (True, "true"), (7, "7"), (1.5, "1.5"), (Decimal("1.50"), "1.50"), ("é".encode(), "é"),
        (datetime.date(2026, 1, 2), "2026-01-02"), (datetime.datetime(2026, 1, 2, 3, 4), "2026-01-02T03:04:00"),
    ],
)  # fmt: skip
def test_any_single_value_is_text(value: object, text: str) -> None:
    assert to_text(value) == text


@pytest.mark.parametrize("value", [["a"], {"a": 1}, b"\xff"])
def test_anything_else_is_not(value: object) -> None:
    with pytest.raises(ValueError, match=r"not text|codec"):
        to_text(value)


def test_a_suffix_that_tells_no_format_is_refused_unless_the_format_is_set(tmp_path: Path) -> None:
    file = tmp_path / "rows.data"
    file.write_text('{"text": "a"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"rows.data: the suffix does not tell the format.*set data.source.format"):
        sources.read(str(file), SourceConfig())
    assert len(list(sources.read(str(file), SourceConfig(format="jsonl")))) == 1


# JSONL


def jsonl(folder: Path, content: str) -> list[Record]:
    (folder / "rows.jsonl").write_text(content, encoding="utf-8")
    return list(sources.read(str(folder / "rows.jsonl"), SourceConfig(), ("text", "label")))


def test_a_line_that_is_no_object_is_told_and_the_next_is_read(tmp_path: Path) -> None:
    good = '{"text": "fine", "label": "good", "extra": [1]}\n'
    found = jsonl(tmp_path, f'{good}{{"text": "brok\n[1]\n\n{good}{{"text": ["a"], "label": "good"}}\n')
    assert [bool(record.wrong()) for record in found] == [False, True, True, False, True]
    assert [record.line for record in found] == [1, 2, 3, 5, 6]
    assert "not valid JSON" in found[1].problem
    assert found[2].problem == "a JSON list in place of an object"
    assert found[4].wrong().startswith("the value of 'text' is a list, not text")
    assert (found[4].wrong("text"), found[4].values["text"]) == ("", '["a"]')


def test_null_and_a_field_that_a_later_object_lacks_are_empty(tmp_path: Path) -> None:
    found = jsonl(tmp_path, '{"text": null, "label": 1}\n{"label": true}\n')
    assert [record.values for record in found] == [{"text": "", "label": "1"}, {"text": "", "label": "true"}]


@pytest.mark.parametrize("content", ["", "\n\n", "not json\n"])
def test_a_file_without_an_object_is_refused(content: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"rows.jsonl:1: there is no JSON object"):
        jsonl(tmp_path, content)


# Parquet


def test_parquet_of_numbers_is_text_and_is_read_by_batches(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    table = pa.table({"text": [f"t{i}" for i in range(10_000)], "label": list(range(10_000)), "other": [0] * 10_000})
    parquet.write_table(table, file, row_group_size=1000)
    rows = sources.read(str(file), SourceConfig(), ("text", "label"))
    assert [row.values["label"] for row in itertools.islice(rows, 3)] == ["0", "1", "2"]
    last = list(rows)[-1]
    assert (last.values, last.line) == ({"text": "t9999", "label": "9999"}, 10_000)


def test_a_file_that_is_no_parquet_is_told(tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").write_bytes(b"text,label\na,b\n")
    with pytest.raises(DataError, match=r"rows.parquet:1: not a Parquet file"):
        list(sources.read(str(tmp_path / "rows.parquet"), SourceConfig()))


def test_parquet_without_rows_is_refused(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "rows.parquet")
    with pytest.raises(DataError, match="there are no rows"):
        list(sources.read(str(tmp_path / "rows.parquet"), SourceConfig()))


# TFRecord


def test_a_damaged_record_ends_it_with_its_number(tmp_path: Path) -> None:
    file, config = source_files.write(tmp_path, "tfrecord", ROWS)
    content = bytearray(file.read_bytes())
    content[-6] ^= 0xFF
    file.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"rows.tfrecord:5: not a TFRecord file, or a damaged one"):
        list(sources.read(str(file), config, COLUMNS))


def test_a_feature_of_many_values_and_a_record_that_is_no_example_are_told(tmp_path: Path) -> None:
    import tensorflow as tf

    good, many = tf.train.Example(), tf.train.Example()
    good.features.feature["text"].bytes_list.value.append(b"fine")
    many.features.feature["text"].int64_list.value.extend([1, 2])
    file = tmp_path / "rows.tfrecord"
    with tf.io.TFRecordWriter(str(file)) as out:
        for raw in (good.SerializeToString(), many.SerializeToString(), b"\xff\xff\xff"):
            out.write(raw)
    found = list(sources.read(str(file), SourceConfig(), ("text",)))
    assert [record.problem[:29] for record in found] == [
        "",
        "the feature 'text' has 2 valu",
        "not a tf.train.Example: Error",
    ]
