"""`watch --on`: which reason makes a span of labelled requests, when, and that none does so twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import click
import pytest
import yaml
from click.testing import CliRunner

import local_runner
from pipeline.cli import watch as cli_watch
from pipeline.config import loader
from pipeline.history.paths import TaskPaths
from pipeline.ingest.rows import DataError
from pipeline.traffic.retraining import Reason, Retraining, gate
from pipeline.traffic.status import Firing, Status


class Loop:
    """A task with a log, labels and a monitor's word, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now, self.served = folder, 1000.0, 0
        file = folder / "a.yaml"
        file.write_text(yaml.safe_dump({
            "task": "a", "labels": ["x", "y"], "schema_path": "s",
            "monitor": {"labels": {"path": f"{folder}/labels.csv"}},
            "data": {"path": f"{folder}/span-{{SPAN}}/*.jsonl", "serving_logs": f"{folder}/log.jsonl"},
            "retrain": {"rows": 10, "min_rows": 4, "every_hours": 1},
        }))  # fmt: skip
        self.config, self.paths = loader.load(file), TaskPaths(folder / "runs")
        (folder / "labels.csv").write_text("request_id,label\n")

    def label(self, count: int) -> None:
        """So many requests more, with their labels."""
        with (self.folder / "log.jsonl").open("a") as log, (self.folder / "labels.csv").open("a") as labels:
            for number in range(self.served, self.served + count):
                log.write(json.dumps({"text": f"t{number}", "served.request_id": f"r{number}"}) + "\n")
                labels.write(f"r{number},x\n")
        self.served += count

    def fire(self, *rules: str, since: str = "2026-01-01T00:00:00Z") -> None:
        firing = tuple(Firing(rule, "x", "critical", since, 0.6, 0.3, "…") for rule in rules)
        self.paths.monitor.mkdir(parents=True, exist_ok=True)
        Status("a", "server/1", since, None, 1, 1, 0, firing).write(self.paths.monitor)

    def look(self, *reasons: Reason) -> tuple[bool, str]:
        return Retraining(self.config, self.paths, reasons, lambda: self.now).look()

    def spans(self) -> list[int]:
        """Rows of each span."""
        files = sorted(self.folder.glob("span-*/*.jsonl"))
        return [len(file.read_text().splitlines()) for file in files]


@pytest.fixture
def loop(tmp_path: Path) -> Loop:
    return Loop(tmp_path)


def test_rows_enough_are_a_reason_once(loop: Loop) -> None:
    loop.label(9)
    assert loop.look("rows") == (False, "")
    loop.label(2)
    made, told = loop.look("rows")
    assert made
    assert told.startswith("11 new rows have a label (retrain.rows); 11 labelled requests are span 1: ")
    assert loop.look("rows") == (False, "")
    assert loop.spans() == [11]


def test_an_alert_waits_for_labels_even_when_it_is_resolved_and_counts_once(loop: Loop) -> None:
    assert loop.look("surge") == (False, ""), "no monitor ever ran"
    loop.fire("surge", "latency")
    assert loop.look("surge") == (
        False, "alert: surge x since 2026-01-01T00:00:00Z; waiting for labels, 0 of 4 new rows have one."
    )  # fmt: skip
    loop.fire()
    loop.label(4)
    assert loop.look("drift")[0] is False
    assert loop.look("surge")[0] is True
    loop.label(4)
    assert loop.look("surge") == (False, "")
    loop.fire("surge", since="2026-02-01T00:00:00Z")
    assert loop.look("surge")[0] is True
    loop.label(4)
    assert loop.look("surge") == (False, ""), "it goes on firing, and a span was made for it"
    assert loop.spans() == [4, 4]


@pytest.mark.parametrize(("reason", "rule"), [("drift", "prior"), ("quality", "estimate"), ("quality", "accuracy")])
def test_reasons_have_several_rules(loop: Loop, reason: Reason, rule: str) -> None:
    loop.label(4)
    loop.fire(rule)
    assert loop.look("surge") == (False, "")
    assert loop.look(reason)[0] is True


def test_the_schedule_begins_with_the_first_look_and_bears_a_clock_that_is_set_back(loop: Loop) -> None:
    loop.label(4)
    assert loop.look("schedule") == (False, "")
    loop.now += 3599
    assert loop.look("schedule") == (False, "")
    loop.now += 1
    assert loop.look("schedule")[0] is True
    loop.label(4)
    loop.now -= 1_000_000
    assert loop.look("schedule") == (False, "")
    loop.now += 3600
    assert loop.look("schedule")[0] is True


def test_the_command_makes_a_span_and_runs_on_it_behind_the_gate(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(cli_watch, "_run", lambda command: not commands.append(command))  # type: ignore[func-returns-value]
    loop.label(12)
    options = ["-c", f"{loop.folder}/a.yaml", "--root", f"{loop.folder}/runs", "--set", "data.spans.settle_seconds=0"]
    done = CliRunner().invoke(local_runner.cli, ["watch", *options, "--on", "rows", "--once"])
    assert done.exit_code == 0, done.output
    assert "12 new rows have a label (retrain.rows); 12 labelled requests are span 1" in done.output
    [command] = commands
    assert command[command.index("--span") + 1] == "1"
    assert "evaluator.beats_served={}" in command
    done = CliRunner().invoke(local_runner.cli, ["watch", *options, "--on", "rows", "--set", "data.serving_logs=null"])
    assert done.exit_code == 2
    assert "watch --on rows: data.serving_logs: name the log" in done.output


def test_a_file_that_is_being_written_does_not_end_the_watch(loop: Loop) -> None:
    loop.label(12)
    (loop.folder / "labels.csv").write_text("request_id,lab")
    retrain = Retraining(loop.config, loop.paths, ["rows"])
    assert cli_watch._look(retrain, once=False)() == (False, "")
    (loop.folder / "labels.csv").write_text("request_id,lab\nr1,x\n")
    made, told = cli_watch._look(retrain, once=False)()
    said = "there is no column 'label' (monitor.labels); there are: request_id, lab. Looking again."
    assert (made, told.endswith(said)) == (False, True)
    with pytest.raises(DataError):
        cli_watch._look(retrain, once=True)()


def test_files_that_are_none_of_these_are_told(loop: Loop) -> None:
    loop.paths.monitor.mkdir(parents=True)
    (loop.paths.monitor / "status.json").write_text('{"format": 2}')
    with pytest.raises(ValueError, match=r"status.json: not the status of a monitor"):
        loop.look("drift")
    (loop.paths.root / "retrain.json").write_text("[")
    with pytest.raises(ValueError, match=r"retrain.json: cannot be read .* remove it"):
        loop.look("rows")


def test_what_the_task_says_of_the_gate_stays(loop: Loop) -> None:
    assert gate(loop.config) == ("evaluator.beats_served={}",)
    file = loop.folder / "a.yaml"
    changed: Any = loader.load(file, overrides=gate(loop.config))
    assert changed.evaluator.beats_served.decided_by == "lower_end"
    assert gate(changed) == ()


def test_the_command_offers_every_reason() -> None:
    [option] = [option for option in cli_watch.watch.params if option.name == "reasons"]
    assert isinstance(option.type, click.Choice)
    assert tuple(option.type.choices) == get_args(Reason)
