"""The log of requests as it is found: growing, rotated, torn, broken, gone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.traffic import log
from pipeline.traffic.log import LogReader
from tests import served


def names(reader: LogReader) -> list[str]:
    return [row.request_id for row in reader.read(lambda row: True)]


def lines(*names: str) -> list[str]:
    return [served.row(served.START + place, name) for place, name in enumerate(names)]


def test_a_row_is_read_once_and_a_line_that_is_still_written_when_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "requests-00000001.jsonl"
    whole, torn = lines("a", "b")
    served.write(file, [whole, torn[:40]], end="")
    reader = LogReader(str(tmp_path))
    assert names(reader) == ["a"]
    assert names(reader) == []
    served.write(file, [torn[40:]])
    assert names(reader) == ["b"]
    assert reader.seen.broken == 0


def test_reading_goes_on_in_another_process_and_over_a_rotation_by_number_or_by_name(tmp_path: Path) -> None:
    first = tmp_path / "requests-00000001.jsonl"
    served.write(first, lines("a", "b"))
    reader = LogReader(str(tmp_path / "requests*"))
    assert names(reader) == ["a", "b"]
    served.write(first, lines("c"))
    served.write(tmp_path / "requests-00000002.jsonl", lines("d"))
    first.rename(tmp_path / "requests.old")
    again = LogReader(str(tmp_path / "requests*"), reader.positions)
    assert sorted(names(again)) == ["c", "d"]


def test_a_copy_of_a_file_counts_once_and_one_that_was_emptied_begins_anew(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    served.write(file, lines("a", "b"))
    shutil.copy(file, tmp_path / "b.jsonl")
    reader = LogReader(str(tmp_path))
    assert names(reader) == ["a", "b"]
    (tmp_path / "b.jsonl").unlink()
    file.write_text("", encoding="utf-8")
    served.write(file, lines("c"))
    assert names(reader) == ["c"]


def test_a_file_that_went_before_it_was_read_is_told_by_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    served.write(file, lines("a", "b", "c"))
    reader = LogReader(str(tmp_path))
    assert [row.request_id for row in reader.read(lambda row: row.request_id == "a")] == ["a"]
    rest = file.stat().st_size - len(lines("a")[0]) - 1
    file.unlink()
    assert names(reader) == []
    assert reader.seen.removed == rest


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "not JSON"),
        ("[1]", "a JSON list in place of an object"),
        ("12", "a JSON int in place of an object"),
        ('{"text": "secret"}', "there is no served.time"),
        ('{"text": "secret", "served.time": "yesterday"}', "not a row of the log: ValueError"),
        ('{"text": "secret", "served.time": 12}', "not a row of the log: ValueError"),
        ('{"text": "secret", "served.time": "2026-01-01T00:00:00Z", "served.score": "NaN"}', "ValueError"),
        ('{"text": "secret", "served.time": "2026-01-01T00:00:00Z", "served.milliseconds": []}', "TypeError"),
        ('{"text": "' + "[" * 100 + '", "served.time": null}', "ValueError"),
        ("[" * 100_000, "not a row of the log: RecursionError"),
    ],
)
def test_a_broken_line_is_counted_and_told_by_its_place_without_its_text(tmp_path: Path, line: str, why: str) -> None:
    served.write(tmp_path / "a.jsonl", [*lines("a"), line, *lines("b")])
    reader = LogReader(str(tmp_path))
    assert names(reader) == ["a", "b"]
    assert reader.seen.broken == 1
    assert reader.seen.first_broken.startswith(f"{tmp_path}/a.jsonl, byte {len(lines('a')[0]) + 1}: ")
    assert why in reader.seen.first_broken
    assert "secret" not in reader.seen.first_broken


def test_bytes_that_are_no_text_and_endless_lines_are_broken_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "_LONGEST_LINE", 2_000)
    (tmp_path / "a.jsonl").write_bytes(b"\xff\xfe\x00\n" + b"x" * 9_000 + b"\n")
    served.write(tmp_path / "a.jsonl", lines("a"))
    reader = LogReader(str(tmp_path))
    assert names(reader) == ["a"]
    assert reader.seen.broken == 2


def test_each_file_waits_in_front_of_what_is_too_late(tmp_path: Path) -> None:
    served.write(tmp_path / "a.jsonl", [served.row(10, "a"), served.row(20, "b"), served.row(11, "c")])
    served.write(tmp_path / "b.jsonl", [served.row(12, "d")])
    reader = LogReader(str(tmp_path))
    assert [row.request_id for row in reader.read(lambda row: row.time < 15)] == ["a", "d"]
    assert reader.head() == 20
    assert names(reader) == ["b", "c"]


def test_there_need_not_be_a_log_yet(tmp_path: Path) -> None:
    reader = LogReader(str(tmp_path / "nowhere"))
    assert names(reader) == []
    assert reader.head() is None
