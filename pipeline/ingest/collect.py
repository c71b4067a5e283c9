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

from modules.machine.files import write_whole

import filelock

from pipeline.config.rows.collect import CollectConfig
from pipeline.ingest.http.pages import Api, Page, Request, value_at
from pipeline.ingest.rows import DataError

FILE, _INSIDE = "rows.jsonl", Path("version-1") / "rows.jsonl"
_WORK, _JOURNAL, _SPAN_IN_WORK = ".collecting", "journal.jsonl", "span"
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
        done = _Progress(work, config)
        resumed = done.pages
        if not done.published:
            _fetch(config, api, done, progress)
            if done.rows:
                done.publish(into)
        shutil.rmtree(work)
        return Collected(into / done.span / _INSIDE if done.span else None, done.pages, done.rows, resumed)
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
            f"{api.first()}: the API speaks of {done.total} rows ({config.total}) and gave {done.rows}; no span was "
            "written. Call it again; if it stays so, unset data.collect.total."
        )


class _Progress:
    """What has been fetched: rows in one file, and in another where each page ends."""

    def __init__(self, work: Path, config: CollectConfig) -> None:
        self._work, self._rows_file, self._journal = work, work / FILE, work / _JOURNAL
        self.pages = self.rows = 0
        self.next: Request | None = None
        self.total: int | None = None
        self.span: str | None = None
        self._seen: dict[str, int] = {}
        head = {"config": config.digest()}
        entries = _entries(self._journal)
        if entries[:1] != [head]:  # none, or of another configuration
            entries = [head]
            self._rows_file.write_bytes(b"")
        for entry in entries[1:]:
            self._take(entry)
        moved = work / _SPAN_IN_WORK / _INSIDE
        if moved.exists():  # a kill came between the two renames of `publish`
            os.replace(moved, self._rows_file)
        if self._rows_file.exists():  # what a kill left after the last whole page is written again
            os.truncate(self._rows_file, entries[-1].get("bytes", 0))
        write_whole(self._journal, "".join(json.dumps(entry) + "\n" for entry in entries))

    @property
    def published(self) -> bool:
        """Whether the rows have become a span; a kill came after that."""
        return self.span is not None and not self._rows_file.exists()

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
        self._note(entry)

    def publish(self, into: Path) -> None:
        """Makes the span appear, whole, by one rename."""
        numbers = [int(found[1]) for path in into.iterdir() if (found := _SPAN.match(path.name))]
        size = self._rows_file.stat().st_size
        self._note({"span": f"span-{max(numbers, default=0) + 1}", "bytes": size})
        moved = self._work / _SPAN_IN_WORK / _INSIDE
        moved.parent.mkdir(parents=True, exist_ok=True)
        os.replace(self._rows_file, moved)
        os.rename(self._work / _SPAN_IN_WORK, into / str(self.span))

    def _note(self, entry: dict[str, Any]) -> None:
        with self._journal.open("a", encoding="utf-8") as out:
            out.write(json.dumps(entry) + "\n")
            out.flush()
            os.fsync(out.fileno())
        self._take(entry)

    def _take(self, entry: dict[str, Any]) -> None:
        if "span" in entry:
            self.span = entry["span"]
            return
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
