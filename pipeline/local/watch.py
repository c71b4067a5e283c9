"""Waits for new spans and runs the pipeline on each; what was run is kept in the task's folder."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from modules.machine.files import write_whole

from pipeline.config.task import Config
from pipeline.history.paths import TaskPaths
from pipeline.ingest import spans
from pipeline.local import data_files, session

STATE = "watch.json"


@dataclasses.dataclass(frozen=True)
class Seen:
    """The last window that was run.

    Attributes:
        window: span and version of each of its members, by number.
        attempts: how often it was run.
        done: whether a run came to its end, blessed or not.
    """

    window: tuple[tuple[int, int | None], ...] = ()
    attempts: int = 0
    done: bool = False


def watch(
    config: Config,
    paths: TaskPaths,
    run: Callable[[int], bool],
    *,
    interval: float,
    once: bool,
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
    before: Callable[[], tuple[bool, str]] = lambda: (False, ""),
) -> bool | None:
    """Looks for new spans until it is interrupted; while another run holds the folder, it waits.

    Args:
        config: the resolved configuration; `data.path` has spans.
        paths: of the task; they keep what was run, so that a watch that is started again does not begin anew.
        run: runs the pipeline on the window that ends with a span; False says that it failed.
        interval: seconds between two looks.
        once: look once only.
        say: tells a person what goes on.
        sleep: waits some seconds.
        before: called before each look, to make a span where there is a reason: whether it did, and what to tell.

    Returns:
        With `once`, whether the run succeeded, False too where the newest span used up its attempts; None where there
        was nothing to run.

    Raises:
        SpanError: the pattern cannot be, or two folders are the same version of a span.
    """
    say(f"Looking at {config.data.path}." if once else
        f"Watching {config.data.path} every {interval:g} s; Ctrl-C stops.")  # fmt: skip
    unchanged = _Unchanged()
    waiting: str | None = None
    told = ""
    while True:
        made, said = before()
        if said and said != told:
            say(said)
        told = said
        if made and once:  # its files are new
            sleep(config.data.spans.settle_seconds)
        window, why = _ready(config, unchanged)
        if once and unchanged.waits_for:  # a look later is the only way to know that nothing changes any more
            say(why)
            sleep(config.data.spans.settle_seconds)
            unchanged.slept(config.data.spans.settle_seconds)
            window, why = _ready(config, unchanged)
        ended = None
        if window:
            try:
                ended = _run_if_new(config, paths, window, run, say)
                why = _given_up(config, paths, window)
                if why:
                    ended = False  # nobody reads the lines of a cron job that ends well
            except session.BusyError as error:
                why = str(error)
        if why and why != waiting:
            say(why)
        waiting = why
        if once:
            return ended
        if not ended:  # after a success the next span may be there already
            sleep(interval)
            unchanged.slept(interval)


class _Unchanged:
    """For how long files whose time lies in the future were seen as they are: their age cannot be told by the clock."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[list[tuple[int, int]], float]] = {}
        self.waits_for: str | None = None

    def slept(self, seconds: float) -> None:
        self._seen = {name: (stamps, waited + seconds) for name, (stamps, waited) in self._seen.items()}

    def age(self, item: spans.SpanVersion) -> float:
        """Seconds since the newest file of a span changed; 0 where one has just gone."""
        try:
            stats = [os.stat(file) for file in item.files]
        except FileNotFoundError:
            return 0.0
        age = time.time() - max(found.st_mtime for found in stats)
        if age >= 0:
            return age
        stamps = [(found.st_size, found.st_mtime_ns) for found in stats]
        before, waited = self._seen.get(item.pattern, (stamps, 0.0))
        self._seen[item.pattern] = stamps, waited if before == stamps else 0.0
        return self._seen[item.pattern][1]

    def is_ahead(self, item: spans.SpanVersion) -> bool:
        """Whether its time lies in the future."""
        return item.pattern in self._seen


def _ready(config: Config, unchanged: _Unchanged) -> tuple[list[spans.SpanVersion], str]:
    """The window that could be run now; or none, and why."""
    wanted = config.data.spans
    path = str(data_files.data_path(config))
    unchanged.waits_for = None
    why = "There is no complete span yet."
    for item in spans.complete(path, marker=wanted.marker):
        # A span that still grows is not there yet; the one before it may be new, too.
        if unchanged.age(item) >= wanted.settle_seconds:
            return spans.window(path, newest=item.span, count=wanted.window, marker=wanted.marker), ""
        if unchanged.is_ahead(item) and unchanged.waits_for is None:
            unchanged.waits_for = item.name
            why = (
                f"The files of {item.name} have a time in the future: a clock was set back, or two differ. It is read "
                f"once they have stayed the same for {wanted.settle_seconds:g} s."
            )
    return [], why


def _run_if_new(
    config: Config,
    paths: TaskPaths,
    window: list[spans.SpanVersion],
    run: Callable[[int], bool],
    say: Callable[[str], None],
) -> bool | None:
    state = paths.root / STATE
    seen, members = _read(state), _members(window)
    same = seen.window == members
    # An older newest span is one that was removed, or that another version of it is being written over.
    if (same and (seen.done or seen.attempts >= config.data.spans.attempts)) or (
        seen.window and members[-1][0] < seen.window[-1][0]
    ):
        return None
    with session.locked(paths):
        attempt = seen.attempts + 1 if same else 1
    names = ", ".join(item.name for item in window)
    say(f"Running on {names}" + (f" (attempt {attempt} of {config.data.spans.attempts})" if attempt > 1 else "") + ".")
    succeeded = run(window[-1].span)
    # Only a run that ended is an attempt: what is killed, this process or the run, says nothing about the span.
    _write(state, Seen(members, attempt, done=succeeded))
    if succeeded:
        say(f"Done with {names}.")
    elif attempt < config.data.spans.attempts:
        say(f"The run on {names} failed; trying again.")
    return succeeded


def _given_up(config: Config, paths: TaskPaths, window: list[spans.SpanVersion]) -> str:
    """Says that a window used up its attempts; nothing where it did not."""
    seen = _read(paths.root / STATE)
    if seen.window != _members(window) or seen.done or seen.attempts < config.data.spans.attempts:
        return ""
    names = ", ".join(item.name for item in window)
    return (
        f"The run on {names} failed {seen.attempts} times (data.spans.attempts); waiting for another span, or "
        f"`./edgeline run --span {window[-1].span}`."
    )


def _members(window: list[spans.SpanVersion]) -> tuple[tuple[int, int | None], ...]:
    return tuple((item.span, item.version) for item in window)


def _read(state: Path) -> Seen:
    if not state.is_file():
        return Seen()
    values = json.loads(state.read_text(encoding="utf-8"))
    return Seen(tuple((span, version) for span, version in values["window"]), values["attempts"], values["done"])


def _write(state: Path, seen: Seen) -> None:
    state.parent.mkdir(parents=True, exist_ok=True)
    write_whole(state, json.dumps(dataclasses.asdict(seen)) + "\n")
