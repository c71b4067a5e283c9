"""Two runs side by side: whether a difference is more than chance, and what was configured otherwise."""

from __future__ import annotations

import datetime
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modules.artifact_files import PREDICTIONS_FILE
from modules.quality import comparison as rows_comparison
from modules.quality import predictions, scoring
from modules.quality.predictions import Predictions
from modules.targets.number.target import Number

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from rich.console import Console

import local_runner
from pipeline.history import comparison, display, health, history, training_logs
from pipeline.history.paths import TaskPaths
from pipeline.history.store import RunOutputs
from tests.unit.pipeline import renamed_nodes

LABELS = ["bad", "good"]
ROWS = 400


def answers(right: np.ndarray, *, keys: list[str] | None = None, label: np.ndarray | None = None) -> Predictions:
    """Predictions that are right where they are told to be."""
    label = np.arange(len(right)) % 2 if label is None else label
    predicted = np.where(right, label, 1 - label)
    return Predictions(
        text_hash=keys or [f"h{row}" for row in range(len(right))],
        text=["text"] * len(right),
        label=label,
        predicted=predicted,
        more={"probabilities": np.eye(2, dtype=np.float32)[predicted]},
        slices={},
    )


def wrong_in(*rows: range, count: int = ROWS) -> np.ndarray:
    right = np.ones(count, bool)
    for part in rows:
        right[list(part)] = False
    return right


def test_two_runs_of_a_number_are_compared_by_its_errors() -> None:
    rng = np.random.default_rng(1)
    truth, off = rng.normal(size=ROWS), rng.normal(size=ROWS)
    keys, numbers = [f"h{row}" for row in range(ROWS)], Number(column="stars")
    before, now = (Predictions(keys, [""] * ROWS, truth, truth + part * off, {}, {}) for part in (1.0, 0.5))
    found = rows_comparison.compare_scores(before, now, scoring.of(numbers))
    assert found["rows"] == {"one": ROWS, "other": ROWS, "common": ROWS, "relabelled": 0}
    assert found["scores"]["rmse"]["difference"] == pytest.approx(-0.5 * np.sqrt(np.mean(off**2)))
    assert found["scores"]["rmse"]["significant"]
    lines = display.verdict(found)
    assert [line.split(" on ")[0] for line in lines] == ["RMSE", "MAE", "R²"]
    assert all("more than chance explains" in line for line in lines)


# The same rows


def test_a_clear_difference_is_significant_by_both_tests() -> None:
    found = rows_comparison.compare(answers(wrong_in(range(100))), answers(wrong_in(range(40))), LABELS)
    assert found["rows"] == {"one": 400, "other": 400, "common": 400, "relabelled": 0}
    accuracy = found["accuracy"]
    assert (accuracy["one"], accuracy["other"]) == (0.75, 0.9)
    assert accuracy["difference"] == pytest.approx(0.15)
    assert 0.0 < accuracy["low"] < 0.15 < accuracy["high"]
    assert accuracy["significant"] is True
    assert found["macro_f1"]["significant"] is True
    assert (found["mcnemar"]["only_one"], found["mcnemar"]["only_other"]) == (0, 60)
    assert found["mcnemar"]["p"] < 1e-10
    assert found["agreement"] == pytest.approx(1 - 60 / 400)


def test_a_small_difference_is_not() -> None:
    found = rows_comparison.compare(answers(wrong_in(range(60))), answers(wrong_in(range(5, 63))), LABELS)
    assert found["accuracy"]["difference"] == pytest.approx(0.005)
    assert found["accuracy"]["significant"] is False
    assert found["mcnemar"]["p"] == pytest.approx(0.7265625)  # 5 against 3, by the binomial distribution


def test_a_model_compared_with_itself_differs_in_nothing() -> None:
    one = answers(wrong_in(range(30)))
    found = rows_comparison.compare(one, one, LABELS)
    assert (found["accuracy"]["low"], found["accuracy"]["high"]) == (0.0, 0.0)
    assert found["mcnemar"] == {"only_one": 0, "only_other": 0, "p": 1.0}
    assert found["agreement"] == 1.0


def test_which_run_comes_first_changes_the_sign_alone() -> None:
    one, other = answers(wrong_in(range(80))), answers(wrong_in(range(50, 90)))
    forth, back = (rows_comparison.compare(*pair, LABELS) for pair in ((one, other), (other, one)))
    assert forth["accuracy"]["difference"] == pytest.approx(-back["accuracy"]["difference"])
    assert forth["mcnemar"]["p"] == back["mcnemar"]["p"]


# Other rows


def test_rows_are_paired_by_their_text_and_not_by_their_place() -> None:
    one = answers(wrong_in(range(100)))
    order = np.random.default_rng(1).permutation(ROWS)
    other = answers(wrong_in(range(100))[order], keys=[f"h{row}" for row in order], label=(np.arange(ROWS) % 2)[order])
    found = rows_comparison.compare(one, other, LABELS)
    assert found["agreement"] == 1.0


def test_only_common_rows_count_and_the_others_are_told() -> None:
    one = answers(wrong_in(range(10)))
    other = answers(wrong_in(range(10), count=300), keys=[f"h{row + 200}" for row in range(300)])
    found = rows_comparison.compare(one, other, LABELS)
    assert found["rows"] == {"one": 400, "other": 300, "common": 200, "relabelled": 0}
    [told, *_] = display.verdict(found)
    assert told.startswith("The test rows differ: 200 are in both; 200 of the one run and 100 of the other")


def test_a_row_whose_label_changed_is_left_out() -> None:
    one = answers(wrong_in())
    label = np.arange(ROWS) % 2
    label[:7] = 1 - label[:7]
    found = rows_comparison.compare(one, answers(wrong_in(), label=label), LABELS)
    assert (found["rows"]["common"], found["rows"]["relabelled"]) == (393, 7)


def test_runs_without_a_common_row_or_without_hashes_are_not_tested() -> None:
    one = answers(wrong_in())
    for keys in ([f"x{row}" for row in range(ROWS)], [""] * ROWS):
        found = rows_comparison.compare(one, answers(wrong_in(), keys=keys), LABELS)
        assert found == {"rows": {"one": 400, "other": 400, "common": 0, "relabelled": 0}}
        assert "no test row is in both" in display.verdict(found)[-1]


def test_labels_in_another_order_are_the_same_and_other_labels_are_not() -> None:
    one = answers(wrong_in(range(40)))
    turned = Predictions(one.text_hash, one.text, 1 - one.label, 1 - one.predicted, {}, {})
    assert rows_comparison.compare(one, turned, LABELS, LABELS[::-1])["agreement"] == 1.0
    found = rows_comparison.compare(one, one, LABELS, ["bad", "fine"])
    assert found["labels_differ"] == [LABELS, ["bad", "fine"]]
    assert "different labels" in display.verdict(found)[0]


def test_equal_texts_are_paired_one_by_one() -> None:
    one = answers(wrong_in(count=4), keys=["a", "a", "b", "c"], label=np.array([0, 0, 1, 1]))
    other = answers(wrong_in(count=3), keys=["a", "a", "a"], label=np.array([0, 0, 0]))
    assert rows_comparison.compare(one, other, LABELS)["rows"]["common"] == 2


# Two runs


def summary(run_id: str, **changes: Any) -> dict[str, Any]:
    variant = {"bytes": 900, "latency_p50_ms": 2.0, "accuracy": 0.8}
    return {
        "run_id": run_id,
        "state": "done",
        "blessed": True,
        "metrics": {"test": {"rows": 400, "accuracy": 0.75, "slices": {}}, "eval": None},
        "edge": {"selected": "float32", "variants": {"float32": variant}},
        "states": {"Trainer": "executed"},
        "seconds": {"total": 60.0, "imports": 1.0, "nodes": {"Trainer": 20.0}},
        **changes,
    }


class Runs:
    """A task's history with two finished runs and their predictions."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths = TaskPaths(folder)
        self.past: list[history.PastRun] = []
        self._evaluations: dict[str, str] = {}
        monkeypatch.setattr(
            RunOutputs, "__init__", lambda outputs, _, run_id: setattr(outputs, "folder", self._evaluations.get(run_id))
        )
        monkeypatch.setattr(RunOutputs, "uri", lambda outputs, *_: outputs.folder)
        monkeypatch.setattr(comparison, "connection", lambda _: None)
        monkeypatch.setattr(history, "past_runs", lambda _: self.past)

    def add(
        self,
        run_id: str,
        config: dict[str, Any],
        found: Predictions | None = None,
        labels: Sequence[str] = LABELS,
        **changes: Any,
    ) -> history.PastRun:
        moment = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(days=len(self.past))
        told = summary(run_id, **changes) if changes.get("state") != "failed" else {}
        self.past.append(history.PastRun(run_id, moment, changes.get("state", "done"), 1, 0, {}, told))
        self.paths.run_dir(run_id).mkdir(parents=True)
        (self.paths.run_dir(run_id) / "config.yaml").write_text(yaml.safe_dump(config))
        if found:
            folder = self.paths.root / f"evaluation-{run_id}"
            folder.mkdir()
            predictions.write(str(folder / PREDICTIONS_FILE), {"test": found}, labels)
            self._evaluations[run_id] = str(folder)
        return self.past[-1]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    return Runs(tmp_path, monkeypatch)


def test_answers_that_are_numbers_are_compared_by_their_metrics_alone(runs: Runs) -> None:
    stars = np.linspace(1.0, 5.0, 8)
    numbers = Predictions([str(row) for row in range(8)], ["text"] * 8, stars, stars + 0.5, {}, {})
    config = {"target": {"kind": "number", "column": "stars"}}
    one, other = (runs.add(f"2026010{day}T000000", config, numbers, labels=[]) for day in (1, 2))
    found = comparison.compare(runs.paths, one, other)
    assert found["test"]["scores"]["rmse"]["one"] == pytest.approx(0.5)
    assert display.verdict(found["test"])[0].startswith("RMSE on the 8 common test rows: 0.5000 → 0.5000")
    third = runs.add("20260103T000000", {"labels": ["a"]}, answers(wrong_in(range(10))))
    apart = comparison.compare(runs.paths, one, third)
    assert display.verdict(apart["test"]) == ["Significance: not tested, since the runs do not predict the same."]


def both(runs: Runs) -> dict[str, Any]:
    one = runs.add("20260101T000000", {"trainer": {"epochs": 2}, "labels": ["a"]}, answers(wrong_in(range(100))))
    variant = {"bytes": 700, "latency_p50_ms": 1.0, "accuracy": 0.8}
    other = runs.add(
        "20260102T000000",
        {"trainer": {"epochs": 3}, "labels": ["a"], "card": {"limits": ["irony"], "x": {}}},
        answers(wrong_in(range(40))),
        edge={"selected": "int8", "variants": {"int8": variant}},
        states={"Trainer": "cached", "Pusher": "executed"},
        seconds={"total": 9.0, "nodes": {"Trainer": 0.1, "Pusher": 2.0}},
    )
    return comparison.compare(runs.paths, one, other)


def test_everything_that_differs_is_in_the_comparison(runs: Runs) -> None:
    found = both(runs)
    assert found["config"] == [
        {"field": "trainer.epochs", "one": 2, "other": 3},
        {"field": "card.limits", "one": "(not set)", "other": ["irony"]},
    ]
    assert found["metrics"]["test"]["accuracy"] == {"one": 0.75, "other": 0.75, "difference": 0.0}
    assert found["test"]["accuracy"]["significant"] is True
    assert found["bundle"]["recipe"] == {"one": "float32", "other": "int8"}
    assert found["bundle"]["bytes"] == {"one": 900, "other": 700, "difference": -200}
    assert found["nodes"]["Trainer"]["other"]["state"] == "cached"
    assert found["nodes"]["Pusher"]["one"]["state"] is None
    assert json.loads(json.dumps(found)) == found


def test_a_person_reads_the_same_in_sentences_and_tables(runs: Runs) -> None:
    out = io.StringIO()
    display.show_comparison(both(runs), Console(width=160, file=out))
    text = out.getvalue()
    assert ["trainer.epochs", "2", "→", "3"] in [line.split() for line in text.splitlines()]
    assert "0.7500 → 0.9000, +0.1500 [" in text
    assert "more than chance explains" in text
    assert "-200" in text


def test_a_run_without_predictions_is_compared_without_a_test(runs: Runs) -> None:
    one, other = runs.add("a", {}), runs.add("b", {}, answers(wrong_in()))
    found = comparison.compare(runs.paths, one, other)
    assert found["test"] is None
    assert found["config"] == []
    assert "kept no predictions" in display.verdict(None)[0]


@pytest.mark.parametrize(
    ("wanted", "expected"), [("latest", "r3"), ("latest~1", "r2"), ("latest~2", "r1"), ("r2", "r2")]
)
def test_runs_are_named_by_id_or_counted_back(runs: Runs, wanted: str, expected: str) -> None:
    for name in ("r1", "r2", "r3"):
        runs.add(name, {})
    runs.add("broken", {}, state="failed")
    assert history.find_run(runs.past, wanted).run_id == expected


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("20260102T00000", "Did you mean 20260102T000000?"),
        ("latest~5", "only 2 runs with a summary"),
        ("broken", "was failed before it came to a summary"),
    ],
)
def test_a_run_that_there_is_not_is_one_line_with_the_nearest(runs: Runs, wanted: str, told: str) -> None:
    both(runs)
    runs.add("broken", {}, state="failed")
    with pytest.raises(history.UnknownRunError, match=told.replace("?", r"\?")):
        history.find_run(runs.past, wanted)


# On the command line


@pytest.fixture
def command(runs: Runs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    (tmp_path / "a.yaml").write_text("task: a\nlabels: [x, y]\nschema_path: s\ndata: {path: d.csv}\n")
    monkeypatch.chdir(tmp_path)

    def invoke(name: str, *arguments: str) -> Any:
        return CliRunner().invoke(local_runner.cli, [name, "-c", "a.yaml", "--root", str(tmp_path), *arguments])

    return invoke


def test_compare_takes_the_newest_run_where_none_is_named(runs: Runs, command: Any) -> None:
    both(runs)
    result = command("compare", "latest~1", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    assert (found["one"], found["other"]) == ("20260101T000000", "20260102T000000")
    assert "Accuracy on the 400 common test rows" in command("compare", "latest~1").output
    wrong = command("compare", "latest~7")
    assert (wrong.exit_code, wrong.output) == (2, "Error: latest~7: there are only 2 runs with a summary.\n")


def test_runs_can_be_filtered_and_read_by_programs(runs: Runs, command: Any) -> None:
    both(runs)
    runs.add("broken", {}, state="failed")
    ids = [run["run_id"] for run in json.loads(command("runs", "--json").output)]
    assert ids == ["20260101T000000", "20260102T000000", "broken"]
    for arguments, expected in (
        (["--state", "failed"], ["broken"]),
        (["--blessed"], ids[:2]),
        (["--last", "1"], ["broken"]),
        (["--since", "2026-01-02"], ids[1:]),
        (["--pushed"], []),
    ):
        found = json.loads(command("runs", "--json", *arguments).output)
        assert [run["run_id"] for run in found] == expected, arguments
    assert "None of the 3 runs" in command("runs", "--pushed").output
    assert command("runs", "--state", "failed").output.splitlines()[1].startswith("broken")


def test_tensorboard_says_which_run_there_is_not_and_which_kept_no_logs(
    runs: Runs, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_logs, "connection", lambda _: None)
    runs.add("r1", {}, answers(wrong_in()))
    unknown = command("tensorboard", "r2")
    assert unknown.exit_code == 2
    assert unknown.output.startswith("Error: r2: there is no such run. Did you mean r1?")
    without = command("tensorboard", "r1")
    assert without.exit_code == 1
    assert "r1 kept no TensorBoard logs: set trainer.tensorboard=true" in without.output


@pytest.mark.parametrize("names", [{}, {"Trainer": "Learner", "Tuner": "Searcher"}], ids=["ours", "renamed"])
def test_tensorboard_shows_the_logs_of_training_and_search_in_one_folder(
    runs: Runs, command: Any, monkeypatch: pytest.MonkeyPatch, names: dict[str, str]
) -> None:
    """Which nodes leave any is read from the table of nodes."""
    renamed_nodes.rename(monkeypatch, **names)
    search = names.get("Tuner", "Tuner")
    served: list[tuple[Path, int]] = []
    monkeypatch.setattr(training_logs, "connection", lambda _: None)
    monkeypatch.setattr(health, "check", lambda *arguments, **options: None)
    monkeypatch.setattr(training_logs, "serve", lambda *arguments: served.append(arguments))
    runs.add("r1", {}, answers(wrong_in()))
    trainer = Path(runs.paths.root) / "logs"
    trainer.mkdir(parents=True)
    asked = {(names.get("Trainer", "Trainer"), "model_run"): str(trainer)}
    monkeypatch.setattr(RunOutputs, "uri", lambda outputs, *output: asked.get(output))
    (trainer / "events.out.tfevents.1").touch()
    (runs.paths.pipeline_root / search / ".backup" / "0123456789abcdef" / "tensorboard").mkdir(parents=True)
    for _ in range(2):  # links of an earlier look are replaced
        assert command("tensorboard", "--port", "0").exit_code == 0
    folder, port = served[1]
    assert port == 0
    assert {path.name: path.resolve() for path in folder.iterdir()} == {
        "trainer": trainer.resolve(),
        "search-01234567": (runs.paths.pipeline_root / search / ".backup/0123456789abcdef/tensorboard").resolve(),
    }


def test_the_test_rows_are_those_of_the_node_that_the_table_names(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    renamed_nodes.rename(monkeypatch, TestEvaluator="FinalEvaluator")
    folder, asked = RunOutputs.uri, []

    def uri(outputs: RunOutputs, *output: str) -> str | None:
        asked.append(output)
        return folder(outputs, *output)

    one, other = (runs.add(name, {}, answers(wrong_in())) for name in ("a", "b"))
    folder = RunOutputs.uri
    monkeypatch.setattr(RunOutputs, "uri", uri)
    assert comparison.compare(runs.paths, one, other)["test"] is not None
    assert asked == [("FinalEvaluator", "evaluation")] * 2
