"""What a test run left out: a closing line with the reasons, and no excuse in CI for a missing program."""

from __future__ import annotations

import collections
import os
from typing import Any

import pytest

from tests.tools.programs import MISSING


def reasons(session: pytest.Session) -> collections.Counter[str]:
    """How often each reason was given for a skip; empty in a worker, which reports to the main process."""
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    counted: collections.Counter[str] = collections.Counter()
    for report in reporter.stats.get("skipped", ()) if reporter else ():
        said = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        counted[said.removeprefix("Skipped: ")] += 1
    return counted


def refuse(session: pytest.Session) -> None:
    """Makes a run fail in CI that skipped a test for want of a program."""
    if session.exitstatus == pytest.ExitCode.OK and in_ci() and any(map(_missing, reasons(session))):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def report(session: pytest.Session, write_line: Any) -> None:
    """Writes the closing line, with the reason given most often first."""
    counted = reasons(session)
    if not counted:
        return
    said = [f"{reason} ({count})" for reason, count in counted.most_common()]
    write_line(f"{counted.total()} skipped: {', '.join(said)}")
    missing = sum(count for reason, count in counted.items() if _missing(reason))
    if missing and in_ci():
        write_line(f"CI is set, so {missing} skipped for want of a program count as failed.", red=True)


def in_ci() -> bool:
    """Whether this is a CI run, as all its providers say it."""
    return os.environ.get("CI", "").lower() in ("1", "true")


def _missing(reason: str) -> bool:
    return reason.startswith(MISSING)
