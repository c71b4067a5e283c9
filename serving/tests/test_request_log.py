"""The log: what it holds, that no answer waits for it, what becomes of a full disk, a kill and a clock set back."""

from __future__ import annotations

import errno
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from edgeline_serving import metrics, request_log
from edgeline_serving.backends.base import Column
from edgeline_serving.request_log import RequestLog
from edgeline_serving.settings import Log, Source
from tests.conftest import TEXTS, expected, serving

EXAMPLE = Path(__file__).parent / "data" / "requests-00000001.jsonl"
ANSWER = {"label": "a", "score": 0.75, "scores": {"a": 0.75, "b": 0.25}}


def note(log: RequestLog, *texts: str, **more: Any) -> None:
    log.note(
        request_id="r1", model="m", version="7", columns=[Column("text")],
        rows=[{"text": text, **more} for text in texts], answers=[ANSWER] * len(texts), seconds=0.002,
    )  # fmt: skip


def lines(folder: Path) -> list[dict[str, Any]]:
    files = sorted(folder.glob("requests-*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def dropped(reason: str) -> float:
    return metrics.LOG_DROPPED.labels(reason)._value.get()


def test_a_row_is_a_line_of_flat_values(tmp_path: Path) -> None:
    log = RequestLog(Log(tmp_path))
    note(log, "schön \ud800", "two\nlines", source="tweet", year=2000)
    log.close()
    first, second = lines(tmp_path)
    assert first.pop("served.time").endswith("+00:00")
    assert first == {
        "text": "schön ?", "source": "tweet", "year": 2000, "served.request_id": "r1", "served.model": "m",
        "served.version": "7", "served.milliseconds": 2.0, "served.row": 0, "served.label": "a", "served.score": 0.75,
        "served.scores.a": 0.75, "served.scores.b": 0.25,
    }  # fmt: skip
    assert (second["text"], second["served.row"]) == ("two\nlines", 1)
    [example] = [json.loads(line) for line in EXAMPLE.read_text("utf-8").splitlines()[:1]]
    kept = {"served.scores.a", "served.scores.b", "source", "year"}
    assert set(first) - kept <= set(example), "the example that the pipeline's tests read is of this form"


def test_an_answer_that_is_no_json_costs_its_row_and_not_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log, before = RequestLog(Log(tmp_path)), dropped("fault")
    strange = {"request_id": "r1", "model": "m", "version": "7", "columns": [Column("text")], "seconds": 0.001}
    log.note(rows=[{"text": "secret"}], answers=[{"tags": [b"a"]}], **strange)  # type: ignore[arg-type]
    log.note(rows=[{"text": "b"}], answers=[{"tags": [["a", "b"], ["c"]]}], **strange)  # type: ignore[arg-type]
    log.close()
    [found] = lines(tmp_path)
    nested = {name: value for name, value in found.items() if name.startswith("served.tags")}
    assert nested == {"served.tags.0.0": "a", "served.tags.0.1": "b", "served.tags.1.0": "c"}
    assert dropped("fault") == before + 1
    assert "rows cannot be logged: TypeError" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("how", ["hashed", "left-out"])
def test_texts_are_hashed_or_left_out_and_so_is_what_a_client_adds(tmp_path: Path, how: Any) -> None:
    log = RequestLog(Log(tmp_path, texts=how, key=b"a key of the log"))
    note(log, "secret", "secret", "other", source="secret", year=2000)
    log.close()
    found = lines(tmp_path)
    assert "secret" not in json.dumps(found)
    assert [row["year"] for row in found] == [2000] * 3
    if how == "hashed":
        hashes = [row["text.hash"] for row in found]
        assert hashes[0] == hashes[1] != hashes[2]
        assert len(hashes[0]) == 64


def test_what_is_served_is_logged_with_the_requests_id(pushed: Path, tmp_path: Path) -> None:
    log = RequestLog(Log(tmp_path / "log"))
    with serving(Source("edge", pushed), log=log) as server:
        headers = {"X-Request-Id": "order-66"}
        body = {"instances": [TEXTS[0], 7, {"text": TEXTS[1], "source": "tweet", "nested": {"a": 1}}]}
        assert server.call("POST", "/v1/models/sentiment:predict", body, headers)[0] == 200
    log.close()
    first, second = lines(tmp_path / "log")
    wanted = expected(pushed / "100", TEXTS[:2])
    assert (first["text"], first["served.label"], first["served.request_id"]) == (
        TEXTS[0],
        wanted[0]["label"],
        "order-66",
    )
    assert second["served.scores.positive"] == wanted[1]["scores"]["positive"]
    assert second["source"] == "tweet"
    assert "nested" not in second


def test_a_share_of_the_requests_is_logged_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chances = iter([0.05, 0.1, 0.5, 0.09])
    monkeypatch.setattr(request_log.random, "random", lambda: next(chances))
    log = RequestLog(Log(tmp_path, share=0.1))
    for text in "abcd":
        note(log, text, text)
    log.close()
    assert [row["text"] for row in lines(tmp_path)] == ["a", "a", "d", "d"]


def test_a_full_queue_drops_and_counts_and_never_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()
    write = RequestLog._write
    monkeypatch.setattr(RequestLog, "_write", lambda self, rows: (free.wait(10), write(self, rows)))
    log = RequestLog(Log(tmp_path, queue=5))
    before = dropped("queue")
    for number in range(20):
        note(log, str(number))
    assert dropped("queue") == before + 15
    free.set()
    log.close()
    assert [row["text"] for row in lines(tmp_path)] == list("01234")


def test_files_are_changed_at_their_size_and_the_oldest_go(tmp_path: Path) -> None:
    log = RequestLog(Log(tmp_path, bytes=1000, files=3))
    for number in range(30):
        note(log, f"{number:03}")
    log.close()
    files = sorted(tmp_path.glob("requests-*.jsonl"))
    assert len(files) == 3
    assert all(file.stat().st_size <= 1000 for file in files)
    assert [row["text"] for row in lines(tmp_path)][-1] == "029"
    again = RequestLog(Log(tmp_path, bytes=1000, files=3))
    note(again, "after")
    again.close()
    assert [row["text"] for row in lines(tmp_path)][-1] == "after", "numbers, so that a clock set back does no harm"


def test_a_torn_last_line_is_taken_off_at_the_next_start(tmp_path: Path) -> None:
    log = RequestLog(Log(tmp_path))
    note(log, "whole")
    log.close()
    [file] = tmp_path.glob("requests-*.jsonl")
    with file.open("ab") as stream:
        stream.write(b'{"text": "to' + b"r" * 100_000)
    log = RequestLog(Log(tmp_path))
    note(log, "next")
    log.close()
    assert [row["text"] for row in lines(tmp_path)] == ["whole", "next"]


def test_a_full_disk_costs_rows_and_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = RequestLog(Log(tmp_path))
    note(log, "before")

    class Full:
        """A file on a disk that takes half a line more."""

        def __init__(self, real: Any) -> None:
            self.real = real

        def tell(self) -> int:
            return 1

        def write(self, content: bytes) -> int:
            return self.real.write(content[:20])

        def close(self) -> None:
            self.real.close()

    while log._waiting:
        time.sleep(0.001)
    log._file = Full(log._file)
    before = dropped("disk")
    note(log, "lost")
    note(log, "after")
    log.close()
    assert dropped("disk") == before + 1
    assert [row["text"] for row in lines(tmp_path)] == ["before", "after"]
    assert caplog.text.count(f"[Errno {errno.ENOSPC}]") == 1


def test_two_servers_do_not_write_into_one_folder(tmp_path: Path) -> None:
    log = RequestLog(Log(tmp_path))
    with pytest.raises(OSError, match="another server writes there"):
        RequestLog(Log(tmp_path))
    log.close()
    RequestLog(Log(tmp_path)).close()
