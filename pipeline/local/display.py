"""What the person sees while a run goes on: one line per node, and inside a node where it is."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Self, TextIO

from modules.machine.progress import PROGRESS

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pipeline.history.states import CACHED, EXECUTED, FAILED, RESOLVED, RUNNING, NodeResult

_STYLE = {RUNNING: "bold cyan", EXECUTED: "green", CACHED: "blue", RESOLVED: "blue", FAILED: "bold red"}
_MARK = {RUNNING: "▸", EXECUTED: "✓", CACHED: "=", RESOLVED: "=", FAILED: "✗"}
_PLAIN_INTERVAL_S = 10.0


class Display(logging.Handler):
    """Observer of a run: a live table on a terminal, plain lines anywhere else."""

    def __init__(self, screen: TextIO, nodes: Sequence[str], *, width: int | None = None) -> None:
        """Sets the scene.

        Args:
            screen: where to write.
            nodes: ids of the nodes, in order.
            width: columns, if not the terminal's own.
        """
        super().__init__()
        self.console = Console(file=screen, width=width, soft_wrap=False, highlight=False, emoji=False)
        self._nodes = list(nodes)
        self._results: dict[str, NodeResult] = {}
        self._running: str | None = None
        self._since, self._detail, self._last_plain = 0.0, "", 0.0
        self._live = Live(self, console=self.console, refresh_per_second=4) if self.console.is_terminal else None

    def __enter__(self) -> Self:
        """Starts drawing and listening."""
        PROGRESS.addHandler(self)
        PROGRESS.setLevel(logging.INFO)
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves the last state on the screen."""
        PROGRESS.removeHandler(self)
        if self._live:
            self._live.stop()

    def started(self, node: str) -> None:
        """A node begins."""
        self._running, self._since, self._detail, self._last_plain = node, time.monotonic(), "", time.monotonic()
        if not self._live:
            self.console.print(f"{_MARK[RUNNING]} {node}", soft_wrap=True)

    def ended(self, result: NodeResult) -> None:
        """A node has ended."""
        self._results[result.node] = result
        self._running = None
        if not self._live:
            self.console.print(
                f"{_MARK[result.state]} {result.node}: {result.state} in {result.seconds:.1f} s", soft_wrap=True
            )

    def emit(self, record: logging.LogRecord) -> None:
        """A report from inside a node (see `modules.machine.progress`)."""
        fields = getattr(record, "progress", {})
        self._detail = record.getMessage()
        now = time.monotonic()
        milestone = "step" not in fields or fields.get("epoch_end")
        if not self._live and (milestone or now - self._last_plain >= _PLAIN_INTERVAL_S):
            self._last_plain = now
            self.console.print(f"    {self._detail}", soft_wrap=True, markup=False)

    def __rich__(self) -> Table:
        """The table as it is now."""
        table = Table.grid(padding=(0, 2))
        for node in self._nodes:
            result = self._results.get(node)
            if result:
                style = _STYLE[result.state]
                table.add_row(
                    Text(_MARK[result.state], style), node, Text(result.state, style), f"{result.seconds:6.1f} s", ""
                )
            elif node == self._running:
                elapsed = time.monotonic() - self._since
                style = _STYLE[RUNNING]
                table.add_row(
                    Text(_MARK[RUNNING], style), node, Text(RUNNING, style), f"{elapsed:6.1f} s", self._detail
                )
            else:
                table.add_row(Text("·", "dim"), Text(node, "dim"), "", "", "")
        return table
