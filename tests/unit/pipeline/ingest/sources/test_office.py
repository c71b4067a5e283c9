"""Excel workbooks, and archives with one file: what office programs and download pages give."""

from __future__ import annotations

import datetime
import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook

from pipeline.config.rows.source import SourceConfig
from pipeline.ingest import sources
from pipeline.ingest.rows import DataError

ROWS = [("good film", 1, True), ("bad, dull film", 0, False)]


def workbook(path: Path, rows: list[tuple], *, empty_sheet: bool = False) -> str:
    book = Workbook()
    sheet = book.active
    if empty_sheet:
        sheet = book.create_sheet()
    for row in rows:
        sheet.append(row)
    book.save(path)
    return str(path)


def read(path: str, columns: list[str] | None = None) -> list[dict[str, str]]:
    return [dict(item.values) for item in sources.read(path, SourceConfig(), columns)]


def test_a_workbook_gives_the_rows_that_a_csv_file_would(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [("text", "stars", "seen", None), *((*row, None) for row in ROWS)])
    assert read(path) == [
        {"text": "good film", "stars": "1", "seen": "true", "column_4": ""},
        {"text": "bad, dull film", "stars": "0", "seen": "false", "column_4": ""},
    ]
    assert [item.line for item in sources.read(path, SourceConfig(), ["text"])] == [2, 3]


def test_whole_numbers_dates_and_empty_rows_are_read_as_excel_shows_them(tmp_path: Path) -> None:
    rows = [("text", "n"), ("a", 2.0), (None, None), ("b", datetime.date(2026, 1, 2)), ("c", 2.5)]
    found = read(workbook(tmp_path / "a.xlsx", rows, empty_sheet=True))
    assert [row["n"] for row in found] == ["2", "2026-01-02T00:00:00", "2.5"]


def test_a_workbook_without_a_header_takes_the_names_that_are_given(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [("good", 1), ("bad", 0)])
    found = next(sources.read(path, SourceConfig(columns=["text", "label"])))
    assert (dict(found.values), found.line) == ({"text": "good", "label": "1"}, 1)


@pytest.mark.parametrize("name", ["rows.csv.zip", "archive.zip"])
def test_the_one_file_of_an_archive_is_read(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/rows.csv", "text,label\ngood,1\n")
        archive.writestr("__MACOSX/._rows.csv", "x")
    assert read(str(tmp_path / name)) == [{"text": "good", "label": "1"}]


def test_what_is_no_workbook_and_an_archive_of_several_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04 and nothing more")
    with pytest.raises(DataError, match=r"a\.xlsx:1: not an Excel workbook"):
        read(str(tmp_path / "a.xlsx"))
    with zipfile.ZipFile(tmp_path / "a.csv.zip", "w") as archive:
        archive.writestr("a.csv", "x")
        archive.writestr("b.csv", "x")
    with pytest.raises(DataError, match=r"the archive holds 2 files \(a\.csv, b\.csv\); unpack it"):
        read(str(tmp_path / "a.csv.zip"))
    (tmp_path / "b.csv.zip").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(DataError, match="a damaged zip archive"):
        read(str(tmp_path / "b.csv.zip"))
    with pytest.raises(DataError, match="there is no column 'body'"):
        read(workbook(tmp_path / "c.xlsx", [("text",), ("a",)]), ["body"])
