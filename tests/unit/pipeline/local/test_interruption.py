"""SIGTERM ends a run as Ctrl-C does, and only while a run is going on."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from pipeline.local import interruption


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_signals_are_an_interrupt_inside_and_what_they_were_outside(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), interruption.as_interrupt():
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) == before


def beam() -> None:
    """Makes another error of whatever comes, as Beam does."""
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except BaseException as error:
        raise RuntimeError(repr(error)) from None


def test_that_somebody_asked_is_known_though_a_library_made_another_error_of_it() -> None:
    with interruption.as_interrupt() as request:
        assert not request.came
        with pytest.raises(RuntimeError):
            beam()
        assert request.came


def test_a_thread_that_cannot_take_signals_runs_without() -> None:
    done: list[bool] = []

    def work() -> None:
        with interruption.as_interrupt():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
