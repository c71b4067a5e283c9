"""`pipeline.ingest.spans`: which folders are spans, which of them are complete, and which a run reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config.rows import span_pattern
from pipeline.ingest import spans
from pipeline.ingest.spans import SpanError


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Spans 1, 2 (with two versions) and 10."""
    for name in ("span-1/version-1", "span-2/version-1", "span-2/version-3", "span-10/version-2"):
        write(tmp_path / name / "rows.csv")
    return tmp_path


def write(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("text,label\n")
    return file


def pattern(base: Path) -> str:
    return f"{base}/span-{{SPAN}}/version-{{VERSION}}/*"


def complete(path: str, **options: str | None) -> list[spans.SpanVersion]:
    """By number."""
    return list(spans.complete(path, **options))[::-1]  # type: ignore[arg-type]


def found(base: Path, marker: str | None = None) -> list[tuple[int, int | None]]:
    return [(item.span, item.version) for item in complete(pattern(base), marker=marker)]


def test_the_newest_version_of_each_span_is_found_by_number_not_by_name(base: Path) -> None:
    assert found(base) == [(1, 1), (2, 3), (10, 2)]
    assert complete(pattern(base))[1].files == (str(base / "span-2" / "version-3" / "rows.csv"),)


def test_other_folders_are_no_spans(base: Path) -> None:
    write(base / "span-x" / "version-1" / "rows.csv")
    write(base / "span-11" / "version-new" / "rows.csv")
    write(base / "other" / "version-1" / "rows.csv")
    (base / "span-12" / "version-1").mkdir(parents=True)  # nothing in it
    assert found(base) == [(1, 1), (2, 3), (10, 2)]


@pytest.mark.parametrize("name", ["rows.csv.partial", ".rows.csv.tmp", "_temporary/part-0", "more.csv.part"])
def test_a_half_written_version_is_passed_over_for_an_older_one(base: Path, name: str) -> None:
    write(base / "span-2" / "version-3" / name)
    write(base / "span-10" / "version-2" / name)
    assert found(base) == [(1, 1), (2, 1)]


def test_a_version_without_the_marker_is_not_complete(base: Path) -> None:
    assert found(base, marker="_SUCCESS") == []
    write(base / "span-2" / "version-1" / "_SUCCESS")
    [item] = complete(pattern(base), marker="_SUCCESS")
    assert (item.span, item.version) == (2, 1)
    assert [Path(file).name for file in item.files] == ["rows.csv"]


def test_hidden_files_and_markers_are_no_data(base: Path) -> None:
    for name in ("_SUCCESS", ".crc", "b.csv"):
        write(base / "span-10" / "version-2" / name)
    names = [Path(file).name for file in complete(pattern(base))[-1].files]
    assert names == ["b.csv", "rows.csv"]
    assert [Path(file).name for file in spans.expand(str(base), "span-10/version-2/*")] == names


def test_a_pattern_may_have_no_version_or_name_files_itself(tmp_path: Path) -> None:
    write(tmp_path / "data-7.csv")
    write(tmp_path / "data-08.csv")
    items = complete(f"{tmp_path}/data-{{SPAN}}.csv")
    assert [(item.span, item.version, item.pattern) for item in items] == [
        (7, None, "data-7.csv"), (8, None, "data-08.csv"),
    ]  # fmt: skip
    assert [item.span for item in complete(f"{tmp_path}/data-{{SPAN:2}}.csv")] == [8]


def test_dates_are_spans_of_days_since_1970(tmp_path: Path) -> None:
    for name in ("1970-01-02", "2024-02-29", "2023-02-29"):  # the last one does not exist
        write(tmp_path / name / "rows.csv")
    assert [item.span for item in complete(f"{tmp_path}/{{YYYY}}-{{MM}}-{{DD}}/*.csv")] == [1, 19782]


def test_two_folders_of_one_version_are_an_error(base: Path) -> None:
    write(base / "span-010" / "version-2" / "rows.csv")
    with pytest.raises(SpanError, match=r"span-010/version-2 and .*span-10/version-2 are both span 10, version 2"):
        complete(pattern(base))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("a/{SPAN}/{SPAN}/*", r"\{SPAN\} stands twice"),
        ("a/{YYYY}-{MM}/*", "a date needs all"),
        ("a/{SPAN}-{YYYY}{MM}{DD}/*", "one of them"),
        ("a/{VERSION}/*", "one of them"),
    ],
)
def test_a_pattern_that_cannot_be_is_told(path: str, message: str) -> None:
    with pytest.raises(SpanError, match=message):
        complete(path)


@pytest.mark.parametrize("path", ["rows.csv", "gs://b/*.csv", "a/{SPAN}/*", "a/{YYYY}/{MM}/{DD}/{VERSION}/x"])
def test_other_patterns_can_be(path: str) -> None:
    assert span_pattern.problem(path) == ""


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("gs://b/d/rows.csv", ("gs://b/d", "rows.csv")),
        ("gs://b/d/span-{SPAN}/v-{VERSION}/*", ("gs://b/d", "span-{SPAN}/v-{VERSION}/*")),
        ("/d/data-{SPAN}.csv", ("/d", "data-{SPAN}.csv")),
        ("/rows.csv", ("/", "rows.csv")),
    ],
)
def test_the_base_ends_before_the_first_placeholder(path: str, parts: tuple[str, str]) -> None:
    assert span_pattern.split(path) == parts


def window(base: Path, newest: int | None, count: int) -> list[int]:
    return [item.span for item in spans.window(pattern(base), newest=newest, count=count)]


def test_a_window_counts_numbers_back_from_the_newest(base: Path) -> None:
    assert window(base, None, 1) == [10]
    assert window(base, None, 8) == [10]  # 3 to 10: a gap stays a gap
    assert window(base, None, 9) == [2, 10]
    assert window(base, 2, 5) == [1, 2]


def test_a_span_that_is_not_there_is_told(base: Path, tmp_path: Path) -> None:
    with pytest.raises(SpanError, match=r"there is no complete span 3; next to it is 2, the newest 10"):
        window(base, 3, 5)
    with pytest.raises(SpanError, match=r"there is no complete span 0; next to it is 1, the newest 10"):
        window(base, 0, 1)
    with pytest.raises(SpanError, match="there is no complete span yet"):
        window(tmp_path / "nothing", None, 1)


def test_the_files_of_old_spans_are_not_listed(base: Path) -> None:
    """A year of daily spans in a bucket would take minutes."""
    asked: list[str] = []

    def listed(wanted: str) -> list[str]:
        asked.append(wanted)
        return [str(path) for path in Path("/").glob(wanted[1:])]

    spans.window(pattern(base), newest=None, count=1, glob=listed)
    assert not [wanted for wanted in asked if "span-1/" in wanted]


def test_the_files_of_a_window_come_span_by_span(base: Path) -> None:
    chosen = spans.window(pattern(base), newest=None, count=10)
    assert spans.expand(str(base), spans.joined(chosen)) == [file for item in chosen for file in item.files]


def test_a_file_that_is_named_is_read_whatever_its_name(tmp_path: Path) -> None:
    write(tmp_path / "_rows.csv")
    assert spans.expand(str(tmp_path), "_rows.csv") == [str(tmp_path / "_rows.csv")]
    assert spans.expand(str(tmp_path), "missing.csv") == []
