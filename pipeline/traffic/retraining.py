"""When labelled requests become a span, so that `watch` runs on it: what a monitor says, the clock, how many there are.

An alert that fired stays a reason until a span was made for it, even if it was resolved before its labels arrived; one
that goes on firing after that is no new reason. `retrain.json` in the task's folder keeps both.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from typing import Literal

from modules.machine.files import write_whole

from pipeline.config.task import Config
from pipeline.history.paths import TaskPaths
from pipeline.traffic import feedback
from pipeline.traffic.status import Status

STATE = "retrain.json"
Reason = Literal["drift", "surge", "quality", "schedule", "rows"]
RULES = {"drift": ("drift", "prior"), "surge": ("surge",), "quality": ("accuracy", "estimate")}
"""Of a monitor, by reason."""


@dataclasses.dataclass
class State:
    """What was seen so far.

    Attributes:
        pending: alerts that no span was made for yet, by rule, series and begin.
        handled: those that one was made for and that still fire.
        last: when the last span was made, or the first look was taken; seconds since 1970.
    """

    pending: list[str] = dataclasses.field(default_factory=list)
    handled: list[str] = dataclasses.field(default_factory=list)
    last: float | None = None


class Retraining:
    """Looks at monitor, clock and labels, and makes a span when there is a reason."""

    def __init__(
        self, config: Config, paths: TaskPaths, reasons: Sequence[Reason], clock: Callable[[], float] = time.time
    ) -> None:
        """Prepares; reads nothing.

        Args:
            config: the resolved configuration.
            paths: of the task.
            reasons: that count.
            clock: seconds since 1970.

        Raises:
            DataError: the configuration lacks what this needs.
        """
        feedback.check(config)
        self._config, self._paths, self._reasons, self._clock = config, paths, reasons, clock
        self._state = paths.root / STATE
        self._rules = [rule for reason in reasons for rule in RULES.get(reason, ())]

    def look(self) -> tuple[bool, str]:
        """Makes a span, if there is a reason and there are rows enough.

        Returns:
            Whether it made one; and what to tell, empty where there is nothing.

        Raises:
            DataError: log or labels cannot be read, or the span cannot be written.
            ValueError: `status.json` is not a monitor's.
        """
        state = self._read()
        self._see_alerts(state)
        now = self._clock()
        state.last = min(state.last or now, now)  # a clock that was set back must not stop the schedule
        due, made, told = self._due(state, now), False, ""
        if not due and "rows" not in self._reasons:
            self._write(state)
            return made, told
        found = feedback.find(self._config)
        enough = "rows" in self._reasons and len(found.rows) >= self._config.retrain.rows
        wanted = self._config.retrain.min_rows
        reason = due or (f"{len(found.rows)} new rows have a label (retrain.rows)" if enough else "")
        if due and not enough and len(found.rows) < wanted:
            told = f"{due}; waiting for labels, {len(found.rows)} of {wanted} new rows have one."
            if found.waiting:
                told += f" {found.waiting} labels are of requests that are not in the log (data.serving_logs)."
        elif reason:
            number, file = feedback.write_span(self._config, found)
            made, told = True, f"{reason}; {len(found.rows)} labelled requests are span {number}: {file}"
            state.handled, state.pending, state.last = [*state.handled, *state.pending], [], now
        self._write(state)
        return made, told

    def _see_alerts(self, state: State) -> None:
        status = Status.read(self._paths.monitor) if self._rules else None
        firing = [
            f"{item.rule} {item.series} since {item.since}" for item in (status.firing if status else ())
            if item.rule in self._rules
        ]  # fmt: skip
        state.handled = [name for name in state.handled if name in firing]
        state.pending += [name for name in firing if name not in (*state.handled, *state.pending)]

    def _due(self, state: State, now: float) -> str:
        """Why there shall be a run as soon as there are rows enough, in words; empty if nothing says so."""
        section = self._config.retrain
        alerts = [name for name in state.pending if name.split(" ")[0] in self._rules]
        if alerts:
            more = f" and {len(alerts) - 1} more" if len(alerts) > 1 else ""
            return f"alert: {alerts[0]}{more}"
        assert state.last is not None
        if "schedule" in self._reasons and now - state.last >= 3600 * section.every_hours:
            return f"{section.every_hours:g} h have passed (retrain.every_hours)"
        return ""

    def _read(self) -> State:
        if not self._state.is_file():
            return State()
        try:
            return State(**json.loads(self._state.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{self._state}: cannot be read ({error}); remove it, and alerts count anew") from None

    def _write(self, state: State) -> None:
        self._state.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._state, json.dumps(dataclasses.asdict(state), ensure_ascii=False) + "\n")


def gate(config: Config) -> tuple[str, ...]:
    """What the runs have beside the configuration: a model is pushed only if it beats the one that is served.

    Args:
        config: the resolved configuration; what it says itself stays.
    """
    return () if config.evaluator.beats_served else ("evaluator.beats_served={}",)
