"""`pipeline.ingest.rows`: every file that people really have is read, or refused with file, line, column and remedy."""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import config_loader
from pipeline.ingest.rows import DataError, Layout, Row, count_rows, read_csv, text_hash

LAYOUT = Layout("text", "label", ("source",), ("negative", "positive"))
HEADER = "id,text,label,source\n"


def read(content: str | bytes, layout: Layout = LAYOUT) -> list[Row]:
    raw = content.encode() if isinstance(content, str) else content
    return list(read_csv(io.BytesIO(raw), "my.csv", layout))


def error_of(content: str | bytes, layout: Layout = LAYOUT) -> str:
    with pytest.raises(DataError) as caught:
        read(content, layout)
    return str(caught.value)


# What is read


def test_rows_come_in_order_with_their_lines_and_only_the_wanted_columns() -> None:
    assert read(f"{HEADER}1,fine,positive,web\n2,awful,negative,shop\n") == [
        Row("fine", "positive", ("web",), 2),
        Row("awful", "negative", ("shop",), 3),
    ]


def test_columns_may_stand_in_any_order_and_have_spaces_around_their_names() -> None:
    [row] = read("label , source, extra,text\npositive,web,x,fine\n")
    assert (row.text, row.label, row.slices) == ("fine", "positive", ("web",))


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize("last", ["", "end"], ids=["no final line break", "final line break"])
def test_files_of_any_program_are_read(start: bytes, end: str, last: str) -> None:
    lines = ["text,label,source", "fine,positive,web", *([""] if last else [])]
    assert [row.text for row in read(start + end.join(lines).encode())] == ["fine"]


def test_a_byte_order_mark_before_a_quoted_header_is_no_part_of_the_name() -> None:
    assert len(read(b'\xef\xbb\xbf"text","label","source"\r\nfine,positive,web\r\n')) == 1


def test_a_byte_order_mark_inside_the_file_is_text() -> None:
    assert read(f"{HEADER}1,\ufefffine,positive,web\n")[0].text == "\ufefffine"


def test_quotes_protect_delimiters_line_breaks_and_doubled_quotes() -> None:
    rows = read(HEADER + '1,"one, two\nthree ""four""",positive,web\n2,next,negative,"a,b"\n')
    assert rows[0].text == 'one, two\nthree "four"'
    assert [row.line for row in rows] == [3, 4]
    assert rows[1].slices == ("a,b",)


def test_blank_lines_are_no_rows() -> None:
    assert [row.line for row in read(f"{HEADER}\n1,fine,positive,web\n\n\n2,bad,negative,web\n")] == [3, 6]


def test_unicode_line_separators_do_not_end_a_row() -> None:
    [row] = read(f"{HEADER}1,a\u2028b\u0085c\x0cd,positive,web\n")
    assert row.text == "a\u2028b\u0085c\x0cd"


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_another_delimiter_is_obeyed(delimiter: str) -> None:
    layout = Layout("text", "label", (), ("a", "b"), delimiter)
    assert read(f"text{delimiter}label\none, two{delimiter}a\n", layout) == [Row("one, two", "a", (), 2)]


def test_a_very_long_text_is_read() -> None:
    assert len(read(HEADER + f"1,{'x' * 1_000_000},positive,web\n")[0].text) == 1_000_000


def test_a_file_is_read_as_a_stream_so_a_late_error_comes_late() -> None:
    rows = read_csv(io.BytesIO(f"{HEADER}1,fine,positive,web\n2,,positive,web\n".encode()), "my.csv", LAYOUT)
    assert isinstance(rows, Iterator)
    assert next(rows).text == "fine"
    with pytest.raises(DataError, match=r"my\.csv:3"):
        next(rows)


def test_rows_are_counted_by_label_and_by_slice() -> None:
    counts = count_rows(read(f"{HEADER}1,a,positive,web\n2,b,positive,shop\n3,c,negative,web\n"), LAYOUT)
    assert counts == {"label": {"positive": 2, "negative": 1}, "source": {"web": 2, "shop": 1}}
    assert count_rows([], LAYOUT) == {"label": {}, "source": {}}


# What is refused


@pytest.mark.parametrize(
    ("content", "start", "parts"),
    [
        (b"", "my.csv:1: ", ["the file is empty", "text, label, source"]),
        (b"\xef\xbb\xbf", "my.csv:1: ", ["the file is empty"]),
        (b"\n\n", "my.csv:1: ", ["the file is empty"]),
        (HEADER.encode(), "my.csv:2: ", ["no rows under the header"]),
        (f"{HEADER}\n\n".encode(), "my.csv:2: ", ["no rows under the header"]),
        (b"txt,label,source\na,positive,web\n", "my.csv:1: ", ["no column 'text'", "txt, label, source", "mean 'txt'"]),
        (b"text,lable,source\n", "my.csv:1: ", ["no column 'label'", "mean 'lable'", "data.columns.label"]),
        (b"text,label,x\n", "my.csv:1: ", ["no column 'source'", "data.columns.slices"]),
        (b"a,b,c\n", "my.csv:1: ", ["no column 'text'", "data.columns.text"]),
        (f"{HEADER}1,caf\xe9,positive,web\n".encode("latin-1"), "my.csv:2: ", ["byte 6 is not UTF-8", "iconv"]),
        ("id,text\n".encode("utf-16"), "my.csv:1: ", ["byte 1 is not UTF-8"]),
        (f"{HEADER}1,a,positive,web,x\n".encode(), "my.csv:2: ", ["5 fields where the header has 4", "double quotes"]),
        (f"{HEADER}1,one, two,positive,web\n".encode(), "my.csv:2: ", ["5 fields"]),
        (f"{HEADER}1,a,positive\n".encode(), "my.csv:2: ", ["3 fields where the header has 4"]),
        (f"{HEADER}1,a,positive,web\n2, \t,positive,web\n".encode(), "my.csv:3: ", ["column 'text' is empty"]),
        (f"{HEADER}1,a,positve,web\n".encode(), "my.csv:2: ", ["column 'label' is 'positve'", "mean 'positive'"]),
        (f"{HEADER}1,a,neutral,web\n".encode(), "my.csv:2: ", ["'neutral'", "negative, positive", "schema"]),
        (f"{HEADER}1,a,,web\n".encode(), "my.csv:2: ", ["column 'label' is ''"]),
        (f"{HEADER}1,a,Positive,web\n".encode(), "my.csv:2: ", ["column 'label' is 'Positive'", "mean 'positive'"]),
        (f'{HEADER}1,"a,positive,web\n'.encode(), "my.csv:2: ", ["not valid CSV"]),
        (f'{HEADER}1,"a"b,positive,web\n'.encode(), "my.csv:2: ", ["not valid CSV"]),
        (b"text,label,source\rfine,positive,web\r", "my.csv:1: ", ["not valid CSV"]),
    ],
)
def test_a_wrong_file_is_refused_with_its_line_and_what_to_do(content: bytes, start: str, parts: list[str]) -> None:
    message = error_of(content)
    assert message.startswith(start)
    for part in parts:
        assert part in message


def test_the_line_of_an_error_counts_the_lines_inside_quoted_texts() -> None:
    assert error_of(f'{HEADER}1,"a\nb\nc",positive,web\n2,x,good,web\n').startswith("my.csv:5: ")


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_wrong_delimiter_is_recognised_and_the_remedy_works_as_it_is_written(delimiter: str, tmp_path: Path) -> None:
    content = delimiter.join(["text", "label", "source"]) + "\n" + delimiter.join(["fine", "positive", "web"]) + "\n"
    message = error_of(content)
    assert f"the delimiter seems to be {delimiter!r}, not ','" in message
    arguments = shlex.split(re.search(r"`(--set .*?)`", message)[1])  # type: ignore[index]
    file = tmp_path / "a.yaml"
    file.write_text("{task: a, labels: [x, y], schema_path: s, data: {path: my.csv}}", encoding="utf-8")
    config = config_loader.load(file, overrides=arguments[1:])
    assert config.data.delimiter == delimiter
    assert len(read(content, Layout("text", "label", ("source",), LAYOUT.labels, config.data.delimiter))) == 1


# The hash that decides the split


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Good film", "good  FILM"),
        ("good film", "  good\tfilm\n"),
        ("good\u00a0film", "good film"),
        ("ﬁne", "fine"),
        ("cafe\u0301", "café"),
        ("ＡＢＣ", "abc"),
        ("Straße", "STRASSE"),
    ],
)
def test_texts_that_look_the_same_are_duplicates(one: str, other: str) -> None:
    assert text_hash(one) == text_hash(other)


@pytest.mark.parametrize(
    ("one", "other"), [("good film", "good film!"), ("cafe", "café"), ("goodfilm", "good film"), ("a", "b")]
)
def test_texts_that_differ_are_no_duplicates(one: str, other: str) -> None:
    assert text_hash(one) != text_hash(other)


def test_the_hash_is_the_same_on_every_machine_and_day() -> None:
    """A changed hash moves every row into another split."""
    assert text_hash(" Good  Film") == "952317a5f018c6712fd295b83d0ca244dc3fe72da22440b2f578cf6f8cc2d050"
    assert len(text_hash("\ud800")) == 64
