"""Waits for new spans and runs the pipeline on each; what was run is kept in the task's folder."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.config.task import Config
from pipeline.history.paths import TaskPaths
from pipeline.ingest import spans
from pipeline.local import data_files, session
from pipeline.machine.files import write_whole

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

    Returns:
        With `once`, whether the run succeeded; None where there was nothing to run.

    Raises:
        SpanError: the pattern cannot be, or two folders are the same version of a span.
    """
    say(f"Watching {config.data.path} every {interval:g} s; Ctrl-C stops.")
    waiting: str | None = None
    while True:
        window, why = _ready(config)
        ended = None
        if window:
            try:
                ended = _run_if_new(config, paths, window, run, say)
            except session.BusyError as error:
                why = str(error)
        if why and why != waiting:
            say(why)
        waiting = why
        if once:
            return ended
        if not ended:  # after a success the next span may be there already
            sleep(interval)


def _ready(config: Config) -> tuple[list[spans.SpanVersion], str]:
    """The window that could be run now; or none, and why."""
    wanted = config.data.spans
    path = str(data_files.data_path(config))
    for item in spans.complete(path, marker=wanted.marker):
        # A span that still grows is not there yet; the one before it may be new, too.
        if _age(item) >= wanted.settle_seconds:
            return spans.window(path, newest=item.span, count=wanted.window, marker=wanted.marker), ""
    return [], "There is no complete span yet."


def _age(item: spans.SpanVersion) -> float:
    """Seconds since the newest of its files changed; 0 where one has just gone."""
    try:
        return time.time() - max(os.stat(file).st_mtime for file in item.files)
    except FileNotFoundError:
        return 0.0


def _run_if_new(
    config: Config,
    paths: TaskPaths,
    window: list[spans.SpanVersion],
    run: Callable[[int], bool],
    say: Callable[[str], None],
) -> bool | None:
    state = paths.root / STATE
    seen, members = _read(state), tuple((item.span, item.version) for item in window)
    same = seen.window == members
    # An older newest span is one that was removed, or that another version of it is being written over.
    if (same and (seen.done or seen.attempts >= config.data.spans.attempts)) or (
        seen.window and members[-1][0] < seen.window[-1][0]
    ):
        return None
    with session.locked(paths):
        attempt = seen.attempts + 1 if same else 1
        _write(state, Seen(members, attempt, done=False))
    names = ", ".join(item.name for item in window)
    say(f"Running on {names}" + (f" (attempt {attempt} of {config.data.spans.attempts})" if attempt > 1 else "") + ".")
    try:
        succeeded = run(window[-1].span)
    except KeyboardInterrupt:
        _write(state, seen)  # an interrupted run is no failed one
        raise
    _write(state, Seen(members, attempt, done=succeeded))
    if succeeded:
        say(f"Done with {names}.")
    elif attempt < config.data.spans.attempts:
        say(f"The run on {names} failed; trying again.")
    else:
        say(f"The run on {names} failed; waiting for another span, or `./edgeline run --span {window[-1].span}`.")
    return succeeded


def _read(state: Path) -> Seen:
    if not state.is_file():
        return Seen()
    values = json.loads(state.read_text(encoding="utf-8"))
    return Seen(tuple((span, version) for span, version in values["window"]), values["attempts"], values["done"])


def _write(state: Path, seen: Seen) -> None:
    state.parent.mkdir(parents=True, exist_ok=True)
    write_whole(state, json.dumps(dataclasses.asdict(seen)) + "\n")
