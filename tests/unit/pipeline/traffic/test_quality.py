"""Labels that arrive after the request, and the drift of the inputs."""

from __future__ import annotations

import gzip
import json
import sqlite3
from pathlib import Path

import modules  # noqa: F401
from modules import content

import pytest

from pipeline.ingest.sources import late_labels
from pipeline.monitoring.judged import Judged
from pipeline.traffic import inputs
from tests import served
from tests.served import LENGTH, START, Clock, looked, told, window


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log" / "a.jsonl"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "monitor"


def labels(number: int, rows: int, wrong: int) -> list[tuple[str, str]]:
    """The right answers to a window of `served.window`, some of them other than the answered ones."""
    answered = ["negative" if place < round(0.4 * rows) else "positive" for place in range(rows)]
    other = {"negative": "positive", "positive": "negative"}
    return [(f"{number}-{place}", other[label] if place < wrong else label) for place, label in enumerate(answered)]


def test_accuracy_and_macro_f1_follow_labels_that_arrive_later_for_windows_that_are_closed(
    log: Path, folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "labels.csv"
    options = (f"monitor.labels.path={file}", "monitor.rules.accuracy.min_rows=50")
    served.write(log, [line for number in range(3) for line in window(number, 100)])
    clock = Clock(START + 2 * LENGTH + 6)
    made = looked(folder, log, clock, *options)
    assert made.status().problems == (f"{file}: no such file yet (monitor.labels.path)",)
    served.write(file, ["request_id,label", *(",".join(pair) for pair in labels(1, 100, 70)), "unknown,negative"])
    clock.now += LENGTH
    made = looked(folder, log, clock, *options)
    [first, second, third] = made.state.history
    assert (first.quality, third.quality) == ({}, {})
    assert (second.quality["rows"], second.quality["right"]) == (100, 30)
    assert second.quality["accuracy"]["value"] == pytest.approx(0.3)
    assert second.quality["accuracy"]["low"] < 0.3 < second.quality["accuracy"]["high"]
    assert set(second.quality) >= {"macro_f1"}
    assert made.status().labelled == 100
    assert told(made)["accuracy"].bound == pytest.approx(0.70)
    assert "30 of 100 labelled rows are right; on eval 75.0% were" in told(made)["accuracy"].message


def test_labels_come_from_json_lines_and_from_a_database_and_name_a_row_of_a_request(
    log: Path, folder: Path, tmp_path: Path
) -> None:
    rows = [json.loads(line) for line in window(0, 4)]
    served.write(log, [json.dumps({**row, "served.request_id": "one", "served.row": n}) for n, row in enumerate(rows)])
    served.write(tmp_path / "late.jsonl", ['{"id": "one", "n": 0, "truth": "negative"}', '{"id": "one", "n": 3, "tr'])
    names = ("monitor.labels.request_id=id", "monitor.labels.row=n", "monitor.labels.label=truth")
    clock = Clock(START + LENGTH + 6)
    made = looked(folder, log, clock, f"monitor.labels.path={tmp_path}/late.jsonl", *names)
    assert made.state.history[0].quality["rows"] == 1
    assert "a label is not read: " in made.status().problems[0]
    with sqlite3.connect(tmp_path / "late.db") as connection:
        connection.execute("CREATE TABLE late (id TEXT, n INTEGER, truth TEXT)")
        connection.executemany("INSERT INTO late VALUES ('one', ?, ?)", [(0, "negative"), (3, "negative"), (2, "bad")])
    connection.close()
    (tmp_path / "late.sql").write_text("SELECT id, n, truth FROM late", encoding="utf-8")
    served.write(log, window(1, 4))
    clock.now += LENGTH
    made = looked(folder, log, clock, f"monitor.labels.path={tmp_path}/late.sql", *names,
                  f"monitor.labels.source.sql.url=sqlite:///{tmp_path}/late.db")  # fmt: skip
    assert (made.state.history[0].quality["rows"], made.state.history[0].quality["right"]) == (2, 1)
    assert "a label is none of the task's" in made.status().problems[0]


def test_a_file_with_its_header_alone_is_no_problem(log: Path, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    served.write(file, ["request_id,label"])
    served.write(log, window(0, 10))
    assert looked(folder, log, Clock(START + LENGTH + 6), f"monitor.labels.path={file}").status().problems == ()


def test_a_packed_file_that_is_still_being_written_is_told(log: Path, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv.gz"
    file.write_bytes(gzip.compress(b"request_id,label\n0-1,negative\n")[:12])
    served.write(log, window(0, 10))
    made = looked(folder, log, Clock(START + LENGTH + 6), f"monitor.labels.path={file}")
    assert made.state.rows == 10
    [problem] = made.status().problems
    assert problem.startswith(f"labels are not read: {file}: ")


def test_labels_are_read_again_only_when_their_file_has_changed(
    log: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "_TICK_NS", 0)
    read: list[str] = []
    really = late_labels.read
    monkeypatch.setattr(late_labels, "read", lambda path, config: [read.append(path), *really(path, config)][1:])
    file = tmp_path / "labels.csv"
    served.write(file, ["request_id,label", "0-1,negative", "1-1,negative"])
    clock = Clock(START + LENGTH + 6)
    served.write(log, [line for number in range(3) for line in window(number, 10)])
    made = looked(folder, log, clock, f"monitor.labels.path={file}")
    assert (made.state.labelled, len(read)) == (1, 1)
    clock.now += LENGTH
    made.look()
    assert (made.state.labelled, len(read)) == (2, 1), "the new window is joined with what was read"
    served.write(file, ["0-2,negative", "2-1,negative"])
    clock.now += LENGTH
    made.look()
    assert (made.state.labelled, len(read)) == (4, 2)


def test_a_column_that_is_missing_is_told_and_the_rest_goes_on(log: Path, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    served.write(file, ["id,label", "0-1,negative"])
    served.write(log, window(0, 10))
    made = looked(folder, log, Clock(START + LENGTH + 6), f"monitor.labels.path={file}")
    assert made.state.rows == 10
    assert "there is no column 'request_id' (monitor.labels); there are: id, label" in made.status().problems[0]


def test_answers_are_kept_without_texts_and_no_longer_than_was_asked_for(
    log: Path, folder: Path, tmp_path: Path
) -> None:
    served.write(log, [line for number in range(6) for line in window(number, 10)])
    days = 3 * LENGTH / 86_400
    looked(folder, log, Clock(START + 6 * LENGTH + 6), f"monitor.labels.path={tmp_path}/none.csv",
           f"monitor.labels.keep_days={days}")  # fmt: skip
    kept = sorted(path.name for path in (folder / "answers").iterdir())
    assert kept == [f"{number:010}.parquet" for number in (2, 3, 4, 5)]
    assert all(b"a film" not in path.read_bytes() for path in (folder / "answers").iterdir())


def test_the_inputs_of_a_window_are_measured_as_example_validator_measures_them(
    log: Path, folder: Path, tmp_path: Path
) -> None:
    config = served.config()
    usual = [{"text": f"a fine film number {place} with good actors"} for place in range(300)]
    before = inputs.profiles(config, usual)
    assert set(before) == {"text_profile.json"}
    same = {item["feature"]: item for item in inputs.distances(config, usual, before)}
    assert {"unknown_token_rate", "vocabulary", "length_tokens", "length_characters"} == set(same)
    assert all(item["distance"] == 0 and not item["breached"] for item in same.values())
    other = [{"text": f"qwrtz zxcvb {place} wrdlprmpft"} for place in range(300)]
    far = {item["feature"]: Judged(**item) for item in inputs.distances(config, other, before)}
    assert far["vocabulary"].distance == pytest.approx(1.0)
    assert far["vocabulary"].breached
    few = inputs.distances(config, other[:50], before)  # fewer than validator.min_rows
    assert [item["bound"] for item in few] == [None] * len(few)
    for number in range(3):
        served.write(log, window(number, 250))
    made = looked(folder, log, Clock(START + 3 * LENGTH + 6), profiles=before)
    assert "drift length_tokens" in told(made)
    assert made.state.alerts["drift|length_tokens"].since == START + 2 * LENGTH  # its hold-off is two windows
