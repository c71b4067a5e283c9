"""Files whose first line, delimiter or encoding is not what one would like."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import local_runner
from pipeline.config import loader
from pipeline.local import preflight

ROWS = [("ham" if number % 2 else "spam", f"the film in week {number} was so so") for number in range(60)]


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(local_runner.cli, ["data", "profile", *arguments], catch_exceptions=False)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(here: Path) -> tuple[str, str, int]:
    """Text column, label column and rows of the drafted task, as a run reads them."""
    config = loader.load(here / "configs" / "a.yaml", profile="quick")
    return config.data.columns.text, config.data.columns.label, preflight.check_data(config)["rows"]


def test_empty_header_cells_get_their_place_as_a_name(here: Path) -> None:
    (here / "a.csv").write_text("v1,v2,,\n" + "".join(f"{label},{text},,\n" for label, text in ROWS))
    result = invoke("a.csv")
    assert result.exit_code == 0, result.output
    assert "column_3" in result.output
    assert read(here) == ("v2", "v1", 60)


def test_excels_first_line_names_the_delimiter(here: Path) -> None:
    (here / "a.csv").write_text("sep=;\ntext;label\n" + "".join(f"{text};{label}\n" for label, text in ROWS))
    assert invoke("a.csv").exit_code == 0
    assert read(here) == ("text", "label", 60)


def test_carriage_returns_end_lines_where_nothing_else_does(here: Path) -> None:
    (here / "a.csv").write_bytes("\r".join(["text,label", *(f"{text},{label}" for label, text in ROWS)]).encode())
    assert invoke("a.csv").exit_code == 0
    assert read(here) == ("text", "label", 60)


def test_a_line_break_in_a_columns_name_is_a_blank(here: Path) -> None:
    (here / "a.csv").write_text('"the\ntext",label\n' + "".join(f"{text},{label}\n" for label, text in ROWS))
    assert invoke("a.csv").exit_code == 0
    assert read(here) == ("the text", "label", 60)


def test_a_file_without_a_header_is_told_with_the_names_to_give_it(here: Path) -> None:
    (here / "a.csv").write_text("".join(f"{label},{number},{text}\n" for number, (label, text) in enumerate(ROWS)))
    result = invoke("a.csv")
    assert result.exit_code == 2
    assert "the first line looks like data and not like a header: 'spam' stands in it, and in 29 rows" in result.output
    assert "--columns label,column_2,text" in result.output
    assert not (here / "configs").exists()
    assert invoke("a.csv", "--columns", "label,column_2,text").exit_code == 0
    assert read(here) == ("text", "label", 60)


def test_a_column_that_is_called_like_its_values_is_a_column(here: Path) -> None:
    (here / "a.csv").write_text("text,spam\n" + "".join(f"{text},{label}\n" for label, text in ROWS))
    assert invoke("a.csv").exit_code == 0
    assert read(here) == ("text", "spam", 60)


def test_delimiter_and_encoding_can_be_said(here: Path) -> None:
    text = "text^label\n" + "".join(f"{text} für ß^{label}\n" for label, text in ROWS)
    (here / "a.csv").write_bytes(text.encode("cp850"))
    result = invoke("a.csv", "--delimiter", "^", "--encoding", "cp850", "--json")
    found = json.loads(result.stdout)
    assert (found["delimiter"], found["encoding"]) == ("^", "cp850")
    assert read(here) == ("text", "label", 60)
    assert "--encoding: there is no such encoding" in invoke("a.csv", "--encoding", "latin-99").output


@pytest.mark.parametrize("shift", [0, 1])
def test_gb18030_is_known_wherever_the_sample_is_cut(here: Path, shift: int) -> None:
    line = "服务态度非常差而且等了很久才有人来处理我的问题,差评\n"
    (here / "a.csv").write_bytes(("内容,评价" + "x" * shift + "\n" + line * 3_000).encode("gb18030"))
    assert json.loads(invoke("a.csv", "--no-draft", "--json").stdout)["encoding"] == "gb18030"
