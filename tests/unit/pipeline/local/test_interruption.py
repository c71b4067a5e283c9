"""SIGTERM ends a run as Ctrl-C does, and only while a run is going on."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from pipeline.local import interruption


def test_sigterm_is_an_interrupt_inside_and_what_it_was_outside() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), interruption.as_interrupt():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_thread_that_cannot_take_signals_runs_without() -> None:
    done: list[bool] = []

    def work() -> None:
        with interruption.as_interrupt():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
