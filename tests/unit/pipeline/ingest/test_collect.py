"""`data collect`: every row of an API once, in a span that is whole or not there, whatever the API does."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from click.testing import CliRunner
from pydantic import ValidationError

from pipeline.cli.collect import collect as command
from pipeline.config.rows.collect import CollectConfig
from pipeline.config.rows.source import SourceConfig
from pipeline.ingest import collect as collecting
from pipeline.ingest import sources
from pipeline.ingest.http.pages import Api
from pipeline.ingest.rows import DataError
from tests.unit.api_server import Answer, Call, serve

ROWS = [{"id": number, "review": {"body": f"text {number}"}, "stars": "good"} for number in range(10)]
PAGES = [ROWS[:4], ROWS[4:8], ROWS[8:]]
COLUMNS = {"text": "review.body", "label": "stars"}
BY_PAGE = {"kind": "page"}


def settings(url: str, **changes: Any) -> CollectConfig:
    usual = {
        "url": url, "rows": "data.items", "columns": COLUMNS, "paging": BY_PAGE, "requests_per_minute": 60_000,
        "attempts": 3, "timeout_seconds": 5,
    }  # fmt: skip
    return CollectConfig.model_validate({**usual, **changes})


class Run:
    """One collection, with the pauses that it made in place of waiting."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.pauses = folder, list[float]()

    def __call__(self, config: CollectConfig) -> collecting.Collected:
        api = Api(config, sleep=self.pauses.append)
        try:
            return collecting.collect(config, self.folder, api)
        finally:
            api.close()

    @property
    def spans(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if path.name.startswith("span-"))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "spans")


def page_of(call: Call) -> int:
    return int(call.query.get("page", "1")) - 1


def items(rows: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"data": {"items": rows}, **more}


def honest(call: Call) -> None:
    number = page_of(call)
    call.reply(items(PAGES[number] if number < len(PAGES) else [], total=len(ROWS)))


def collected(found: collecting.Collected) -> list[dict[str, Any]]:
    assert found.file is not None
    return [json.loads(line) for line in found.file.read_text(encoding="utf-8").splitlines()]


EXPECTED = [{"text": f"text {number}", "label": "good"} for number in range(10)]


# An API that does what it should


def by_link(call: Call) -> None:
    number = page_of(call)
    more = number + 1 < len(PAGES)
    call.reply(items(PAGES[number], next=f"/rows?page={number + 2}&k=v" if more else None))


def by_link_header(call: Call) -> None:
    number = page_of(call)
    more = {"Link": f'</rows?page={number + 2}>; rel="next"'} if number + 1 < len(PAGES) else {}
    call.reply(items(PAGES[number]), **more)


def by_cursor(call: Call) -> None:
    number = {"": 0, "x1": 1, "x2": 2}[call.query.get("after", "")]
    call.reply(items(PAGES[number], cursor=f"x{number + 1}" if number < 2 else ""))


@pytest.mark.parametrize(
    ("answer", "paging"),
    [
        (honest, BY_PAGE),
        (by_link, {"kind": "link", "next": "next"}),
        (by_link_header, {"kind": "link"}),
        (by_cursor, {"kind": "cursor", "parameter": "after", "next": "cursor"}),
    ],
    ids=["page", "link", "link header", "cursor"],
)
def test_all_rows_of_all_pages_become_a_span(run: Run, answer: Callable[[Call], None], paging: dict) -> None:
    with serve(answer) as server:
        found = run(settings(server.url, paging=paging, parameters={"size": "4"}))
        assert all("size=4" in path or "k=v" in path or answer is by_link_header for path in server.calls)
    assert collected(found) == EXPECTED
    assert found.file == run.folder / "span-1" / "version-1" / "rows.jsonl"
    assert sorted(path.name for path in run.folder.iterdir()) == [".collecting.lock", "span-1"]
    records = sources.read(str(found.file), SourceConfig(), ("text", "label"))
    assert [record.values for record in records] == EXPECTED


def test_the_next_collection_is_the_next_span(run: Run) -> None:
    (run.folder / "span-7").mkdir(parents=True)
    with serve(honest) as server:
        assert run(settings(server.url)).file == run.folder / "span-8" / "version-1" / "rows.jsonl"
        run(settings(server.url))
    assert run.spans == ["span-7", "span-8", "span-9"]


def test_a_response_that_is_the_list_of_one_page_with_rows_as_they_are(run: Run) -> None:
    with serve(lambda call: call.reply(ROWS)) as server:
        assert collected(run(settings(server.url, rows="", columns={}, paging=None))) == ROWS


def test_an_api_without_rows_makes_no_span(run: Run) -> None:
    with serve(lambda call: call.reply(items([]))) as server:
        assert run(settings(server.url)).file is None
    assert run.spans == []


# An API that fails


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_passes_is_tried_again_with_growing_pauses(run: Run, status: int) -> None:
    def answer(call: Call) -> None:
        call.reply({"error": "later"}, status) if call.number in (2, 3) else honest(call)

    with serve(answer) as server:
        assert collected(run(settings(server.url))) == EXPECTED
    first, second = run.pauses
    assert 0.5 <= first <= 2.0 <= second + 1.0
    assert second >= 1.0


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_the_pause_that_a_server_asks_for_is_made(run: Run, form: str) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)

    def answer(call: Call) -> None:
        if call.number == 1:
            call.reply({}, 429, Retry_After="90" if form == "seconds" else later)
        else:
            honest(call)

    with serve(answer) as server:
        run(settings(server.url))
    assert run.pauses == [pytest.approx(90, abs=30)]


def test_a_pause_that_is_too_long_ends_it_and_the_next_call_goes_on(run: Run) -> None:
    def answer(call: Call) -> None:
        call.reply({}, 429, Retry_After="3600") if call.number == 2 else honest(call)

    with serve(answer) as server:
        with pytest.raises(DataError, match="the server asks to wait 3600 seconds"):
            run(settings(server.url))
        assert run.spans == []
        assert run(settings(server.url)).resumed == 1
        assert server.calls.count("/rows?page=1") == 1


def test_a_failure_that_stays_ends_it_with_the_page_and_the_next_call_goes_on(run: Run) -> None:
    broken = True

    def answer(call: Call) -> None:
        call.reply({}, 500) if broken and page_of(call) == 2 else honest(call)

    with serve(answer) as server:
        with pytest.raises(DataError, match=r"/rows page=3: status 500 \(3 tries\). Call it again to go on."):
            run(settings(server.url))
        assert run.spans == []
        broken = False
        found = run(settings(server.url))
        assert (found.resumed, found.pages) == (2, 4)
        assert collected(found) == EXPECTED
        assert server.calls == [f"/rows?page={number}" for number in (1, 2, 3, 3, 3, 3, 4)]


def test_a_redirection_is_told_and_not_followed(run: Run) -> None:
    with serve(lambda call: call.reply({}, 301, Location="http://other.example/rows?a=b")) as server:
        with pytest.raises(DataError, match=r"status 301 Moved Permanently \(it leads to http://other.example\)"):
            run(settings(server.url))
        assert len(server.calls) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_what_would_only_come_again_is_not_tried_again(run: Run, status: int) -> None:
    with serve(lambda call: call.reply({"reason": "no such user"}, status)) as server:
        with pytest.raises(DataError, match=rf"status {status} .*no such user"):
            run(settings(server.url))
        assert len(server.calls) == 1


def test_a_server_that_is_not_there_is_told(run: Run) -> None:
    with serve(honest) as server:
        url = server.url
    with pytest.raises(DataError, match=r"/rows page=1: ConnectionError .*3 tries"):
        run(settings(url))


# An API that stalls


def test_a_stalled_response_is_given_up_and_asked_for_again(run: Run) -> None:
    over = threading.Event()

    def answer(call: Call) -> None:
        if call.number == 2:
            over.wait(30)
        honest(call)

    with serve(answer) as server:
        found = run(settings(server.url, timeout_seconds=0.3))
        over.set()
    assert collected(found) == EXPECTED
    assert len(run.pauses) == 1


def test_a_server_that_sends_a_byte_now_and_then_is_stalled_too(run: Run) -> None:
    def answer(call: Call) -> None:
        if call.number > 1:
            honest(call)
            return
        call.send_response(200)
        call.send_header("Content-Length", "1000")
        call.end_headers()
        for _ in range(100):
            call.wfile.write(b" ")
            time.sleep(0.05)

    with serve(answer) as server:
        assert collected(run(settings(server.url, timeout_seconds=0.5))) == EXPECTED
    assert len(run.pauses) == 1


def test_headers_that_never_end_are_stalled_too(run: Run) -> None:
    """The socket's own timeout begins anew with every byte."""
    over = threading.Event()

    def answer(call: Call) -> None:
        if call.number > 1:
            honest(call)
            return
        call.wfile.write(b"HTTP/1.1 200 OK\r\nx-more: ")
        with contextlib.suppress(OSError):  # that the other side hangs up is the point
            while not over.wait(0.05):
                call.wfile.write(b"y")

    started = time.monotonic()
    with serve(answer) as server:
        with pytest.raises(DataError, match=r"ReadTimeout.*1 tries"):
            run(settings(server.url, timeout_seconds=0.5, attempts=1))
        took = time.monotonic() - started
        assert collected(run(settings(server.url, timeout_seconds=5))) == EXPECTED
        over.set()
    assert took < 3


def test_a_handshake_that_never_ends_is_stalled_too(run: Run) -> None:
    started = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor() as pool:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")  # a handshake's record of 16 kB
                while True:
                    connection.sendall(b"\0")
                    time.sleep(0.05)

        served = pool.submit(answer)
        url = f"https://127.0.0.1:{listening.getsockname()[1]}/rows"
        with pytest.raises(DataError, match=r"Timeout.*1 tries"):
            run(settings(url, timeout_seconds=0.5, attempts=1))
        served.result(5)
    assert time.monotonic() - started < 3


def test_a_time_that_is_over_bounds_headers_and_body_together(run: Run) -> None:
    def answer(call: Call) -> None:
        for part in (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b" " * 200):
            for byte in part:
                call.wfile.write(bytes([byte]))
                time.sleep(0.007)

    started = time.monotonic()
    with serve(answer) as server, pytest.raises(DataError, match=r"longer than data\.collect\.timeout_seconds"):
        run(settings(server.url, timeout_seconds=0.6, attempts=1))
    assert time.monotonic() - started < 2


# An API that lies


@pytest.mark.parametrize("lie", [+50, -20], ids=["too long", "too short"])
def test_a_wrong_content_length_is_noticed_and_the_page_asked_for_again(run: Run, lie: int) -> None:
    body = json.dumps(items(PAGES[1], total=len(ROWS))).encode()

    def answer(call: Call) -> None:
        call.reply(body, length=len(body) + lie) if call.number == 2 else honest(call)

    with serve(answer) as server:
        assert collected(run(settings(server.url))) == EXPECTED
    assert len(run.pauses) == 1


def test_broken_json_is_asked_for_again_and_told_if_it_stays(run: Run) -> None:
    with serve(lambda call: call.reply(b'{"data": {"items": [') if call.number == 1 else honest(call)) as server:
        assert collected(run(settings(server.url))) == EXPECTED
    with (
        serve(lambda call: call.reply(b"<html>sign in</html>")) as server,
        pytest.raises(DataError, match=r"page=1: not valid JSON.*3 tries"),
    ):
        run(settings(server.url))


@pytest.mark.parametrize(
    ("body", "changes", "message"),
    [
        ({"data": {}}, {}, r"data.collect.rows \(data.items\) is no list of objects; the response begins with .*data"),
        (items(["a"]), {}, "is no list of objects"),  # type: ignore[list-item]
        (items(ROWS), {"columns": {"text": "body"}}, "a row has nothing at body; it has: id, review, stars"),
        (items(ROWS, total="ten"), {"total": "total"}, r"data.collect.total \(total\) is 'ten', no number"),
    ],
)
def test_a_response_of_another_shape_is_told_with_its_beginning(
    run: Run, body: Any, changes: dict[str, Any], message: str
) -> None:
    with serve(lambda call: call.reply(body)) as server, pytest.raises(DataError, match=message):
        run(settings(server.url, **changes))
    assert run.spans == []


def test_a_page_that_comes_twice_is_noticed_and_nothing_of_it_kept(run: Run) -> None:
    with (
        serve(lambda call: call.reply(items(PAGES[min(page_of(call), 1)]))) as server,
        pytest.raises(DataError, match="page 3 is page 2 again; no span was written"),
    ):
        run(settings(server.url))
    assert [path.name for path in run.folder.iterdir()] == [".collecting.lock"]


def test_a_count_that_is_not_the_number_of_rows_is_noticed(run: Run) -> None:
    def answer(call: Call) -> None:
        number = page_of(call)
        call.reply(items(PAGES[number] if number < len(PAGES) else [], meta={"total": 12}))

    with serve(answer) as server, pytest.raises(DataError, match=r"speaks of 12 rows \(meta.total\) and gave 10"):
        run(settings(server.url, total="meta.total"))
    assert run.spans == []
    with serve(honest) as server:
        assert run(settings(server.url, total="total")).rows == 10


@pytest.mark.parametrize("kind", ["same", "new"])
def test_links_that_never_end_are_noticed(run: Run, kind: str) -> None:
    def answer(call: Call) -> None:
        number = int(call.query.get("n", "0"))
        link = "/rows?n=1" if kind == "same" else f"/rows?n={number + 1}"
        call.reply(items([{**ROWS[0], "id": call.number}], next=link))

    message = "is page 2 again" if kind == "same" else "20 pages and no end"
    with serve(answer) as server, pytest.raises(DataError, match=message):
        run(settings(server.url, paging={"kind": "link", "next": "next"}, max_pages=20))
    assert run.spans == []


def test_a_link_to_another_host_is_not_followed(run: Run) -> None:
    with serve(honest) as other:
        with (
            serve(lambda call: call.reply(items(ROWS, next=other.url))) as server,
            pytest.raises(DataError, match="the request's secrets would go there"),
        ):
            run(settings(server.url, paging={"kind": "link", "next": "next"}))
        assert other.calls == []


# Kills, secrets, rates


def write_task(folder: Path, url: str, **collect: Any) -> Path:
    config = settings(url, **collect).model_dump(mode="json")
    file = folder / "a.yaml"
    data = {"path": f"{folder}/spans/span-{{SPAN}}/version-{{VERSION}}/*", "collect": config}
    file.write_text(yaml.safe_dump({"task": "a", "labels": ["bad", "good"], "schema_path": "s", "data": data}))
    return file


def test_a_killed_collection_is_gone_on_with_and_no_row_is_lost_or_doubled(tmp_path: Path, repository: Path) -> None:
    reached, over = threading.Event(), threading.Event()

    def answer(call: Call) -> None:
        if page_of(call) == 2 and not over.is_set():
            reached.set()
            over.wait(60)
        honest(call)

    with serve(answer) as server:
        file = write_task(tmp_path, server.url, timeout_seconds=60)
        arguments = ["--config", str(file)]
        command_line = [sys.executable, "local_runner.py", "data", "collect", *arguments]
        process = subprocess.Popen(command_line, cwd=repository)
        assert reached.wait(60)
        process.kill()
        process.wait()
        assert not (tmp_path / "spans" / "span-1").exists()
        with (tmp_path / "spans" / ".collecting" / "rows.jsonl").open("a") as torn:
            torn.write('{"text": "half a ro')  # as a kill in the middle of a page leaves it
        with (tmp_path / "spans" / ".collecting" / "journal.jsonl").open("a") as torn:
            torn.write('{"marks": [')
        over.set()
        done = CliRunner().invoke(command, arguments)
        assert done.exit_code == 0, done.output
        assert "10 rows of 4 pages (2 of them by an earlier call)" in done.output
        assert server.calls.count("/rows?page=1") == 1
    lines = (tmp_path / "spans" / "span-1" / "version-1" / "rows.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == EXPECTED


@pytest.mark.parametrize("killed_at", ["replace", "rename", "rmtree"])
def test_a_kill_while_the_span_appears_neither_loses_nor_doubles_it(
    run: Run, killed_at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = shutil if killed_at == "rmtree" else os
    real = getattr(module, killed_at)

    def killed(source: Any, *others: Any) -> None:
        if killed_at == "replace" and str(source).endswith(".partial"):
            return real(source, *others)
        raise KeyboardInterrupt

    with serve(honest) as server:
        with monkeypatch.context() as patched:
            patched.setattr(module, killed_at, killed)
            with pytest.raises(KeyboardInterrupt):
                run(settings(server.url))
        found = run(settings(server.url))
        assert len(server.calls) == 4
    assert collected(found) == EXPECTED
    assert run.spans == ["span-1"]
    assert not (run.folder / ".collecting").exists()


def test_a_changed_configuration_begins_anew(run: Run) -> None:
    with (
        serve(lambda call: call.reply({}, 404) if page_of(call) == 1 else honest(call)) as server,
        pytest.raises(DataError, match="status 404"),
    ):
        run(settings(server.url))
    with serve(honest) as server:
        found = run(settings(server.url, columns={"text": "review.body"}))
    assert found.resumed == 0
    assert collected(found) == [{"text": row["text"]} for row in EXPECTED]


def test_secrets_come_from_variables_and_files_and_are_written_nowhere(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "s3cret-a")
    (tmp_path / "key").write_text("s3cret-b\n")
    sent = []

    def answer(call: Call) -> None:
        sent.append((call.headers["Authorization"], call.query["key"]))
        call.reply({}, 500) if page_of(call) == 1 else honest(call)

    with serve(answer) as server:
        config = settings(
            server.url,
            headers={"Authorization": "Bearer ${API_TOKEN}"},
            parameters={"key": f"${{file:{tmp_path}/key}}"},
        )
        with pytest.raises(DataError) as caught:
            run(config)
    assert set(sent) == {("Bearer s3cret-a", "s3cret-b")}
    written = [path.read_text() for path in run.folder.rglob("*") if path.is_file()]
    assert "s3cret" not in "".join([*written, str(caught.value), config.model_dump_json()])


def test_a_secret_that_is_not_there_or_stands_in_the_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the environment variable NO_SUCH_TOKEN is not set"):
        Api(settings("http://127.0.0.1", headers={"Authorization": "Bearer ${NO_SUCH_TOKEN}"}))
    with pytest.raises(DataError, match="/no/such cannot be read"):
        Api(settings("http://127.0.0.1", headers={"X-Key": "${file:/no/such}"}))
    with pytest.raises(ValidationError, match="Authorization is a secret, which must not stand"):
        settings("http://127.0.0.1", headers={"Authorization": "Bearer abc"})
    with pytest.raises(ValidationError, match="password must not stand"):
        settings("https://me:secret@127.0.0.1")


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({"Link": "<http://[::bad>; rel=next"}, 200, "the link to the next page is no URL"),
        ({"Location": "http://[::bad"}, 302, "the response leads to no URL"),
        ({"Retry-After": "\u00b2"}, 503, "status 503"),
        ({"Retry-After": "Mon, 99 Foo 9999 99:99:99 GMT"}, 503, "status 503"),
        ({"Retry-After": "9" * 400}, 503, "the server asks to wait"),
        ({"Content-Encoding": "gzip"}, 200, "tries"),
    ],
)
def test_headers_that_make_no_sense_are_told(run: Run, headers: dict[str, str], status: int, message: str) -> None:
    def answer(call: Call) -> None:
        call.reply([{"text": "a"}], status, **headers)

    with serve(answer) as server, pytest.raises(DataError, match=message):
        run(settings(server.url, rows="", columns={}, paging={"kind": "link"}, attempts=2))


@pytest.mark.parametrize("value", ["two\nlines", "a\r\nHost: b", "\u20ac"])
def test_a_secret_that_no_header_can_hold_is_told_and_not_shown(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODD_TOKEN", value)
    with pytest.raises(DataError, match="what X-Token stands for has a line break, or a character") as told:
        Api(settings("http://127.0.0.1", headers={"X-Token": "${ODD_TOKEN}"}))
    assert value not in str(told.value)


def endless(call: Call) -> None:
    call.send_response(200)
    call.end_headers()
    call.close_connection = True
    with contextlib.suppress(OSError):  # the client hangs up
        while True:
            call.wfile.write(b" " * 65_536)


def bomb(call: Call) -> None:
    call.reply(gzip.compress(b"[" + b" " * 50_000_000 + b"]"), Content_Encoding="gzip")


def deep(call: Call) -> None:
    call.reply(b"[" * 100_000)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (endless, "the response has more than 1,000,000 bytes; ask for smaller pages, or raise data.collect.max_page"),
        (bomb, "the response has more than 1,000,000 bytes"),
        (deep, "nested too deeply"),
    ],
)
def test_a_response_without_end_or_bottom_is_refused_at_the_first_try(run: Run, answer: Answer, message: str) -> None:
    with serve(answer) as server, pytest.raises(DataError, match=message):
        run(settings(server.url, max_page_bytes=1_000_000))
    assert len(server.calls) == 1
    assert not run.spans


def test_a_secret_in_a_link_is_followed_and_not_written_down(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal, from which a later call goes on, names the secret and does not hold it."""
    token = "a+b/c=d&e"
    monkeypatch.setenv("PAGE_TOKEN", token)

    def answer(call: Call) -> None:
        if call.query.get("token") != token or call.number == 2:
            call.reply({}, 403)
            return
        page = int(call.query.get("page", "0"))
        link = f"</rows?page={page + 1}&token={quote(token, safe='')}>; rel=next"
        call.reply([{"text": f"{page}"}], **({"Link": link} if page < 2 else {}))

    with serve(answer) as server:
        config = settings(
            server.url, rows="", columns={}, paging={"kind": "link"}, parameters={"token": "${PAGE_TOKEN}"}
        )
        with pytest.raises(DataError, match="status 403"):
            run(config)
        written = "".join(path.read_text() for path in run.folder.rglob("*") if path.is_file())
        assert "${PAGE_TOKEN}" in written
        assert not {token, quote(token, safe="")} & set(re.findall(r"token=([^\"]*)", written))
        assert run(config).rows == 3


def test_requests_are_not_faster_than_the_api_allows(run: Run) -> None:
    with serve(honest) as server:
        started = time.monotonic()
        run(settings(server.url, requests_per_minute=600))
    assert time.monotonic() - started >= 0.3  # four requests, a tenth of a second apart


def test_two_collections_never_write_into_one_folder(run: Run) -> None:
    reached, over = threading.Event(), threading.Event()

    def answer(call: Call) -> None:
        reached.set()
        over.wait(60)
        honest(call)

    with serve(answer) as server:
        first = threading.Thread(target=run, args=(settings(server.url, timeout_seconds=60),))
        first.start()
        assert reached.wait(60)
        with pytest.raises(DataError, match="another collection is going on there"):
            run(settings(server.url))
        over.set()
        first.join()
    assert run.spans == ["span-1"]


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    file = write_task(tmp_path, "http://127.0.0.1:1/rows")
    done = CliRunner().invoke(command, ["--config", str(file), "--set", "data.collect=null"])
    assert (done.exit_code, "data.collect is missing" in done.output) == (2, True)
    done = CliRunner().invoke(command, ["--config", str(file), "--set", "data.path=rows.csv"])
    assert (done.exit_code, "Give --into FOLDER" in done.output) == (2, True)


def test_rows_are_not_collected_under_a_pattern_that_would_not_read_them(tmp_path: Path) -> None:
    file = write_task(tmp_path, "http://127.0.0.1:1/rows")
    path = f"data.path={tmp_path}/span-{{SPAN}}/version-{{VERSION}}/*.csv"
    done = CliRunner().invoke(command, ["--config", str(file), "--set", path])
    assert done.exit_code == 2
    assert "would not read the rows.jsonl that this writes; let it end with `*` or `*.jsonl`" in done.output
