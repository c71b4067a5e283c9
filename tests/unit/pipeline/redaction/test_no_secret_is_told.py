"""A fuzzer: a secret is planted wherever one can stand, things go wrong, and nothing that is shown or written has it.

The tokens come from a fixed seed. The folder that is searched holds what the command wrote, the file with the user's
own secret aside.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import yaml
from click.testing import CliRunner

import local_runner
from pipeline.local import logs
from tests.unit.api_server import Call, serve

SEED, TOKENS = 17, 4
PLAIN = "abcdefghijkmnopqrstuvwxyzABCDEFGHIJKLMNPQRSTUVWXYZ0123456789"
SPECIAL = PLAIN + "@/:#?&%+=!$~.,;-_"
NOBODY = "127.0.0.1:9"  # nothing listens there
BASE = {
    "task": "planted", "labels": ["a", "b"], "schema_path": "schema.pbtxt",
    "data": {"path": "rows.sql"}, "backbone": {"kind": "scratch"},
}  # fmt: skip


def tokens() -> Iterator[str]:
    chosen = random.Random(SEED)
    for number in range(TOKENS):
        alphabet = SPECIAL if number % 2 else PLAIN
        yield "x1" + "".join(chosen.choices(alphabet, k=18)) + "9z"


def spellings(token: str) -> set[str]:
    encoded = {
        token,
        quote(token),
        quote(token, safe=""),
        quote_plus(token),
        json.dumps(token)[1:-1],
        repr(token)[1:-1],
    }
    return encoded | {base64.b64encode(token.encode()).decode(), quote(token, safe="").lower()}


class Place:
    """A working folder in which commands go wrong; `told` is all that they said, logged and wrote."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.told, self.commands = folder, "", 0
        monkeypatch.chdir(folder)
        (folder / "rows.sql").write_text("SELECT text, label FROM rows\n", encoding="utf-8")

    def run(self, *arguments: str, **data: Any) -> None:
        config = {**BASE, "data": {**BASE["data"], **data}}  # type: ignore[dict-item]
        (self.folder / "task.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        self.commands += 1
        done = CliRunner().invoke(local_runner.cli, [*arguments, "--config", "task.yaml"])
        assert done.exit_code in (1, 2), done.output
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        self.told += done.output

    def assert_silent(self, token: str, log: str) -> None:
        written = {
            str(path.relative_to(self.folder)): path.read_text(encoding="utf-8", errors="replace")
            for path in self.folder.rglob("*")
            if path.is_file() and path.name not in ("task.yaml", "secret")
        }
        for where, text in {"the screen": self.told, "the log": log, **written}.items():
            for spelled in spellings(token):
                assert spelled not in text, f"{spelled} is told by {where}: {text}"


@pytest.fixture
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What a run's log would hold of all records, those for developers too."""
    file = tmp_path_factory.mktemp("log") / "run.log"
    handler = logging.FileHandler(file)
    handler.setFormatter(logs._Formatter("%(name)s %(message)s"))
    root = logging.getLogger()
    level, root.level = root.level, logging.DEBUG
    root.addHandler(handler)
    logging.disable(logging.NOTSET)
    try:
        yield file
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()


@pytest.mark.parametrize("token", list(tokens()))
def test_of_a_database(
    token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Path, record_property: Any
) -> None:
    place = Place(tmp_path, monkeypatch)
    (tmp_path / "secret").write_text(f"{token}\n", encoding="utf-8")
    monkeypatch.setenv("PLANTED", token)
    for number, url in enumerate((
        f"postgresql+psycopg://me:{token}@{NOBODY}/db", f"postgresql+psycopg://{NOBODY}/db?password={token}",
        f"nonsense://me:{token}@{NOBODY}", f"postgresql+psycopg://me:{quote(token, safe='')}@{NOBODY}/{token}",
    )):  # fmt: skip
        monkeypatch.setenv(f"URL{number}", url)
        place.run("validate", source={"sql": {"url": url}})  # written out: refused
        place.run("validate", "--set", f"data.source.sql.url={url}")
        place.run("validate", "--set", "data.source.sql={nonsense: [" + url)
        place.run("validate", source={"sql": {"url": f"${{URL{number}}}"}})
        place.run("schema", source={"sql": {"url": f"${{URL{number}}}"}})
    for url in (
        f"postgresql+psycopg://me:${{PLANTED}}@{NOBODY}/db", f"postgresql+psycopg://${{PLANTED}}:x@{NOBODY}/db",
        f"postgresql+psycopg://me:${{file:secret}}@{NOBODY}/db", f"postgresql+psycopg://{NOBODY}/db?password=${{PLANTED}}",
        f"postgresql+psycopg://me:${{PLANTED}}@{NOBODY}/${{PLANTED}}", "sqlite:///${PLANTED}", "${PLANTED}",
        "oracle9://me:${PLANTED}@host/db", "postgresql+psycopg://me@127.0.0.1:${PLANTED}/db",
        "file:secret",
    ):  # fmt: skip
        place.run("schema", source={"sql": {"url": url}})
    record_property("faults", place.commands)
    place.assert_silent(token, log.read_text(encoding="utf-8"))


def test_of_an_error_that_nobody_foresaw() -> None:
    """Its traceback is shown, since it is ours to mend; the secret in it is not."""
    code = """
import click, sys
from pipeline.cli.errors import Commands
from pipeline.redaction import references

@click.group(cls=Commands)
def cli(): pass

@cli.command()
def go():
    secret = references.value("PLANTED")
    raise RuntimeError(f"it was {secret}")

cli(["go"])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[4], capture_output=True, text=True, check=False,
        env={**os.environ, "PLANTED": "x1/y@z w"}, timeout=60,
    )  # fmt: skip
    assert "RuntimeError: it was ***" in done.stderr
    assert "x1/y@z" not in done.stderr


def echo(call: Call) -> str:
    return f"{' ' * 150}{call.path} {dict(call.headers)}"


ANSWERS: dict[str, Callable[[Call], None]] = {
    "an error that echoes the request": lambda call: call.reply(echo(call).encode(), status=403),
    "an error at every try": lambda call: call.reply(echo(call).encode(), status=503),
    "no list": lambda call: call.reply({"path": call.path, "headers": dict(call.headers)}),
    "no JSON": lambda call: call.reply(echo(call).encode()),
    "a redirection": lambda call: call.reply({}, status=302, Location=f"http://{NOBODY}{call.path}"),
    "a link elsewhere": lambda call: call.reply([{"text": "a"}], Link=f"<http://{NOBODY}{call.path}>; rel=next"),
    "a link in circles": lambda call: call.reply([{"text": "a"}], Link=f"<{call.path}>; rel=next"),
    "a link, then an error": lambda call: (
        call.reply([{"text": "a"}], Link=f"<{call.path}&n={call.number}>; rel=next")
        if call.number == 1
        else call.reply(echo(call).encode(), status=410)
    ),
}


@pytest.mark.parametrize("token", list(tokens()))
def test_of_an_api(
    token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Path, record_property: Any
) -> None:
    place = Place(tmp_path, monkeypatch)
    monkeypatch.setenv("PLANTED", token)
    for name, answer in ANSWERS.items():
        with serve(answer) as server:
            url = server.url
            place.run(
                "data", "collect", "--into", f"spans-{name[-5:]}",
                collect={
                    "url": f"{url}/${{PLANTED}}?t=${{PLANTED}}", "headers": {"Authorization": "Bearer ${PLANTED}"},
                    "parameters": {"api_key": "${PLANTED}"}, "paging": {"kind": "link"}, "attempts": 2,
                    "requests_per_minute": 60_000, "longest_pause_seconds": 0.01,
                },
            )  # fmt: skip
            assert server.calls, name
    for collect in (
        {"url": f"http://me:{token}@{NOBODY}"}, {"url": f"http://{NOBODY}/?token={token}"},
        {"url": f"http://{NOBODY}/", "headers": {"Authorization": f"Bearer {token}"}},
        {"url": f"http://{NOBODY}/", "parameters": {"password": token}},
        {"url": f"http://{NOBODY}/", "attempts": 1, "headers": {"X-Api-Key": token}},
    ):  # fmt: skip
        place.run("data", "collect", "--into", "spans", collect=collect)
    place.run("data", "collect", "--set", f"data.collect.headers.Authorization=Bearer {token}")
    record_property("faults", place.commands)
    place.assert_silent(token, log.read_text(encoding="utf-8"))
