"""Quotes of a CSV file: read as what they are, by detection or a setting, and never at the cost of rows in silence."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.rows.source import SourceConfig
from pipeline.ingest import sources
from pipeline.ingest.rows import DataError
from pipeline.ingest.sources import Record

ROWS = 300


def texts(number: int) -> str:
    return f"the tour was fine in week {number}"


def opened_and_closed_elsewhere(number: int) -> str:
    """Every fiftieth text begins with a quote, and one some rows later ends with one."""
    return f'"{texts(number)}' if number % 50 == 9 else f'{texts(number)}"' if number % 50 == 17 else texts(number)


def write(folder: Path, text: Any, *, delimiter: str = "\t", rows: int = ROWS) -> Path:
    file = folder / "rows.csv"
    lines = [f"{text(number)}{delimiter}{'ab'[number % 2]}" for number in range(rows)]
    file.write_text(f"text{delimiter}label\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return file


def read(file: Path, **source: Any) -> list[Record]:
    return list(sources.read(str(file), SourceConfig.model_validate(source), ("text", "label")))


def test_quotes_that_are_characters_of_texts_cost_no_row(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = read(write(tmp_path, opened_and_closed_elsewhere))
    assert [record.values["text"] for record in found] == [opened_and_closed_elsewhere(n) for n in range(ROWS)]
    assert "quotes seem to be characters of the texts. Set data.source.quoting" in caplog.text


def test_a_quote_that_is_never_closed_costs_no_row(tmp_path: Path) -> None:
    assert len(read(write(tmp_path, lambda number: texts(number) if number != 200 else '"well'))) == ROWS


def test_a_backslash_before_quotes_is_found_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = read(write(tmp_path, lambda n: rf'"{texts(n)}, he said \"hm\" then"', delimiter=","))
    assert [record.values["text"] for record in found] == [f'{texts(n)}, he said "hm" then' for n in range(ROWS)]
    assert "a backslash before them. Set data.source.escape" in caplog.text


def test_rows_that_a_text_swallows_are_told_where_quotes_are_said_to_quote(tmp_path: Path) -> None:
    found = read(write(tmp_path, opened_and_closed_elsewhere), quoting="double")
    told = [record for record in found if record.problem]
    assert [record.line for record in told] == [line + 50 * part for part in range(6) for line in (11,)]
    assert "a text from here to line 19 holds line breaks and delimiters as rows do" in told[0].problem
    assert "set data.source.quoting to `none`" in told[0].problem


@pytest.mark.parametrize("source", [{"quoting": "double", "escape": ""}, {"quoting": "double"}])
def test_a_file_that_cannot_be_read_as_it_is_set_names_the_row_and_the_settings(
    tmp_path: Path, source: dict[str, str]
) -> None:
    file = write(tmp_path, lambda n: texts(n) if n != 7 else '"so" he said')
    with pytest.raises(DataError, match=r"rows.csv:9: not valid CSV.*data\.source\.quoting.*data\.source\.escape"):
        read(file, **source)


def test_settings_win_over_what_is_found(tmp_path: Path) -> None:
    file = write(tmp_path, lambda n: f'"{texts(n)}"')
    assert read(file)[0].values["text"] == texts(0)
    assert read(file, quoting="none")[0].values["text"] == f'"{texts(0)}"'
    file = write(tmp_path, lambda n: rf"a \t {n}")
    assert read(file)[0].values["text"] == r"a \t 0"
    assert read(file, quoting="none", escape="\\")[0].values["text"] == "a t 0"


@pytest.mark.parametrize(
    "text",
    [
        '"Dear all, yes\nthanks"',  # two lines and a comma look like two rows
        '"one, two\nthree, four, five\nsix"',
        '"he said ""so, then""\n\nand left"',
        '"a\nb\nc"',
    ],
)
def test_texts_of_several_lines_stay_texts(tmp_path: Path, text: str) -> None:
    rows = 20
    found = read(write(tmp_path, lambda n: text if n % 2 else f'"well, {n}"', delimiter=",", rows=rows))
    assert not [record.problem for record in found if record.problem]
    assert len(found) == rows
    assert found[1].values["text"] == text[1:-1].replace('""', '"')


@pytest.mark.parametrize(
    ("field", "value"), [("delimiter", '"'), ("delimiter", "\n"), ("escape", '"'), ("escape", "ab"), ("quoting", "all")]
)
def test_settings_that_cannot_be_are_refused(field: str, value: str) -> None:
    with pytest.raises(ValueError, match=field):
        SourceConfig.model_validate({field: value})
