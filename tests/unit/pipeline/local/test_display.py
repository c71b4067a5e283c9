"""`pipeline.local.display` and `modules.machine.progress`: where a run is, on a terminal and in a log."""

from __future__ import annotations

import io
import logging

from modules.machine import progress

import pytest
from rich.console import Console

from pipeline.history.states import CACHED, EXECUTED, FAILED, RESOLVED, NodeResult
from pipeline.local import display as display_module
from pipeline.local.display import Display


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(display_module.time, "monotonic", lambda: now[0])
    return now


def test_without_a_terminal_each_node_is_two_plain_lines() -> None:
    out = io.StringIO()
    with Display(out, ["A", "B", "C", "D"]) as display:
        for node, state in (("A", EXECUTED), ("B", CACHED), ("C", RESOLVED), ("D", FAILED)):
            display.started(node)
            display.ended(NodeResult(node, state, 1.25))
    assert out.getvalue().splitlines() == [
        "▸ A", "✓ A: executed in 1.2 s", "▸ B", "= B: cached in 1.2 s",
        "▸ C", "= C: resolved in 1.2 s", "▸ D", "✗ D: failed in 1.2 s",
    ]  # fmt: skip
    assert "\x1b" not in out.getvalue()


def test_without_a_terminal_steps_are_told_every_ten_seconds_and_epochs_always(clock: list[float]) -> None:
    out = io.StringIO()
    with Display(out, ["Trainer"]) as display:
        display.started("Trainer")
        progress.tell("float32 on 1 replica")
        for second in range(25):
            clock[0] = 1000.0 + second
            progress.tell(f"step {second}", step=second, epoch_end=False)
        progress.tell("epoch 1/1 loss 0.5", step=25, epoch_end=True)
    told = [line.strip() for line in out.getvalue().splitlines()]
    assert told == ["▸ Trainer", "float32 on 1 replica", "step 10", "step 20", "epoch 1/1 loss 0.5"]


def test_after_a_run_nobody_listens_to_reports() -> None:
    out = io.StringIO()
    with pytest.raises(RuntimeError), Display(out, ["A"]):
        raise RuntimeError
    progress.tell("too late")
    assert out.getvalue() == ""
    assert not any(isinstance(handler, Display) for handler in progress.PROGRESS.handlers)


def test_on_a_terminal_the_whole_graph_is_drawn_with_the_state_of_each_node(clock: list[float]) -> None:
    with Display(Terminal(), ["Gen", "Trainer", "Pusher"], width=100) as display:
        display.started("Gen")
        display.ended(NodeResult("Gen", CACHED, 0.04))
        display.started("Trainer")
        clock[0] += 12.3
        progress.tell("epoch 1/2 step 3/9 loss 0.5", step=3)
        out = io.StringIO()
        Console(file=out, width=100).print(display)
    gen, trainer, pusher = (line.rstrip() for line in out.getvalue().splitlines())
    assert gen.split() == ["=", "Gen", "cached", "0.0", "s"]
    assert trainer.split(maxsplit=5) == ["▸", "Trainer", "running", "12.3", "s", "epoch 1/2 step 3/9 loss 0.5"]
    assert pusher.split() == ["·", "Pusher"]


def test_a_new_node_does_not_show_the_progress_of_the_one_before() -> None:
    with Display(Terminal(), ["A", "B"], width=100) as display:
        display.started("A")
        progress.tell("deep in A")
        display.ended(NodeResult("A", EXECUTED, 1.0))
        display.started("B")
        out = io.StringIO()
        Console(file=out, width=100).print(display)
    assert "deep in A" not in out.getvalue()


def test_the_last_state_stays_on_the_terminal() -> None:
    terminal = Terminal()
    with Display(terminal, ["A"], width=80) as display:
        display.started("A")
        display.ended(NodeResult("A", FAILED, 1.0))
    assert "failed" in terminal.getvalue()


def test_a_report_carries_its_values_for_programs(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "edgeline.progress"):
        progress.tell("half", step=1, steps=2)
    [record] = caplog.records
    assert record.getMessage() == "half"
    assert record.progress == {"message": "half", "step": 1, "steps": 2}  # type: ignore[attr-defined]
