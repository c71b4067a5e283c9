"""`local_runner.py monitor`: looks at what is served, and says when it is no longer what it was."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click_default_group import DefaultGroup

from pipeline.cli.errors import DEFAULT_CONFIG, Failed, WrongUse
from pipeline.cli.task import load_config, task_options

if TYPE_CHECKING:
    from pipeline.traffic.reference import Reference

_NEWEST = "server/latest"
REFERENCE = "reference.json"


@click.group(cls=DefaultGroup, default="run", default_if_no_args=True)
def monitor() -> None:
    """Look at what is served: volume, labels, drift, quality; and tell when an alert fires.

    \b
      ./edgeline monitor --log served              until Ctrl-C, what was pushed last
      ./edgeline monitor --log served --once       one look; exit code 4 where an alert fires
      ./edgeline monitor edge/latest               another pushed version, or a configuration
      ./edgeline monitor rules -o rules.yml        Prometheus' rule file
      ./edgeline monitor dashboard -o board.json   Grafana's dashboard
      ./edgeline monitor reference -o ref.json     what a monitor elsewhere compares with
    """  # noqa: D301 (a backspace tells click to leave the paragraph as it is)


@monitor.command("run")
@click.argument("pushed", default=_NEWEST)
@task_options
@click.option("--log", "log", metavar="PATTERN", help="The server's log: a folder, a file, or a pattern of files.  "
              "[default: data.serving_logs]")  # fmt: skip
@click.option(
    "--reference", type=click.Path(path_type=Path), help="What `monitor reference` wrote, in place of a push."
)
@click.option("--once", is_flag=True, help="Look once, and end: 4 where an alert fires, else 0.")
@click.option("--json", "as_json", is_flag=True, help="With --once: print status.json.")
@click.option("--interval", type=click.FloatRange(min=0.1), default=15.0, show_default=True, metavar="SECONDS",
              help="Time between two looks.")  # fmt: skip
@click.option("--listen", metavar="HOST:PORT", help="Serve Prometheus' /metrics there, such as 127.0.0.1:9464.")
def run(
    pushed: str, config_path: str, profile: str | None, overrides: tuple[str, ...], data: str | None,
    root: Path | None, log: str | None, reference: Path | None, once: bool, as_json: bool, interval: float,
    listen: str | None,
) -> None:  # fmt: skip
    """Look at the log of requests, window by window, until Ctrl-C.

    PUSHED is a pushed version (`server/latest`, a folder) or a configuration. What was seen is remembered in
    runs/<task>/monitor: a monitor that is killed goes on where it was.
    """
    if as_json and not once:
        raise WrongUse("--json goes with --once.")
    host, port = _address(listen)
    config_path, pushed = _named(config_path, pushed)
    config = load_config(config_path, profile, overrides, data)
    pattern = log or config.data.serving_logs
    if not pattern:
        raise WrongUse("There is no log to look at: give --log FOLDER, or set data.serving_logs.")
    from pipeline.history.paths import TaskPaths
    from pipeline.traffic import state

    paths = TaskPaths.of(config, root)
    find = _finder(config, paths, pushed, reference)
    try:
        with state.locked(paths.monitor):
            found = find()
            assert found is not None
            if once:
                _once(config, found, paths.monitor, pattern, as_json=as_json)
            else:
                _serve(config, found, paths.monitor, pattern, find, every=interval, host=host, port=port)
    except (state.BusyError, state.StateError) as error:
        raise Failed(str(error)) from None


@monitor.command()
@click.argument("pushed", default=_NEWEST)
@task_options
@click.option("--output", "-o", type=click.Path(path_type=Path), required=True, help="File to write.")
def reference(
    pushed: str, config_path: str, profile: str | None, overrides: tuple[str, ...], data: str | None,
    root: Path | None, output: Path,
) -> None:  # fmt: skip
    """Write what a monitor compares with, for one that runs where the run is not."""
    config_path, pushed = _named(config_path, pushed)
    config = load_config(config_path, profile, overrides, data)
    from pipeline.history.paths import TaskPaths

    found = _finder(config, TaskPaths.of(config, root), pushed, None)()
    assert found is not None
    found.write(output)
    click.echo(f"{output}: {found.model}, {found.rows} rows of eval")


@monitor.command()
@task_options
@click.option("--output", "-o", type=click.Path(path_type=Path), help="File to write.  [default: the screen]")
def rules(
    config_path: str, profile: str | None, overrides: tuple[str, ...], data: str | None, root: Path | None,
    output: Path | None,
) -> None:  # fmt: skip
    """Write a rule file for Prometheus, made from the configuration."""
    config = load_config(config_path, profile, overrides, data)
    from pipeline.traffic.sinks.rule_file import rule_file

    _write(rule_file(config), output)


@monitor.command()
@task_options
@click.option("--output", "-o", type=click.Path(path_type=Path), help="File to write.  [default: the screen]")
def dashboard(
    config_path: str, profile: str | None, overrides: tuple[str, ...], data: str | None, root: Path | None,
    output: Path | None,
) -> None:  # fmt: skip
    """Write a dashboard that Grafana imports."""
    config = load_config(config_path, profile, overrides, data)
    from pipeline.traffic.sinks import dashboard as board

    _write(board.dashboard(config), output)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
        return
    from modules.machine.files import write_whole

    write_whole(output, text)


def _named(config_path: str, pushed: str) -> tuple[str, str]:
    """The configuration and the pushed version, where the first may stand in the place of the second."""
    if not pushed.endswith((".yaml", ".yml")):
        return config_path, pushed
    if config_path not in (DEFAULT_CONFIG, pushed):
        raise WrongUse(f"Two configurations: {pushed} and --config {config_path}.")
    return pushed, _NEWEST


def _address(listen: str | None) -> tuple[str, int | None]:
    if listen is None:
        return "", None
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise WrongUse(f"--listen {listen}: give HOST:PORT, such as 127.0.0.1:9464.")
    return host.strip("[]"), int(port)


def _finder(config: Any, paths: Any, pushed: str, given: Path | None) -> Callable[[], Reference | None]:
    """What gives the reference at first, and later only where another version is the pushed one."""
    from pipeline.history.paths import LATEST
    from pipeline.traffic import reference as references

    known = ""

    def pointer() -> str:
        kind, _, version = pushed.rpartition("/")
        path = paths.pushed / (Path(kind).name or "server") / LATEST
        if version != LATEST or not path.is_file():
            return pushed
        return f"{Path(kind).name or 'server'}/{path.read_text(encoding='utf-8', errors='replace').strip()}"

    def find() -> Reference | None:
        nonlocal known
        if (now := str(given) if given else pointer()) == known:
            return None
        found = _of_this_task(references.Reference.read(given)) if given else _kept(now)
        known = now
        return found

    def _of_this_task(found: Reference) -> Reference:
        if found.task != config.task:
            raise references.ReferenceError(
                f"{given}: the reference of the task {found.task!r}, and the configuration is of {config.task!r}; give "
                "--config, or the file that `monitor reference` wrote for this one."
            )
        return found

    def _kept(now: str) -> Reference:
        """From the monitor's folder, where an earlier look put it: what a push was like never changes."""
        path = paths.monitor / REFERENCE
        if path.is_file():
            try:
                kept = references.Reference.read(path)
                if kept.model == now:
                    return kept
            except references.ReferenceError as error:
                click.echo(f"{error}; it is made anew", err=True)
        found = references.of_push(config, paths, pushed)
        paths.monitor.mkdir(parents=True, exist_ok=True)
        found.write(path)
        return found

    def told() -> Reference | None:
        try:
            return find()
        except references.ReferenceError as error:
            if known:
                raise
            raise WrongUse(str(error)) from None

    return told


def _once(config: Any, reference: Reference, folder: Path, pattern: str, *, as_json: bool) -> None:
    from pipeline.traffic.service import PAGE, Service
    from pipeline.traffic.status import FIRING

    service = Service(config, reference, folder, pattern, every=config.monitor.window_seconds)
    status, changes, undelivered = service.look()
    service.draw()
    for line in undelivered:
        click.echo(f"problem: {line}", err=True)
    if as_json:
        click.echo(json.dumps(status.to_dict(), indent=1, ensure_ascii=False))
    else:
        window = status.window
        click.echo(f"{status.rows} rows in {status.windows} windows, compared with {status.model}"
                   + (f"; the newest: {window['rows']} rows until {window['end']}" if window else ""))  # fmt: skip
        for change in changes:
            if change.state == "resolved":
                click.echo(f"resolved: {change.alert.rule} {change.alert.series}".rstrip())
        for item in status.firing:
            click.echo(f"firing: {item.rule} {item.series}".rstrip() + f" ({item.severity}): {item.message}")
        for problem in status.problems:
            click.echo(f"problem: {problem}")
        click.echo(f"Page {folder / PAGE}")
    if status.firing:
        sys.exit(FIRING)


def _serve(
    config: Any, reference: Reference, folder: Path, pattern: str, find: Callable[[], Reference | None], *,
    every: float, host: str, port: int | None,
) -> None:  # fmt: skip
    from pipeline.local import interruption
    from pipeline.traffic import service

    looks = service.Service(config, reference, folder, pattern, every=every)
    if port is not None:
        from prometheus_client import start_http_server

        try:
            server, _ = start_http_server(port, addr=host, registry=looks.metrics.registry)
        except OSError as error:
            raise Failed(f"--listen {host}:{port}: {error.strerror}") from None
        click.echo(f"metrics at http://{host}:{server.server_port}/metrics")
    click.echo(f"Looking at {pattern} every {every:g} s, compared with {reference.model}; Ctrl-C stops.")
    try:
        with interruption.as_interrupt():
            service.serve(looks, every=every, renewed=find, say=click.echo)
    except KeyboardInterrupt:
        click.echo("Stopped looking; the next monitor goes on from here.")
