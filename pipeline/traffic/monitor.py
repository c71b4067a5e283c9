"""The monitor: reads on in the log, closes windows, judges them, and remembers what came of it.

A window closes when it is over, and its grace for rows that are written late as well. How far the log was read is
remembered then and not before, see `pipeline.traffic.state`.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.config.task import Config
from pipeline.redaction.redact import redact
from pipeline.traffic import alerts, inputs, rules
from pipeline.traffic.log import LogReader, Row
from pipeline.traffic.quality import Answers, Labelled
from pipeline.traffic.reference import Reference
from pipeline.traffic.sinks import delivery
from pipeline.traffic.state import State
from pipeline.traffic.status import Firing, Status, iso
from pipeline.traffic.window import Closed, Window

_MOST_PROBLEMS = 20


class Monitor:
    """One task's monitor, from one look to the next."""

    def __init__(
        self, config: Config, reference: Reference, folder: Path, pattern: str, *,
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        """Begins, or goes on from what was remembered.

        Args:
            config: of the task.
            reference: what windows are compared with.
            folder: of the monitor; this process holds its lock.
            pattern: the log: a file, a folder, or a glob.
            clock: seconds since 1970.

        Raises:
            StateError: what was remembered cannot be read.
        """
        self.config, self.settings, self.reference = config, config.monitor, reference
        self.folder, self._pattern, self._clock = folder, pattern, clock
        self.state = State.read(folder)
        if self.state.window_seconds not in (0, self.settings.window_seconds):
            self._note(f"windows were of {self.state.window_seconds} s: nothing before is compared with")
            self.state.history.clear()
            if self.state.open is not None:
                self.state.open = self._floor(self.state.open)
        self.state.window_seconds, self.state.model = self.settings.window_seconds, reference.model
        self._answers = Answers(folder, config)
        self._models = set(self.settings.served_as(config.task))
        self._slices = tuple(dict.fromkeys((*config.data.columns.slices, *self.settings.slices)))
        self._reader = LogReader(pattern, self.state.positions)
        self._window: Window | None = None
        self._others: set[str] = set()

    def renew(self, reference: Reference) -> None:
        """Compares with another model from the next window on.

        Args:
            reference: of what is served now.
        """
        self.reference, self.state.model = reference, reference.model

    def look(self) -> list[alerts.Change]:
        """Reads what is new, closes what is over, and writes down what came of it.

        Returns:
            What changed.
        """
        changes: list[alerts.Change] = []
        self._start()
        while self.state.open is not None and self._read_window():
            changes += self._close()
            self.state.write(self.folder)
        self.state.write(self.folder)
        self.status().write(self.folder)
        return changes

    def status(self) -> Status:
        """What is told to other programs."""
        newest = self.state.history[-1] if self.state.history else None
        firing = [
            Firing(alert.rule, alert.series, alert.severity, iso(alert.since), alert.value, alert.bound, alert.message)
            for alert in self.state.alerts.values()
            if alert.firing
        ]
        return Status(
            task=self.config.task,
            model=self.reference.model,
            written=iso(self._clock()),
            window={"start": iso(newest.start), "end": iso(newest.end), "rows": newest.rows} if newest else None,
            windows=self.state.number,
            rows=self.state.rows,
            labelled=self.state.labelled,
            firing=tuple(sorted(firing, key=lambda item: (item.rule, item.series))),
            problems=tuple(redact(text) for text in self._problems()),
        )

    def _problems(self) -> list[str]:
        found = list(self.state.outages)
        if not self._reader.files():
            found.append(f"{self._pattern}: no log yet; `edgeline-serving --log FOLDER` writes one")
        if self._answers.problem:
            found.append(self._answers.problem)
        if self.state.history and not any(window.rows for window in self.state.history) and self._others:
            found.append(
                f"no row of the log is of {' or '.join(sorted(self._models))}, but of "
                f"{', '.join(sorted(self._others))} (monitor.models)"
            )
        return found

    def _start(self) -> None:
        """Opens the first window, and settles a clock that went back."""
        now, length = self._clock(), self.settings.window_seconds
        if self.state.open is None:
            head = self._reader.head()
            if head is not None:
                self.state.open = self._floor(min(head, now))
        elif now < self.state.open - length:
            self._note(f"the clock went back by {self.state.open - now:.0f} s")
            self.state.open, self._window = self._floor(now), None
            self._reader = LogReader(self._pattern, self.state.positions)

    def _floor(self, moment: float) -> float:
        return moment - moment % self.settings.window_seconds

    def _read_window(self) -> bool:
        """Reads what is of the open window; True when it is over."""
        start = self.state.open
        assert start is not None
        window = self._window
        if window is None:
            window = self._window = Window(
                self.state.number, start, start + self.settings.window_seconds, slices=self._slices,
                sample=self.config.validator.sample_rows,
            )  # fmt: skip
        now, keeps = self._clock(), bool(self.settings.labels.path)
        latest = max(now + self.settings.grace_seconds, window.end)

        def until(row: Row) -> bool:
            return row.time < window.end or row.time > latest

        for row in self._reader.read(until):
            if row.model not in self._models:
                self._others.add(row.model)
                continue
            window.add(row, late=row.time < window.start, future=row.time > latest, keep_answer=keeps)
        return now >= window.end + self.settings.grace_seconds

    def _close(self) -> list[alerts.Change]:
        window, state = self._window, self.state
        assert window is not None
        closed = window.close(self.settings.max_slices)
        self.state.outages = []
        self._tell_what_was_met(closed)
        closed = dataclasses.replace(
            closed, estimate=self.reference.estimate(window.scores), drift=self._drift(window)
        )  # fmt: skip
        labelled = self._labelled(window)
        times = np.sort(np.asarray(window.times))
        seen = rules.Evidence(
            closed, state.history, late=lambda most: int(len(times) - np.searchsorted(times, most, "right")),
            labelled=self._newest(labelled),
        )  # fmt: skip
        judged = rules.judge(self.settings, self.reference, seen)
        fired = [item.key for item in judged if item.breached]
        closed = dataclasses.replace(closed, fired=fired)
        state.alerts, changes = alerts.follow(state.alerts, judged, self.settings.rules, closed.end)
        told = [delivery.message(change, self.config.task, self.reference.model) for change in changes]
        delivery.put(state, delivery.names(self.settings.sinks), told)
        state.history = [*state.history, closed][-2 * self.settings.baseline_windows :]
        state.history = [
            dataclasses.replace(item, quality=self._answers.scores(labelled[item.number]))
            if item.number in labelled and item.quality.get("rows") != len(labelled[item.number])
            else item
            for item in state.history
        ]
        state.rows += closed.rows
        state.labelled = sum(map(len, labelled.values()))
        state.positions = self._reader.positions
        self._next(closed)
        return changes

    def _next(self, closed: Closed) -> None:
        """Opens the window behind one, or a later one where nothing is for longer than a baseline."""
        state, length = self.state, self.settings.window_seconds
        state.number, state.open, self._window = closed.number + 1, closed.end, None
        if closed.rows:
            return
        goal = self._floor(min(self._clock() - self.settings.grace_seconds, self._reader.head() or float("inf")))
        skipped = int((goal - closed.end) / length) - self.settings.baseline_windows
        if skipped > 0:
            self._note(f"{skipped} windows without a row are left out")
            state.open += skipped * length

    def _drift(self, window: Window) -> list[dict[str, Any]]:
        rows = window.sample
        found = inputs.readable(self.config, rows)
        if len(found) < len(rows):
            self._note(
                f"{len(rows) - len(found)} of {len(rows)} rows lack what the inputs read, so their drift is not "
                "measured (edgeline-serving: --log-texts stored)"
            )
        return inputs.distances(self.config, found, self.reference.profiles)

    def _labelled(self, window: Window) -> dict[int, Labelled]:
        if not self.settings.labels.path:
            return {}
        self._answers.keep(window.number, window.answers)
        kept = int(self.settings.labels.keep_days * 86_400 / self.settings.window_seconds)
        self._answers.forget(window.number - max(1, kept))
        return self._answers.labelled()

    def _newest(self, labelled: dict[int, Labelled]) -> tuple[int, int]:
        """Right answers among the newest labelled rows, of as many windows as the rule needs."""
        right = rows = 0
        for number in sorted(labelled, reverse=True):
            if rows >= self.settings.rules.accuracy.min_rows:
                break
            right, rows = right + labelled[number].right, rows + len(labelled[number])
        return right, rows

    def _tell_what_was_met(self, closed: Closed) -> None:
        seen, self._reader.seen = self._reader.seen, type(self._reader.seen)()
        if seen.broken:
            self._note(f"{seen.broken} lines of the log are broken, the first one is {seen.first_broken}")
        if seen.removed:
            self._note(f"{seen.removed} bytes of the log were removed before they were read")
        if closed.late:
            self._note(f"{closed.late} rows came after their window was closed, and count in the one that was open")
        if closed.future:
            self._note(f"{closed.future} rows are of a time that has not come: a clock is wrong")

    def _note(self, text: str) -> None:
        self.state.outages = [*self.state.outages, text][-_MOST_PROBLEMS:]
