"""CSV: every file that people really have is read, or refused with file, line, column and remedy."""

from __future__ import annotations

import logging
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.config import loader
from pipeline.config.rows.source import SourceConfig
from pipeline.ingest import sources
from pipeline.ingest.rows import DataError
from pipeline.ingest.sources import Record

COLUMNS = ("text", "label", "source")
HEADER = "id,text,label,source\n"
Read = Callable[..., list[Record]]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Reads a file with some content, named `my.csv` in messages."""
    monkeypatch.chdir(tmp_path)

    def run(content: str | bytes, columns: tuple[str, ...] | None = COLUMNS, **source: str) -> list[Record]:
        (tmp_path / "my.csv").write_bytes(content.encode() if isinstance(content, str) else content)
        return list(sources.read("my.csv", SourceConfig(**source), columns))

    return run


def error_of(read: Read, content: str | bytes, **source: str) -> str:
    with pytest.raises(DataError) as caught:
        read(content, **source)
    return str(caught.value)


def texts(records: list[Record]) -> list[str]:
    return [record.values["text"] for record in records]


# What is read


def test_rows_come_in_order_with_their_lines_and_only_the_wanted_columns(read: Read) -> None:
    assert read(f"{HEADER}1,fine,positive,web\n2,awful,negative,shop\n") == [
        Record({"text": "fine", "label": "positive", "source": "web"}, "my.csv", 2),
        Record({"text": "awful", "label": "negative", "source": "shop"}, "my.csv", 3),
    ]


def test_without_wanted_columns_all_are_read(read: Read) -> None:
    assert read("a,b\n1,2\n", None)[0].values == {"a": "1", "b": "2"}


def test_columns_may_stand_in_any_order_and_have_spaces_around_their_names(read: Read) -> None:
    [row] = read("label , source, extra,text\npositive,web,x,fine\n")
    assert row.values == {"text": "fine", "label": "positive", "source": "web"}


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize("last", ["", "end"], ids=["no final line break", "final line break"])
def test_files_of_any_program_are_read(read: Read, start: bytes, end: str, last: str) -> None:
    lines = ["text,label,source", "fine,positive,web", *([""] if last else [])]
    assert texts(read(start + end.join(lines).encode())) == ["fine"]


def test_a_byte_order_mark_before_a_quoted_header_is_no_part_of_the_name(read: Read) -> None:
    assert len(read(b'\xef\xbb\xbf"text","label","source"\r\nfine,positive,web\r\n')) == 1


def test_a_byte_order_mark_inside_the_file_is_text(read: Read) -> None:
    assert texts(read(f"{HEADER}1,\ufefffine,positive,web\n")) == ["\ufefffine"]


def test_quotes_protect_delimiters_line_breaks_and_doubled_quotes(read: Read) -> None:
    rows = read(HEADER + '1,"one, two\nthree ""four""",positive,web\n2,next,negative,"a,b"\n')
    assert texts(rows)[0] == 'one, two\nthree "four"'
    assert [row.line for row in rows] == [3, 4]
    assert rows[1].values["source"] == "a,b"


def test_blank_lines_are_no_rows(read: Read) -> None:
    assert [row.line for row in read(f"{HEADER}\n1,fine,positive,web\n\n\n2,bad,negative,web\n")] == [3, 6]


def test_unicode_line_separators_do_not_end_a_row(read: Read) -> None:
    assert texts(read(f"{HEADER}1,a\u2028b\u0085c\x0cd,positive,web\n")) == ["a\u2028b\u0085c\x0cd"]


def test_a_very_long_text_is_read(read: Read) -> None:
    assert len(texts(read(HEADER + f"1,{'x' * 1_000_000},positive,web\n"))[0]) == 1_000_000


def test_a_packed_file_is_unpacked_as_it_is_read(read: Read) -> None:
    import gzip

    assert texts(read(gzip.compress(f"{HEADER}1,fine,positive,web\n".encode()))) == ["fine"]


def test_a_file_is_read_as_a_stream(tmp_path: Path) -> None:
    file = tmp_path / "my.csv"
    file.write_text(HEADER + "1,fine,positive,web\n" * 5000 + '1,"broken', encoding="utf-8")
    rows = sources.read(str(file), SourceConfig(), COLUMNS)
    assert isinstance(rows, Iterator)
    assert next(rows).values["text"] == "fine"  # before the error at the end is met
    with pytest.raises(DataError, match=r"my\.csv:5002: not valid CSV"):
        list(rows)


# Delimiters


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_another_delimiter_is_found_and_told(read: Read, delimiter: str, caplog: pytest.LogCaptureFixture) -> None:
    content = f"text{delimiter}label\none, two{delimiter}a\nthree, four, five{delimiter}b\n"
    with caplog.at_level(logging.WARNING):
        assert [row.values for row in read(content, ("text", "label"))] == [
            {"text": "one, two", "label": "a"}, {"text": "three, four, five", "label": "b"},
        ]  # fmt: skip
    assert f"my.csv: the delimiter seems to be {delimiter!r}" in caplog.text
    assert len(read(content, None)[0].values) == 2  # without a hint of what the columns are called


def test_the_usual_delimiter_is_not_worth_a_word(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        read("text,label,source\nsemicolons; many; of; them,a,b\n")
    assert not caplog.text


def test_a_header_of_one_column_needs_no_delimiter(read: Read) -> None:
    assert texts(read("text\nfine\nso, so\n", ("text",))[:1]) == ["fine"]


def test_a_delimiter_that_is_set_is_obeyed(read: Read) -> None:
    assert read("a:b\n1:2\n", None, delimiter=":")[0].values == {"a": "1", "b": "2"}


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_wrong_delimiter_is_recognised_and_the_remedy_works_as_it_is_written(
    read: Read, delimiter: str, tmp_path: Path
) -> None:
    content = delimiter.join(["text", "label", "source"]) + "\n" + delimiter.join(["fine", "positive", "web"]) + "\n"
    message = error_of(read, content, delimiter=",")
    assert f"the delimiter seems to be {delimiter!r}, not ','" in message
    arguments = shlex.split(re.search(r"`(--set .*?)`", message)[1])  # type: ignore[index]
    file = tmp_path / "a.yaml"
    file.write_text("{task: a, labels: [x, y], schema_path: s, data: {path: my.csv}}", encoding="utf-8")
    config = loader.load(file, overrides=arguments[1:])
    assert len(list(sources.read("my.csv", config.data.source, COLUMNS))) == 1


# Encodings


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_a_byte_order_mark_tells_the_encoding_without_a_guess(
    read: Read, encoding: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert texts(read(f"{HEADER}1,schön 🙂,positive,web\n".encode(encoding))) == ["schön 🙂"]
    assert not caplog.text


FRENCH = "Très déçu par cette expérience : le café était froid et le garçon ne s'est même pas excusé"
RUSSIAN = "Очень хороший фильм: мне понравилось всё"
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy"


def test_an_older_encoding_is_guessed_and_the_guess_is_told(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for text, encoding in ((FRENCH, "cp1252"), (RUSSIAN, "cp1251"), (CZECH, "cp1250")):
            caplog.clear()
            assert texts(read(f"{HEADER}1,{text},positive,web\n".encode(encoding))) == [text]
            told = f"my.csv: not UTF-8; read as {encoding}, which is a guess. Set data.source.encoding if it is wrong."
            assert told in caplog.text


def test_an_older_encoding_is_noticed_however_late_the_first_such_letter_comes(read: Read) -> None:
    plain = "1,plain text without any accent,positive,web\n" * 50_000
    assert texts(read((HEADER + plain + f"2,{FRENCH},positive,web\n" * 20).encode("cp1252")))[-1] == FRENCH


def test_an_encoding_that_is_set_is_obeyed(read: Read) -> None:
    assert texts(read(f"{HEADER}1,caf\xe9,positive,web\n".encode("latin-1"), encoding="latin-1")) == ["café"]
    assert texts(read(f"{HEADER}1,日本語,positive,web\n".encode("shift_jis"), encoding="shift_jis")) == ["日本語"]


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
        (b"text,label,source,text\na,b,c,d\n", "my.csv:1: ", ["the column 'text' twice"]),
        ("id,text\n".encode("utf-16"), "my.csv:1: ", ["no column 'label'"]),
        (f'{HEADER}1,"a,positive,web\n'.encode(), "my.csv:2: ", ["not valid CSV"]),
        (f'{HEADER}1,"a"b,positive,web\n'.encode(), "my.csv:2: ", ["not valid CSV"]),
    ],
)
def test_a_wrong_file_is_refused_with_its_line_and_what_to_do(
    read: Read, content: bytes, start: str, parts: list[str]
) -> None:
    message = error_of(read, content)
    assert message.startswith(start)
    for part in parts:
        assert part in message


def test_a_byte_that_does_not_fit_the_encoding_is_told_with_its_line(read: Read) -> None:
    content = f"{HEADER}1,a,positive,web\n2,caf\xe9,positive,web\n".encode("latin-1")
    message = error_of(read, content, encoding="utf-8")
    assert message.startswith("my.csv:3: byte 6 is not UTF-8")
    assert "data.source.encoding" in message
    assert "WINDOWS" not in message  # nobody knows which one it was saved in


# Rows that are none: not a reason to refuse the file


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("1,a,positive,web,x", "5 fields where the header has 4; a text that holds the delimiter ',' or a line break"),
        ("1,one, two,positive,web", "5 fields"),
        ("1,a,positive", "3 fields where the header has 4"),
    ],
)
def test_a_row_of_another_width_is_told_and_the_next_row_is_read(read: Read, line: str, problem: str) -> None:
    broken, good = read(f'{HEADER}0,"x\ny",positive,web\n{line}\n2,fine,positive,web\n')[1:]
    assert (broken.values, broken.line) == ({}, 4)
    assert broken.problem.startswith(problem)
    assert (good.values["text"], good.line, good.problem) == ("fine", 5, "")
