"""Tries every fault that docs/reliability.md promises to survive, counts them, and writes its table.

python -m tests.tools.faults               run all of them, write tests/data/faults.json and the table
python -m tests.tools.faults --only kill   those alone whose name holds a word; the other rows stay as they are
python -m tests.tools.faults --table       the table alone, of the results as they are

A test is one fault, unless it says how many it tried: `record_property("faults", 120)`. A fault is survived where its
test passed. Whatever stands after `--` goes to pytest: `-- -n 2`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modules.machine.files import write_whole

import pytest

ROOT = Path(__file__).resolve().parents[2]
RESULTS, DOCUMENT = ROOT / "tests" / "data" / "faults.json", ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- faults: written by `python -m tests.tools.faults` -->", "<!-- /faults -->"
PROPERTY = "faults"  # what a test records that tries several


@dataclasses.dataclass(frozen=True)
class Row:
    """Faults of a kind.

    Attributes:
        name: what is done, as the table says it.
        tests: files, or `file::test` with all its cases.
    """

    name: str
    tests: tuple[str, ...]

    def has(self, case: str) -> bool:
        """Whether a test's id belongs here."""
        return any(case == test or case.startswith((f"{test}::", f"{test}[")) for test in self.tests)


_UNIT = "tests/unit/pipeline"
_SOURCES, _COLLECT = f"{_UNIT}/ingest/sources", f"{_UNIT}/ingest/test_collect.py"
ROWS = (
    Row(
        "a run killed in every node, its work done and nothing published, and within ingestion, training and push",
        ("tests/e2e/test_killed.py::test_every_node_is_killed_and_the_run_after_the_last_kill_is_done",),
    ),
    Row(
        "a push killed (SIGKILL) at each of its file operations, then repeated",
        (f"{_UNIT}/components/test_components.py::test_a_push_killed_at_any_file_operation_ends_as_one_that_was_not",),
    ),
    Row(
        "a training killed in steps and evaluations, with dropout, once and twice",
        (
            "tests/unit/modules/fitting/test_fit.py::test_a_killed_training_goes_on_where_it_was_and_ends_like_one_that_was_not",
            "tests/unit/modules/fitting/test_fit.py::test_a_training_that_was_killed_twice_still_goes_on",
        ),
    ),
    Row(
        "a cached output deleted, changed, changed under its old time, added to",
        (
            f"{_UNIT}/local/test_execute.py::test_a_node_whose_cached_output_is_not_as_it_was_left_runs_again_and_says_why",
        ),
    ),
    Row("a version, `latest`, rows, or the store with all artifacts lost or swapped", ("tests/e2e/test_identity.py",)),
    Row(
        "the store missing, empty, garbage, truncated, scribbled over, another's, locked",
        (
            f"{_UNIT}/history/test_health.py::test_damage_is_told_with_file_role_and_remedy",
            f"{_UNIT}/history/test_health.py::test_a_repaired_folder_can_be_run_in_and_keeps_what_is_pushed",
            f"{_UNIT}/history/test_health.py::test_a_locked_store_is_waited_for_a_while_and_then_told",
        ),
    ),
    Row(
        "queries that write, drop, attach, copy or leave the transaction, as query and as watermark",
        (
            f"{_SOURCES}/test_sql.py::test_no_query_changes_sqlite_or_looks_beyond_it",
            f"{_SOURCES}/test_sql.py::test_no_query_changes_postgresql",
        ),
    ),
    Row(
        "endless queries; servers that say nothing, or a byte now and then; responses without end",
        (
            f"{_SOURCES}/test_sql.py::test_an_endless_query_ends",
            f"{_SOURCES}/test_sql.py::test_a_server_that_accepts_and_says_nothing_is_given_up",
            f"{_SOURCES}/test_sql.py::test_a_slow_query_of_postgresql_ends_with_the_name_of_the_limit",
            f"{_COLLECT}::test_a_stalled_response_is_given_up_and_asked_for_again",
            f"{_COLLECT}::test_a_server_that_sends_a_byte_now_and_then_is_stalled_too",
            f"{_COLLECT}::test_headers_that_never_end_are_stalled_too",
            f"{_COLLECT}::test_a_handshake_that_never_ends_is_stalled_too",
            f"{_COLLECT}::test_a_time_that_is_over_bounds_headers_and_body_together",
            f"{_COLLECT}::test_a_response_without_end_or_bottom_is_refused_at_the_first_try",
        ),
    ),
    Row(
        "CSV, JSONL, Parquet, TFRecord, packed or not, damaged at a random place",
        (f"{_SOURCES}/test_damaged.py::test_a_file_damaged_anywhere_gives_rows_or_one_error_with_its_name",),
    ),
    Row(
        "a TFRecord with a length that lies and a checksum that does not",
        (f"{_SOURCES}/test_damaged.py::test_a_tfrecord_with_a_huge_length_and_a_right_checksum_is_refused",),
    ),
    Row(
        "a secret planted in URLs, headers, parameters, files, overrides; servers that echo it",
        (f"{_UNIT}/redaction/test_no_secret_is_told.py",),
    ),
    Row("configurations with a strange value or damaged text", (f"{_UNIT}/config/test_hostile.py",)),
)


class Counter:
    """A plugin of pytest that counts the faults of each row."""

    def __init__(self, rows: Sequence[Row] = ROWS) -> None:
        """Args: `rows`, what is counted."""
        self._rows = rows
        self.found = {row.name: {"tried": 0, "survived": 0, "skipped": 0} for row in rows}

    def pytest_runtest_logreport(self, report: Any) -> None:
        """The hook of pytest: a phase of a test has ended."""
        broken = report.when != "call" and report.failed
        if report.when != "call" and not broken and not report.skipped:
            return
        count = int(dict(report.user_properties).get(PROPERTY, 1))
        for row in self._rows:
            if not row.has(report.nodeid):
                continue
            counted = self.found[row.name]
            if report.skipped:
                counted["skipped"] += 1
            else:
                counted["tried"] += count
                counted["survived"] += count if report.passed else 0


def table(results: Mapping[str, Mapping[str, int]]) -> str:
    """The table of results, a row of `ROWS` a line.

    Args:
        results: by name of the row.
    """
    lines = ["| Faults | Tested by | Tried | Survived |", "|---|---|---|---|"]
    for row in ROWS:
        found = results.get(row.name, {})
        files = dict.fromkeys(f"`{test.partition('::')[0]}`" for test in row.tests)
        skipped = f", {found['skipped']} skipped" if found.get("skipped") else ""
        lines.append(
            f"| {row.name} | {', '.join(files)} | {found.get('tried', 0)}{skipped} | {found.get('survived', 0)} |"
        )
    return "\n".join(lines)


def document(text: str, results: Mapping[str, Mapping[str, int]]) -> str:
    """The document with the table between its two marks.

    Args:
        text: the document as it is.
        results: by name of the row.

    Raises:
        ValueError: the marks are not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{DOCUMENT.name}: the lines {BEGIN} and {END} are missing; the table stands between them")
    return f"{before}{BEGIN}\n\n{table(results)}\n\n{END}{after}"


def stored() -> dict[str, dict[str, int]]:
    """The results of the last run, by name of the row."""
    found: dict[str, dict[str, int]] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    return {row.name: found[row.name] for row in ROWS if row.name in found}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit code is pytest's."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    own, more = (given[: given.index("--")], given[given.index("--") + 1 :]) if "--" in given else (given, [])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="WORD", default="", help="rows whose name holds it")
    parser.add_argument("--table", action="store_true", help="run nothing")
    options = parser.parse_args(own)
    code = 0
    results = stored()
    if not options.table:
        rows = [row for row in ROWS if options.only in row.name]
        counter = Counter(rows)
        code = int(pytest.main(["-q", *(test for row in rows for test in row.tests), *more], plugins=[counter]))
        results |= counter.found
        ordered = {row.name: results[row.name] for row in ROWS if row.name in results}
        write_whole(RESULTS, json.dumps(ordered, indent=2) + "\n")
    write_whole(DOCUMENT, document(DOCUMENT.read_text(encoding="utf-8"), results))
    return code


if __name__ == "__main__":
    sys.exit(main())
