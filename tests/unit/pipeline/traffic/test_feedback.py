"""Requests whose labels arrived become a span: each once, whole, in the form that the task's rows have."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.config import loader
from pipeline.config.task import Config
from pipeline.ingest import spans
from pipeline.ingest.rows import DataError
from pipeline.traffic import feedback


def task(tmp_path: Path, files: str = "span-{SPAN}/version-{VERSION}/*.csv", **data: Any) -> Config:
    file = tmp_path / "a.yaml"
    values = {
        "task": "a", "labels": ["x", "y"], "schema_path": "s", "monitor": {"labels": {"path": f"{tmp_path}/labels.*"}},
        "data": {"path": f"{tmp_path}/{files}", "serving_logs": f"{tmp_path}/log", "columns": {"slices": ["source"]}},
    }  # fmt: skip
    values["data"] |= data
    file.write_text(yaml.safe_dump(values))
    return loader.load(file)


def serve(tmp_path: Path, *rows: dict[str, Any], name: str = "requests-00000001.jsonl") -> None:
    (tmp_path / "log").mkdir(exist_ok=True)
    with (tmp_path / "log" / name).open("a") as out:
        for row in rows:
            out.write(json.dumps({"served.time": "2026-01-01T00:00:00+00:00", "served.row": 0, **row}) + "\n")


def request(identity: str, text: str = "good", **more: Any) -> dict[str, Any]:
    return {"text": text, "source": "web", "served.request_id": identity, "served.label": "x", "other": 1, **more}


def label(tmp_path: Path, *pairs: tuple[str, str]) -> None:
    (tmp_path / "labels.csv").write_text("request_id,label\n" + "".join(f"{one},{two}\n" for one, two in pairs))


def test_labelled_rows_become_the_next_span_and_are_not_taken_again(tmp_path: Path) -> None:
    config = task(tmp_path)
    (tmp_path / "span-7" / "version-1").mkdir(parents=True)
    serve(tmp_path, request("r1", 'a "quoted", text'), request("r2"), request("r2", "second", **{"served.row": 1}))
    serve(tmp_path, request("r3", "unlabelled"), name="requests-00000001.w2.jsonl")
    label(tmp_path, ("r1", "y"), ("r2", "x"), ("r9", "x"))
    found = feedback.find(config)
    assert found.waiting == 1, "r9 was not served here"
    number, file = feedback.write_span(config, found)
    assert (number, file) == (8, tmp_path / "span-8" / "version-1" / "served.csv")
    with file.open(newline="") as stream:
        assert list(csv.DictReader(stream)) == [
            {"text": 'a "quoted", text', "source": "web", "label": "y"},
            {"text": "good", "source": "web", "label": "x"},
        ]
    [span] = spans.window(str(config.data.path), newest=None, count=1)
    assert (span.span, span.files) == (8, (str(file),)), "what was taken is no row"
    assert feedback.find(config).rows == []
    label(tmp_path, ("r1", "x"), ("r3", "y"))
    assert [row["text"] for row in feedback.find(config).rows] == ["unlabelled"], "a label that changes comes too late"


@pytest.mark.parametrize(
    ("files", "source", "written"),
    [
        ("{SPAN:3}/*", {}, "001/served.jsonl"),
        ("s{SPAN}/rows.jsonl", {}, "s1/rows.jsonl"),
        ("s{SPAN}/*", {"format": "csv", "delimiter": ";", "encoding": "utf-16"}, "s1/served.csv"),
        ("v{VERSION}/s{SPAN}/*.jsonl", {}, "v1/s1/served.jsonl"),
    ],
)
def test_the_file_is_named_and_written_as_the_pattern_wants_it(
    tmp_path: Path, files: str, source: dict[str, Any], written: str
) -> None:
    from pipeline.ingest import sources

    config = task(tmp_path, files, source=source, spans={"marker": "_SUCCESS"})
    feedback.check(config)
    serve(tmp_path, request("r1", "schön; gut"))
    label(tmp_path, ("r1", "y"))
    _, file = feedback.write_span(config, feedback.find(config))
    assert file == tmp_path / written
    [record] = sources.read(str(file), config.data.source)
    assert record.values == {"text": "schön; gut", "source": "web", "label": "y"}
    assert spans.window(str(config.data.path), newest=None, count=1, marker="_SUCCESS")
    serve(tmp_path, request("r2"))
    label(tmp_path, ("r1", "y"), ("r2", "y"))
    assert feedback.write_span(config, feedback.find(config))[0] == 2


@pytest.mark.parametrize(
    ("files", "data", "said"),
    [
        ("{YYYY}-{MM}-{DD}/*.csv", {}, "not of dates"),
        ("s{SPAN}/*.parquet", {}, "end in .csv or .jsonl"),
        ("s{SPAN}/*", {"serving_logs": None}, "data.serving_logs: name the log"),
        ("s{SPAN}/*.csv", {"source": {"columns": ["text", "label"]}}, "has a header"),
    ],
)
def test_what_cannot_be_written_is_told_before_anything_is_read(
    tmp_path: Path, files: str, data: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        feedback.check(task(tmp_path, files, **data))


def test_what_is_wrong_in_log_or_labels_is_told_by_file_and_line(tmp_path: Path) -> None:
    config = task(tmp_path)
    serve(tmp_path, {"text.hash": "abc", "served.request_id": "r1"})
    label(tmp_path, ("r1", "y"))
    with pytest.raises(DataError, match=r"requests-00000001.jsonl:1: there is no text .*--log-texts stored"):
        feedback.find(config)
    (tmp_path / "labels.csv").write_text("request_id,row,label\nr1,first,x\n")
    with pytest.raises(DataError, match=r"labels.csv:2: row is 'first'"):
        feedback.find(config)
    (tmp_path / "labels.csv").write_text("request_id,row,label\nr1,²,x\n")
    with pytest.raises(DataError, match=r"labels.csv:2: row is '²', must be the number"):
        feedback.find(config)
    (tmp_path / "labels.csv").write_text("id,label\nr1,x\n")
    with pytest.raises(DataError, match=r"labels.csv:2: there is no column 'request_id'"):
        feedback.find(config)


def test_a_line_that_is_being_written_and_a_row_without_an_answer_are_passed_over(tmp_path: Path) -> None:
    config = task(tmp_path)
    serve(tmp_path, request("r1"), request("r2", **{"served.error": "the text is empty"}))
    with (tmp_path / "log" / "requests-00000001.jsonl").open("a") as out:
        out.write('{"text": "to')
    label(tmp_path, ("r1", "y"), ("r2", "y"))
    assert feedback.find(config).keys == [("r1", 0)]


@pytest.mark.parametrize("content", ["", "request_id,label\n", "\n"])
def test_a_file_without_labels_yet_is_none(tmp_path: Path, content: str) -> None:
    config = task(tmp_path)
    serve(tmp_path, request("r1"))
    (tmp_path / "labels.csv").write_text(content)
    assert feedback.find(config) == feedback.Feedback([], [], 0)


@pytest.mark.parametrize(
    ("overrides", "content"),
    [((), "request_id,label\n\nr1,y\n"), (("monitor.labels.source.columns=[request_id, label]",), "r1,y\n")],
)
def test_a_label_alone_in_its_file_is_read_packed_or_without_a_header(
    tmp_path: Path, overrides: tuple[str, ...], content: str
) -> None:
    task(tmp_path)
    config = loader.load(tmp_path / "a.yaml", overrides=overrides)
    serve(tmp_path, request("r1"))
    (tmp_path / "labels.csv.gz").write_bytes(gzip.compress(content.encode(), mtime=0))
    assert feedback.find(config).keys == [("r1", 0)]


def test_half_of_a_surrogate_pair_does_not_hold_up_the_span(tmp_path: Path) -> None:
    config = task(tmp_path)
    serve(tmp_path, request("\ud800", "\ud800 film"), request("r2", "good \U0001f600"))
    (tmp_path / "labels.jsonl").write_text(
        json.dumps({"request_id": "\ud800", "label": "y"})
        + "\n"
        + json.dumps({"request_id": "r2", "label": "x"})
        + "\n"
    )
    _, file = feedback.write_span(config, feedback.find(config))
    with file.open(newline="", encoding="utf-8") as stream:
        assert [row["text"] for row in csv.DictReader(stream)] == ["? film", "good \U0001f600"]
    assert feedback.find(config).rows == []


def test_a_character_that_the_encoding_of_the_rows_lacks_is_told(tmp_path: Path) -> None:
    config = task(tmp_path, source={"encoding": "cp1252"})
    serve(tmp_path, request("r1", "这部电影很好"))
    label(tmp_path, ("r1", "y"))
    with pytest.raises(DataError, match=r"served\.csv: a character .* set data\.source\.encoding to utf-8"):
        feedback.write_span(config, feedback.find(config))
    assert not list(tmp_path.glob("span-*"))


def test_a_span_that_a_kill_left_half_written_is_written_anew(tmp_path: Path) -> None:
    config = task(tmp_path)
    (tmp_path / ".span-1.partial" / "old").mkdir(parents=True)
    serve(tmp_path, request("r1"))
    label(tmp_path, ("r1", "y"))
    assert feedback.write_span(config, feedback.find(config))[0] == 1
    assert [path.name for path in tmp_path.iterdir() if "span" in path.name] == ["span-1"]
