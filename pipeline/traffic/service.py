"""One look of a monitor, and a service of them: state, status, page, metrics, and who is told."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from modules.machine.files import write_whole

from pipeline.config.task import Config
from pipeline.traffic.alerts import Change
from pipeline.traffic.monitor import Monitor
from pipeline.traffic.page import page
from pipeline.traffic.reference import Reference, ReferenceError
from pipeline.traffic.sinks import delivery
from pipeline.traffic.sinks.metrics import Metrics
from pipeline.traffic.status import Status

PAGE = "monitor.html"
_VALID_LOOKS, _VALID_S = 4, 300.0  # how long an alert holds without being told again
logger = logging.getLogger(__name__)


class Service:
    """Looks at what is served."""

    def __init__(self, config: Config, reference: Reference, folder: Path, pattern: str, *, every: float) -> None:
        """Begins, or goes on.

        Args:
            config: of the task.
            reference: what windows are compared with.
            folder: of the monitor; this process holds its lock.
            pattern: the log.
            every: seconds between two looks; for a single one, to the next that somebody else starts.

        Raises:
            StateError: what was remembered cannot be read.
        """
        self.monitor = Monitor(config, reference, folder, pattern)
        self.metrics = Metrics()
        self._sinks = delivery.sinks(config.monitor.sinks, config.task)
        self._valid = max(_VALID_S, _VALID_LOOKS * every)
        self._folder, self._shown = folder, -1

    def look(self) -> tuple[Status, list[Change], list[str]]:
        """Looks once.

        Returns:
            The status, what changed, and why somebody could not be told.
        """
        changes = self.monitor.look()
        state = self.monitor.state
        problems = delivery.deliver(state, self._sinks, valid=self._valid)
        state.write(self._folder)
        status = self.monitor.status()
        self.metrics.show(status, state.history, self.monitor.reference, time.time())
        return status, changes, problems

    def draw(self) -> None:
        """Makes the page, if a window was closed since the last one: after all who are waiting were told."""
        state = self.monitor.state
        if self._shown != state.number:
            text = page(self.monitor.status(), state.history, self.monitor.reference)
            write_whole(self._folder / PAGE, text)
            self._shown = state.number


def serve(
    service: Service, *, every: float, renewed: Callable[[], Reference | None], say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:  # fmt: skip
    """Looks until it is interrupted.

    A fault of the machine (a full disk, a share that is gone) is told and the next look tries again: a monitor that
    ends when things go wrong is of no use then.

    Args:
        service: what looks.
        every: seconds between two looks.
        renewed: another reference, where another model was pushed; None where not.
        say: tells a person what goes on, a line each.
        sleep: waits some seconds.
    """
    told: set[str] = set()
    while True:
        lines: list[str] = []
        try:
            if (reference := renewed()) is not None:
                service.monitor.renew(reference)
                say(f"compared with {reference.model} now")
            status, changes, lines = service.look()
            for change in changes:
                alert = change.alert
                say(f"{change.state}: {alert.rule} {alert.series}".rstrip() + f" ({alert.severity}): {alert.message}")
            lines += status.problems
            service.draw()
        except (OSError, ReferenceError) as error:
            lines = [f"this look failed: {error}"]
        for line in lines:
            if line not in told:
                say(f"problem: {line}")
        told = set(lines)
        sleep(every)
