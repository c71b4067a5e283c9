"""One run of a task on this machine, from the lock to the summary."""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import json
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from modules.machine.files import write_whole

import filelock
from rich.console import Console

from pipeline.config import loader
from pipeline.config.task import Config
from pipeline.graph.code_digest import ROOT
from pipeline.history import begun, health
from pipeline.history.paths import CONFIG, LOG, SUMMARY, TaskPaths, new_run_id
from pipeline.history.states import NodeResult
from pipeline.local import data_files, interruption, logs, preflight
from pipeline.local.display import Display
from pipeline.local.preflight import OptionError as OptionError
from pipeline.machine import refusals

_LOCK_S = 0.5  # whoever only asks whether a run is going on holds the lock for a moment
# The runner is named, because Beam's own choice downloads one; the image keeps TFX from building a package of itself
# for every node, and nothing ever pulls it.
LOCAL_BEAM_ARGS = ("--runner=FnApiRunner", "--sdk_container_image=unused")


class BusyError(RuntimeError):
    """Another run holds the folder."""


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """What the command line says beside the configuration.

    Attributes:
        root: folder of the task's runs, if not `runs/<task>`.
        name: part of the run's id.
        profile: for the summary.
        only: run this node alone, with what it needs from the cache.
        start: execute this node and all that depend on it anew.
        cache: False executes every node.
        verbose: show the log on the screen.
    """

    root: Path | None = None
    name: str | None = None
    profile: str | None = None
    only: str | None = None
    start: str | None = None
    cache: bool = True
    verbose: bool = False


@contextlib.contextmanager
def locked(paths: TaskPaths) -> Iterator[None]:
    """Holds the task's folder, so that two runs never write into it at once.

    Raises:
        BusyError: another process holds it.
    """
    paths.root.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(paths.lock)
    try:
        lock.acquire(timeout=_LOCK_S, poll_interval=_LOCK_S / 10)
    except filelock.Timeout:
        raise BusyError(
            f"{paths.root}: another run is going on there. Wait for it, stop it, or use another --root."
        ) from None
    try:
        yield
    finally:
        lock.release()


@dataclasses.dataclass
class Outcome:
    """What a run came to.

    Attributes:
        run_id: its id.
        run_dir: its folder in the history.
        summary: what `summary.json` holds.
        error: what stopped it, if anything did.
        unwritten: why the summary could not be written; empty where it was.
    """

    run_id: str
    run_dir: Path
    summary: dict[str, Any]
    error: BaseException | None = None
    unwritten: str = ""


def run(config: Config, options: RunOptions) -> Outcome:
    """Runs the pipeline of a configuration.

    Args:
        config: the resolved configuration.
        options: see `RunOptions`.

    Returns:
        The outcome; a failed node is an outcome, too.

    Raises:
        BusyError: another run holds the folder.
        MetadataError: the metadata store cannot be used; the message says what to do.
        ConfigError, DataError, PackageError: before anything was run.
        OptionError: `only` or `start` names no node, or the name is not allowed.
    """
    preflight.check_root(config, options.root)
    config = data_files.pinned(config)
    chosen = {"--only": options.only, "--from": options.start}
    data = preflight.check(config, root=options.root, nodes=chosen, whole=False)["file"]
    paths = TaskPaths.of(config, options.root)
    with locked(paths), interruption.as_interrupt() as request:
        health.check(paths, writing=True, say=Console(highlight=False, soft_wrap=True).print)
        try:
            run_id = new_run_id(paths, options.name)
        except ValueError as error:
            raise OptionError(str(error)) from None
        run_dir = paths.run_dir(run_id)
        run_dir.mkdir(parents=True)
        write_whole(run_dir / CONFIG, loader.dump(config))
        begun.begin(paths, run_id, profile=options.profile, config_digest=config.digest())
        started = time.time()
        with logs.captured(run_dir / LOG, verbose=options.verbose) as screen:
            return _run_captured(config, options, paths, run_id, data, screen, started, request)


def _run_captured(
    config: Config, options: RunOptions, paths: TaskPaths, run_id: str, data: Path, screen: Any, started: float,
    request: interruption.Request,
) -> Outcome:  # fmt: skip
    window = data_files.window(config)
    with Display(screen, []) as opening:
        for item in window:
            opening.console.print(f"reading {item.name} ({len(item.files)} files)", soft_wrap=True)
        opening.console.print(f"run {run_id} · importing TensorFlow and TFX …")
    from pipeline.local import baseline, execute, leftovers
    from pipeline.local import report as run_report

    logs.hand_absl_over()
    ir = compile_task(config, paths, data, cache=options.cache)
    imported = time.time()
    ids = execute.node_ids(ir)
    chosen = execute.upstream(ir, options.only) if options.only else None
    uncached = {options.only} if options.only else execute.downstream(ir, options.start) if options.start else set()
    connection = execute.connection_config(ir)
    leftovers.clear(paths, connection)
    unlike = baseline.look_ahead(config, connection)
    results: list[NodeResult] = []
    error: BaseException | None = None
    with Display(screen, [node for node in ids if chosen is None or node in chosen]) as display:
        observer = _Recorder(display, results)
        if unlike:
            display.console.print(unlike, soft_wrap=True, markup=False)
        try:
            execute.run(ir, run_id, observer, chosen=chosen, uncached=uncached, stopped=lambda: request.came)
        except execute.NodeError as failure:
            error = failure
        except KeyboardInterrupt as interrupt:
            error = interrupt
            leftovers.clear(paths, connection)
    outputs, summary = _gathered(connection, config, paths, run_id, results, error, options.profile, data)
    summary["started"] = time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(started))
    summary["revision"] = run_report.git_revision(ROOT)
    summary["seconds"] = {
        "total": round(time.time() - started, 1),
        "imports": round(imported - started, 1),
        "nodes": {result.node: round(result.seconds, 1) for result in results},
    }
    summary["spans"] = [{"span": item.span, "version": item.version} for item in window]
    report = run_report.write(ir, paths, outputs, summary)
    summary["report"] = str(report) if report else None
    return Outcome(run_id, paths.run_dir(run_id), summary, error, _write(summary, paths))


def _gathered(
    connection: Any, config: Config, paths: TaskPaths, run_id: str, results: list[NodeResult],
    error: BaseException | None, profile: str | None, data: Path,
) -> tuple[Any, dict[str, Any]]:  # fmt: skip
    """The outputs of a run and its summary; where those cannot be read any more, what is known without them.

    What stopped a run, a full disk say, must not keep it from being told.
    """
    from pipeline.history import store
    from pipeline.local import summary as run_summary

    def collected(outputs: store.RunOutputs) -> tuple[Any, dict[str, Any]]:
        return outputs, run_summary.collect(config, paths, outputs, run_id, results, error, profile=profile, data=data)

    try:
        return collected(store.RunOutputs(connection, run_id))
    except Exception:
        if error is None:
            raise
        logging.getLogger(__name__).exception("what the nodes left could not be read")
        return collected(store.RunOutputs(None, run_id))


def _write(summary: dict[str, Any], paths: TaskPaths) -> str:
    """Writes the summary, whole or not at all, and lets `latest` show its run; why that could not be done."""
    target = paths.run_dir(summary["run_id"]) / SUMMARY
    try:
        write_whole(target, json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
        paths.point_latest(summary["run_id"])
    except OSError as error:
        return refusals.told(error, places=[paths.root])
    return ""


def beam_args(workers: int) -> tuple[str, ...]:
    """Beam's arguments on this machine: one worker in this process, or several processes."""
    if workers == 1:
        return LOCAL_BEAM_ARGS
    return (*LOCAL_BEAM_ARGS, "--direct_running_mode=multi_processing", f"--direct_num_workers={workers}")


def compile_task(
    config: Config, paths: TaskPaths, data: Path, *, cache: bool = True, beam_args: Sequence[str] = LOCAL_BEAM_ARGS
) -> Any:
    """Compiles the pipeline of a configuration for this machine; imports TFX.

    Args:
        config: the resolved configuration.
        paths: of the task.
        data: the file, or the pattern of spans.
        cache: whether nodes may be taken from it.
        beam_args: Beam's command line.
    """
    from tfx.orchestration import metadata

    from pipeline.local import execute
    from pipeline.pipeline import Places, create_pipeline

    # A file's name may look like a glob; a pattern of spans is one.
    pattern = str(data) if config.data.has_spans else str(data.parent / glob.escape(data.name))
    places = Places(
        data=pattern,
        pipeline_root=str(paths.pipeline_root),
        push=str(paths.pushed),
        schema=str(config.schema_file.resolve()),
        serving_logs=data_files.serving_logs(config),
    )
    pipeline = create_pipeline(
        config,
        places,
        metadata_connection_config=metadata.sqlite_metadata_connection_config(str(paths.metadata)),
        beam_pipeline_args=beam_args,
        enable_cache=cache,
    )
    return execute.compile_pipeline(pipeline)


class _Recorder:
    """Passes events on to the display and keeps the results, those of a failed run too."""

    def __init__(self, display: Display, results: list[NodeResult]) -> None:
        self._display, self._results = display, results

    def started(self, node: str) -> None:
        self._display.started(node)

    def ended(self, result: NodeResult) -> None:
        self._results.append(result)
        self._display.ended(result)
