from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.local import session

sys.path.insert(0, str(Path(__file__).parent.parent))

import tiny
from tiny import run_task

Runner = Callable[..., session.Outcome]


@pytest.fixture(scope="session")
def task(tmp_path_factory: pytest.TempPathFactory) -> tiny.TinyTask:
    return tiny.make(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def first_run(task: tiny.TinyTask) -> session.Outcome:
    outcome = run_task(task)
    assert outcome.error is None, outcome.error
    return outcome


@pytest.fixture(scope="session")
def run(task: tiny.TinyTask, first_run: session.Outcome) -> Runner:
    """Runs the tiny task again, with overrides of the configuration."""
    return lambda *overrides, **options: run_task(task, *overrides, **options)
