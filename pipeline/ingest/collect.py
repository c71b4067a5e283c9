"""Collects the rows of an HTTP API into a new span: `span-N/version-1/rows.jsonl`, whole or not at all.

Rows and a journal of the pages grow in `.collecting/` beside the spans. A call that finds them there goes on after the
last page that is in both; the span appears by one rename when the last page has come and the counts agree.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import filelock

from pipeline.config_collect import CollectConfig
from pipeline.ingest.http_pages import Api, Page, Request, value_at
from pipeline.ingest.rows import DataError

ROWS_FILE = "rows.jsonl"
_WORK, _JOURNAL = ".collecting", "journal.jsonl"
_SPAN = re.compile(r"^span-(\d+)$")


@dataclasses.dataclass(frozen=True)
class Collected:
    """What a collection came to.

    Attributes:
        file: the rows; None where the API has none.
        pages: pages that were fetched, in this call and in those that it went on from.
        rows: their rows.
        resumed: pages that earlier calls had fetched.
    """

    file: Path | None
    pages: int
    rows: int
    resumed: int


class _ContradictionError(DataError):
    """The pages contradict each other: what was fetched is of no use."""


def collect(
    config: CollectConfig, into: Path, api: Api, *, progress: Callable[[int, int], None] = lambda pages, rows: None
) -> Collected:
    """Fetches all pages and writes their rows as the next span.

    Args:
        config: the API.
        into: folder of the spans.
        api: fetches the pages.
        progress: told the number of pages and rows after each page.

    Returns:
        The new file, and how much there was.

    Raises:
        DataError: a page cannot be had (a later call goes on from there), or the pages contradict each other (a later
            call begins anew).
    """
    work = into / _WORK
    work.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(into / f"{_WORK}.lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise DataError(f"{into}: another collection is going on there.") from None
    try:
        progressed = _Progress(work, config)
        resumed = progressed.pages
        _fetch(config, api, progressed, progress)
        file = _publish(into, work) if progressed.rows else None
        shutil.rmtree(work)
        return Collected(file, progressed.pages, progressed.rows, resumed)
    except _ContradictionError:
        shutil.rmtree(work)
        raise
    finally:
        lock.release()


def _fetch(config: CollectConfig, api: Api, done: _Progress, progress: Callable[[int, int], None]) -> None:
    request = done.next if done.pages else api.first()
    while request is not None:
        if done.pages >= config.max_pages:
            raise _ContradictionError(
                f"{request}: {done.pages} pages and no end; raise data.collect.max_pages if there are so many."
            )
        page = api.page(request)
        done.add(request, page, [_row(row, config, request) for row in page.rows])
        progress(done.pages, done.rows)
        request = page.next
    if done.total is not None and done.total != done.rows:
        raise _ContradictionError(
            f"{config.url}: the API speaks of {done.total} rows ({config.total}) and gave {done.rows}; no span was "
            "written. Call it again; if it stays so, unset data.collect.total."
        )


class _Progress:
    """What has been fetched: rows in one file, and in another where each page ends."""

    def __init__(self, work: Path, config: CollectConfig) -> None:
        self._rows_file, self._journal = work / ROWS_FILE, work / _JOURNAL
        self.pages = self.rows = 0
        self.next: Request | None = None
        self.total: int | None = None
        self._seen: dict[str, int] = {}
        head = {"config": config.digest()}
        entries = _entries(self._journal)
        end = entries[-1].get("bytes", 0) if entries else 0
        if entries[:1] != [head] or not self._rows_file.is_file() or self._rows_file.stat().st_size < end:
            entries, end = [head], 0  # none, or of another configuration
            self._rows_file.write_bytes(b"")
        for entry in entries[1:]:
            self._take(entry)
        # What a kill left after the last whole page is written again.
        os.truncate(self._rows_file, end)
        self._journal.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")

    def add(self, request: Request, page: Page, rows: list[dict[str, Any]]) -> None:
        """Keeps a page; after this it will not be fetched again."""
        content = json.dumps(page.rows, sort_keys=True)
        marks = [f"request {hashlib.sha256(repr(request).encode()).hexdigest()}"]
        if page.rows:
            marks.append(f"rows {hashlib.sha256(content.encode()).hexdigest()}")
        earlier = next((self._seen[mark] for mark in marks if mark in self._seen), None)
        if earlier is not None:
            raise _ContradictionError(
                f"{request}: page {self.pages + 1} is page {earlier} again; no span was written. The API leads in "
                "circles: check data.collect.paging."
            )
        with self._rows_file.open("ab") as out:
            out.writelines(json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n" for row in rows)
            out.flush()
            os.fsync(out.fileno())
            size = out.tell()
        entry = {
            "marks": marks,
            "rows": len(rows),
            "bytes": size,
            "total": page.total,
            "next": dataclasses.asdict(page.next) if page.next else None,
        }
        with self._journal.open("a", encoding="utf-8") as out_journal:
            out_journal.write(json.dumps(entry) + "\n")
            out_journal.flush()
            os.fsync(out_journal.fileno())
        self._take(entry)

    def _take(self, entry: dict[str, Any]) -> None:
        self.pages += 1
        self.rows += entry["rows"]
        self.total = entry["total"] if entry["total"] is not None else self.total
        self.next = Request(**entry["next"]) if entry["next"] else None
        self._seen |= dict.fromkeys(entry["marks"], self.pages)


def _entries(journal: Path) -> list[dict[str, Any]]:
    """The journal's lines, without a last one that a kill cut."""
    found: list[dict[str, Any]] = []
    if journal.is_file():
        for line in journal.read_bytes().split(b"\n")[:-1]:
            found.append(json.loads(line))
    return found


def _row(row: dict[str, Any], config: CollectConfig, request: Request) -> dict[str, Any]:
    if not config.columns:
        return row
    found = {column: value_at(row, path) for column, path in config.columns.items()}
    if all(value is None for value in found.values()):
        raise DataError(
            f"{request}: a row has nothing at {', '.join(config.columns.values())}; it has: {', '.join(row)}. Set "
            "data.collect.columns."
        )
    return found


def _publish(into: Path, work: Path) -> Path:
    """Makes the span appear, whole, by one rename."""
    numbers = [int(found[1]) for path in into.iterdir() if (found := _SPAN.match(path.name))]
    span = into / f"span-{max(numbers, default=0) + 1}"
    partial = work / "span"
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "version-1").mkdir(parents=True)
    os.link(work / ROWS_FILE, partial / "version-1" / ROWS_FILE)
    os.rename(partial, span)
    return span / "version-1" / ROWS_FILE
