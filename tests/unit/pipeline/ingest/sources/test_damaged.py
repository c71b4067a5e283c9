"""Damaged files, of every source: rows, or one error that names the file, the damage and what to do; never a traceback.

The fuzzer damages a good file at random places, from a fixed seed. Libraries of C++ read some of these: a crash of one
would end the test run, which is a failure as well.
"""

from __future__ import annotations

import gzip
import json
import logging
import random
import struct
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

import local_runner
from pipeline.config.rows.source import SourceConfig
from pipeline.ingest import sources
from pipeline.ingest.rows import DataError
from pipeline.ingest.sources import text
from tests.unit import source_files

SEED, DAMAGES = 23, 120
COLUMNS = ("text", "label")
ROWS = [{"text": f'text {number} "so", ü\nend', "label": "ab"[number % 2]} for number in range(60)]


def damaged(data: bytes, chosen: random.Random) -> bytes:
    """The data with one kind of damage: cut, overwritten, with bytes lost or added, with one bit that flipped."""
    found = bytearray(data)
    place, length = chosen.randrange(len(found)), chosen.randint(1, 20)
    match chosen.randrange(6):
        case 0:
            del found[place:]
        case 1:
            found[place] = chosen.randrange(256)
        case 2:
            del found[place : place + length]
        case 3:
            found[place:place] = chosen.randbytes(length)
        case 4:
            found[place : place + length] = b"\xff" * length
        case _:
            found[place] ^= 1 << chosen.randrange(8)
    return bytes(found)


@pytest.mark.parametrize(
    "form",
    [
        "csv", "csv.gz", "jsonl", "jsonl.gz", "parquet",
        *(pytest.param(form, marks=pytest.mark.slow) for form in ("tfrecord", "tfrecord.gz")),
    ],
)  # fmt: skip
def test_a_file_damaged_anywhere_gives_rows_or_one_error_with_its_name(
    form: str, tmp_path: Path, record_property: Any
) -> None:
    record_property("faults", DAMAGES)
    file, config = source_files.write(tmp_path, form if form == "tfrecord.gz" else form.removesuffix(".gz"), ROWS)
    if form.endswith(".gz") and file.suffix != ".gz":
        file = source_files.packed(file)
    data, bad, chosen = file.read_bytes(), tmp_path / f"bad.{form}", random.Random(SEED)
    refused = 0
    for number in range(DAMAGES):
        bad.write_bytes(damaged(data, chosen))
        began = time.monotonic()
        try:
            for record in sources.read(str(bad), config, COLUMNS):
                refused += bool(record.problem)
                assert record.problem or set(record.values) == set(COLUMNS)
        except DataError as error:
            refused += 1
            message = str(error)
            assert message.startswith(str(bad)), message
            assert "\n" not in message
            assert len(message) < 1000
        assert time.monotonic() - began < 10, f"damage {number} took long"
    assert refused, "no damage was noticed"


def read(file: Path, **source: Any) -> list[Any]:
    return list(sources.read(str(file), SourceConfig.model_validate(source), COLUMNS))


def test_a_packed_file_that_is_cut_short_says_so(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv.gz"
    content = "text,label\n" + "".join(f"text {number},a\n" for number in range(3000))
    file.write_bytes(gzip.compress(content.encode())[:-900])
    with pytest.raises(DataError, match=r"rows.csv.gz: the file is cut short or damaged.*Fetch or write it again"):
        read(file)


@pytest.mark.parametrize("form", ["csv", "csv.gz", "jsonl.gz", "parquet"])
def test_every_command_tells_a_damaged_file_in_one_line(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`run` looks at the rows as `validate` does, before anything else."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / f"bad.{form}"
    content = source_files.write(tmp_path, form.removesuffix(".gz"), ROWS)[0].read_bytes()
    if form == "csv":
        content = content.replace(b'"text 30', b'"text" 30')
    file.write_bytes(gzip.compress(content)[:-100] if form.endswith(".gz") else content[:-10])
    config = {"task": "bad", "labels": ["a", "b"], "schema_path": "s", "data": {"path": str(file)}}
    Path("bad.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    for command in (["data", "profile", str(file), "--no-draft"], ["schema", "--config", "bad.yaml"]):
        done = CliRunner().invoke(local_runner.cli, command)
        assert done.exit_code == 2, done.output
        assert isinstance(done.exception, SystemExit), done.exception
        [line] = done.output.splitlines()
        assert line.startswith(f"Error: {file}")


def test_a_line_without_end_is_not_read_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "LONGEST_LINE", 1_000_000)
    for name in ("rows.csv.gz", "rows.jsonl.gz"):
        file = tmp_path / name
        file.write_bytes(gzip.compress(b"text,label\n" + b"a" * 20_000_000))
        with pytest.raises(DataError, match=rf"{name}:2: the line has more than 1,000,000 characters"):
            read(file)


def test_json_nested_deeply_is_a_bad_row(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    good = json.dumps({"text": "a", "label": "b"})
    file.write_text(f"{good}\n{'[' * 200_000}\n{good}\n", encoding="utf-8")
    assert [record.problem for record in read(file)] == ["", "nested too deeply", ""]


def test_what_is_no_number_counts_as_missing_from_every_source(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    lines = tmp_path / "rows.jsonl"
    lines.write_text('{"text": "a", "label": "b"}\n{"text": NaN, "label": NaN}\n', encoding="utf-8")
    table = tmp_path / "rows.parquet"
    parquet.write_table(pa.table({"text": [1.5, float("nan")], "label": [2.0, float("nan")]}), table)
    for file in (lines, table):
        assert read(file)[1].values == {"text": "", "label": ""}


def test_parquet_tells_the_rows_that_python_cannot_hold(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    file = tmp_path / "rows.parquet"
    moments = pa.array([0, 10**18, 5], pa.timestamp("s"))
    bad_text = pa.array([b"fine", b"\xff\xfe", b"fine too"]).view(pa.string())
    parquet.write_table(pa.table({"text": bad_text, "label": moments}), file)
    found = read(file)
    assert found[0].values == {"text": "fine", "label": datetime(1970, 1, 1).isoformat()}
    assert found[1].problem
    assert not found[2].problem


def test_a_column_that_is_there_twice_is_told(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    file = tmp_path / "rows.parquet"
    columns = [pa.array(["a"]), pa.array(["b"]), pa.array(["c"])]
    parquet.write_table(pa.Table.from_arrays(columns, names=["text", "label", "text"]), file)
    with pytest.raises(DataError, match=r"rows.parquet:1: the column 'text' is there 2 times; rename all but one"):
        read(file)
    other, config = source_files.write(tmp_path, "sql", [{"text": "a", "label": "b"}])
    other.write_text("SELECT text, label, label AS text FROM reviews", encoding="utf-8")
    with pytest.raises(DataError, match=r"rows.sql:1: the column 'text' is there 2 times"):
        list(sources.read(str(other), config, COLUMNS))


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_wrong_name_among_very_many_columns_is_told_in_a_few_words(tmp_path: Path, form: str) -> None:
    names = [f"column_{number}" for number in range(200_000)] + ["Text "]
    file = tmp_path / f"rows.{form}"
    if form == "csv":
        file.write_text(",".join(names) + "\n" + ",".join("1" for _ in names) + "\n", encoding="utf-8")
    else:
        file.write_text(json.dumps(dict.fromkeys(names, "1")) + "\n", encoding="utf-8")
    logging.disable(logging.WARNING)
    with pytest.raises(DataError, match=r"there is no column 'text'.*and 199,981 more.*Did you mean 'Text") as told:
        read(file)
    logging.disable(logging.NOTSET)
    assert len(str(told.value)) < 1000


@pytest.mark.slow
@pytest.mark.parametrize("length", [2**62, 2**40, 2**28 + 1, 500])
def test_a_tfrecord_with_a_huge_length_and_a_right_checksum_is_refused(
    tmp_path: Path, length: int, record_property: Any
) -> None:
    """TensorFlow would allocate it, or crash."""
    record_property("faults", 2)
    import google_crc32c

    head = struct.pack("<Q", length)
    crc = google_crc32c.value(head)
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    content = head + struct.pack("<I", masked) + b"abc"
    for name, data in (("rows.tfrecord", content), ("rows.tfrecord.gz", gzip.compress(content))):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DataError, match=rf"{name}:1: not a TFRecord file.*{length:,} bytes, which is more than"):
            read(tmp_path / name)
