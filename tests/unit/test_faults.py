"""docs/reliability.md says what was tried as the last run counted it, and of tests that there are."""

from __future__ import annotations

import ast
import types
from pathlib import Path
from typing import Any

import pytest

from tests.tools import faults


def test_the_table_is_that_of_the_last_run() -> None:
    text = faults.DOCUMENT.read_text(encoding="utf-8")
    assert faults.document(text, faults.stored()) == text, "`python -m tests.tools.faults --table` mends it"


def test_every_fault_was_tried_and_survived() -> None:
    found = faults.stored()
    assert list(found) == [row.name for row in faults.ROWS]
    for name, counted in found.items():
        assert counted["survived"] == counted["tried"] > 0, name
        assert not counted["skipped"], name


@pytest.mark.parametrize("row", faults.ROWS, ids=lambda row: row.name)
def test_the_tests_of_a_row_are_there(row: faults.Row, repository: Path) -> None:
    for test in row.tests:
        file, _, name = test.partition("::")
        parsed = ast.parse((repository / file).read_text(encoding="utf-8"))
        assert not name or name in {node.name for node in parsed.body if isinstance(node, ast.FunctionDef)}, test


def report(nodeid: str, *, when: str = "call", outcome: str = "passed", tried: int | None = None) -> Any:
    properties = [] if tried is None else [(faults.PROPERTY, tried)]
    states = {state: state == outcome for state in ("passed", "failed", "skipped")}
    return types.SimpleNamespace(nodeid=nodeid, when=when, user_properties=properties, **states)


def test_cases_are_counted_by_what_they_tried_and_whether_they_passed() -> None:
    row = faults.Row("mishaps", ("a.py::test_one", "b.py"))
    counter = faults.Counter([row])
    for when in ("setup", "call", "teardown"):
        counter.pytest_runtest_logreport(report("a.py::test_one[x]", when=when))
    counter.pytest_runtest_logreport(report("a.py::test_one_more"))
    counter.pytest_runtest_logreport(report("b.py::test_any", tried=120))
    counter.pytest_runtest_logreport(report("b.py::test_other", outcome="failed", tried=3))
    counter.pytest_runtest_logreport(report("b.py::test_broken", when="setup", outcome="failed"))
    counter.pytest_runtest_logreport(report("b.py::test_left_out", when="setup", outcome="skipped"))
    assert counter.found == {"mishaps": {"tried": 125, "survived": 121, "skipped": 1}}
