"""Several requests are answered by one thread and told at once; nothing that goes wrong with one touches another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from typing import Any

import pytest

from edgeline_serving.backends import bursts
from edgeline_serving.backends.base import Answer, Row


def row(value: Any) -> list[Row]:
    return [{"text": value}]


@pytest.fixture
def gate() -> threading.Event:
    return threading.Event()


@pytest.fixture
def asked(gate: threading.Event) -> bursts.Bursts:
    """One thread, which waits at the first request until the gate is open."""

    def compute(rows: Sequence[Row], stop: Callable[[], bool]) -> list[Answer]:
        if rows[0]["text"] == "wait":
            gate.wait(10)
        if rows[0]["text"] == "slow":
            time.sleep(2 * bursts._LONGEST)
        if rows[0]["text"] == "bad":
            raise ValueError("a row that cannot be answered")
        return [{"label": row["text"], "stopped": stop()} for row in rows]

    return bursts.Bursts(compute, 1, "test")


def test_each_gets_its_own_answer_error_or_stop(asked: bursts.Bursts, gate: threading.Event) -> None:
    first = asked.submit(row("wait"), lambda: False)
    stopped, bad = asked.submit(row("a"), lambda: True), asked.submit(row("bad"), lambda: False)
    left, last = asked.submit(row("b"), lambda: False), asked.submit([*row("c"), *row("d")], lambda: False)
    assert left.cancel(), "whoever left is not computed for"
    asked.close()
    gate.set()
    assert first.result(10)[0]["label"] == "wait"
    assert stopped.result(10) == [{"label": "a", "stopped": True}]
    with pytest.raises(ValueError, match="cannot be answered"):
        bad.result(10)
    with pytest.raises(CancelledError):
        left.result(10)
    assert [answer["label"] for answer in last.result(10)] == ["c", "d"], "what came before the end is answered"


def test_what_is_done_is_told_together_and_not_kept_for_what_takes_long(
    asked: bursts.Bursts, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    for name in ("wait", "slow", "x", "y"):
        future = asked.submit(row(name), lambda: False)
        future.add_done_callback(lambda _, name=name: told.append(name))  # type: ignore[misc]
    assert told == []
    gate.set()
    asked.close()
    future.result(10)
    assert told == ["wait", "slow", "x", "y"]
