"""`pipeline.kubeflow.orchestrators.schedules`: what is no schedule is told before an engine gets it."""

from __future__ import annotations

import pytest

from pipeline.kubeflow.orchestrators import schedules


@pytest.mark.parametrize(
    ("cron", "fields"),
    [
        ("0 3 * * *", 5),
        ("*/15 0-6,22 1 JAN-mar mon", 5),
        ("TZ=Europe/Berlin 0 3 * * 7", 5),
        ("0 0 3 * * *", 6),
        ("0 30 3 ? * 1-5", 6),
        ("@daily", 6),
        ("@every 1h30m", 6),
    ],
)
def test_schedules_are_taken(cron: str, fields: int) -> None:
    assert list(schedules.problems(cron, fields)) == []


@pytest.mark.parametrize(
    ("cron", "fields", "told"),
    [
        ("0 3 * * *", 6, "6 fields are needed (second, minute, hour, day of the month, month, day of the week), there"),
        ("0 0 3 * * *", 5, "there are 6"),
        ("every day", 5, "there are 2"),
        ("@daily", 5, "there are 1"),
        ("60 3 * * *", 5, "60 is no minute (0 … 59)"),
        ("0 3 0 * *", 5, "0 is no day of the month"),
        ("0 3 * FOO *", 5, "FOO is no month"),
        ("0 5-3 * * *", 5, "5-3 is no hour"),
        ("*/0 3 * * *", 5, "*/0 is no minute"),
        ("0 3 * * 8", 5, "8 is no day of the week"),
        ("0 -3 * * *", 5, "-3 is no hour"),
        ("0 ٣ * * *", 5, "is no hour"),
        ("0 3, * * *", 5, "3, is no hour"),
    ],
)
def test_what_is_no_schedule_is_told_by_its_field(cron: str, fields: int, told: str) -> None:
    assert told in next(schedules.problems(cron, fields))
