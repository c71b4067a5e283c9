"""Both sides in turn: whatever else the machine does falls on all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from benchmarks.harness.progress import say

Measured = TypeVar("Measured")


def turns(names: Sequence[str], rounds: int) -> list[list[str]]:
    """The order of each round; whoever goes first changes, since the second finds warmer caches."""
    ordered = list(names)
    return [ordered[number % len(ordered) :] + ordered[: number % len(ordered)] for number in range(rounds)]


def alternate(sides: Mapping[str, Callable[[], Measured]], rounds: int, *, what: str = "") -> dict[str, list[Measured]]:
    """Lets every side take its turn in every round.

    Args:
        sides: what measures once, by name.
        rounds: turns of each.
        what: said to the screen with each round.

    Returns:
        What each side returned, round by round.

    Raises:
        ValueError: no sides or no rounds.
    """
    if not sides or rounds < 1:
        raise ValueError(f"{len(sides)} sides and {rounds} rounds measure nothing")
    found: dict[str, list[Measured]] = {name: [] for name in sides}
    for number, order in enumerate(turns(list(sides), rounds), start=1):
        for name in order:
            say(f"{what}round {number}/{rounds}: {name}")
            found[name].append(sides[name]())
    return found


def seconds(work: Callable[[], object]) -> Callable[[], float]:
    """Makes of a piece of work a side that returns its wall time."""

    def timed() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return timed
