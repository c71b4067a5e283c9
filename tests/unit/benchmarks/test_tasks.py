"""`benchmarks.tasks`: the others learn from the rows of the run, and a promise that is missed is named."""

from __future__ import annotations

import argparse
import base64
import json
import random
import sys
from pathlib import Path
from typing import Any

from modules.datasets.fashion import png

import pytest

from benchmarks.harness import command
from benchmarks.tasks import __main__ as command_line
from benchmarks.tasks import result, systems

TASK = "intents"


def _texts(count: int, seed: int) -> dict[str, list[Any]]:
    chance = random.Random(seed)
    labels = [chance.choice(("good", "bad")) for _ in range(count)]
    words = {"good": "lovely", "bad": "awful"}
    texts = [f"{words[label]} {' '.join(chance.sample(['tea', 'sun', 'bus', 'dog', 'hat'], 2))}" for label in labels]
    return {"rows": texts, "labels": labels}


def _records(count: int, seed: int) -> dict[str, list[Any]]:
    """Who is asked decides, and the text says nothing; a third of the numbers is missing."""
    chance = random.Random(seed)
    found: dict[str, list[Any]] = {"rows": [], "labels": []}
    for number in range(count):
        label = chance.choice(("good", "bad"))
        user = f"{label} {chance.randrange(5)}" if chance.random() < 0.95 else "anybody"
        found["rows"].append({"text": "words", "user": user, "price": None if number % 3 else 4.5})
        found["labels"].append(label)
    return found


TEXTS = systems.Rows({"train": _texts(200, 1), "eval": _texts(40, 2), "test": _texts(60, 3)}, "", {})
TABLE = systems.Rows(
    {"train": _records(300, 1), "eval": _records(40, 2), "test": _records(60, 3)},
    "text", {"user": "optional text", "price": "optional number"},
)  # fmt: skip


def _share(answers: list[str], rows: systems.Rows) -> float:
    truth = rows.labels("test")
    return sum(one == label for one, label in zip(answers, truth, strict=True)) / len(truth)


@pytest.mark.parametrize("name", [name for name in systems.OF_TEXTS if name not in ("majority", systems.FASTTEXT)])
def test_models_of_texts_learn_from_train_and_answer_test(name: str, tmp_path: Path) -> None:
    assert _share(systems.measured(systems.OF_TEXTS[name], TEXTS, tmp_path)["answers"], TEXTS) > 0.95


@pytest.mark.parametrize("name", systems.OF_TABLES)
def test_models_of_tables_read_the_other_columns(name: str, tmp_path: Path) -> None:
    assert _share(systems.measured(systems.OF_TABLES[name], TABLE, tmp_path)["answers"], TABLE) > 0.85
    assert set(systems.others(TABLE)) == {*systems.OF_TEXTS, *systems.OF_TABLES}
    assert set(systems.others(TEXTS)) == set(systems.OF_TEXTS)
    assert TABLE.texts("test")[0] == "words"


def _sensed(count: int, seed: int) -> dict[str, list[Any]]:
    """A dark picture or many echoes tell the label; a sixth of each is missing."""
    chance = random.Random(seed)
    found: dict[str, list[Any]] = {"rows": [], "labels": []}
    for number in range(count):
        label = chance.choice(("good", "bad"))
        shade = chance.randrange(0, 90) if label == "bad" else chance.randrange(160, 250)
        photo = base64.b64encode(png(bytes([shade]) * 64, 8, 8)).decode()
        echoes = json.dumps([[shade + chance.random(), 0.0], [1.0, None]])
        found["rows"].append({"photo": "" if number % 6 == 1 else photo, "lidar": "" if number % 6 == 2 else echoes})
        found["labels"].append(label)
    return found


@pytest.mark.parametrize(("name", "fields"), [
    ("pixels and readings, LinearSVC", {"photo": "optional image", "lidar": "optional readings 4"}),
    ("pixels and readings, gradient boosting", {"lidar": "optional readings 4"}),  # of all pixels it takes its time
])  # fmt: skip
def test_models_of_pictures_and_sensors_read_pixels_and_readings(
    name: str, fields: dict[str, str], tmp_path: Path
) -> None:
    rows = systems.Rows({"train": _sensed(200, 1), "eval": _sensed(20, 2), "test": _sensed(60, 3)}, "", fields)
    assert _share(systems.measured(systems.others(rows)[name], rows, tmp_path)["answers"], rows) > 0.8


def test_the_majority_answers_one_label(tmp_path: Path) -> None:
    answers = systems.measured(systems.OF_TEXTS["majority"], TEXTS, tmp_path)["answers"]
    train = TEXTS.labels("train")
    assert set(answers) == {max(set(train), key=train.count)}


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> argparse.Namespace:
    monkeypatch.setattr(command, "PEERS", Path(sys.executable))
    chosen = {name: systems.OF_TEXTS[name] for name in ("majority", "TF-IDF of words, LinearSVC")}
    monkeypatch.setattr(systems, "others", lambda rows: chosen)
    return command_line.parser().parse_args(["--tasks", TASK, "--seeds", "17,18", "--work", str(tmp_path)])


def _run_that_answers(answers: list[str], *, bundle: bool, asked: list[list[str]]) -> Any:
    """In place of the commands: what `benchmarks.ours.task` would write."""

    def said(words: list[str]) -> str:
        asked.append(words)
        if "--out" in words:
            content = {
                "rows": TEXTS.splits, "text": "", "columns": {},
                "server": answers, "bundle": answers if bundle else None,
                "bytes": 1000 if bundle else None, "blessed": bundle, "why": [] if bundle else ["accuracy is low"],
                "seconds": 9.0, "training": {}, "variant": "int8" if bundle else None, "variants": {},
            }  # fmt: skip
            out = Path(words[words.index("--out") + 1])
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(json.dumps(content), encoding="utf-8")
        return ""

    return said


def test_a_task_runs_once_for_each_seed_and_is_compared_with_the_strongest_other(
    options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(command_line, "_said", _run_that_answers(TEXTS.labels("test"), bundle=True, asked=asked))
    made = command_line.measure(options)
    runs = [words for words in asked if "local_runner.py" in words]
    assert [[word for word in words if "seed=" in word] for words in runs] == [
        ["trainer.seed=17", "pruner.seed=17"], ["trainer.seed=18", "pruner.seed=18"]
    ]  # fmt: skip
    below, shipped = made.goals
    assert (below.value, below.met, shipped.value, shipped.met) == (0, True, 1.0, True)
    scores, against, ships = made.tables
    assert scores.rows[0] == [TASK, result.SERVER, "1.0000 ± 0.0000", "1.0000 ± 0.0000", ""]
    assert against.rows[0][2] == "TF-IDF of words, LinearSVC"
    assert [row[4:8] for row in ships.rows] == [[17, "yes", "int8", 1000], [18, "yes", "int8", 1000]]
    assert "answers" not in made.details[TASK]["quick"][0]
    asked.clear()
    command_line.measure(options)
    assert not asked, "what was measured is kept"


def test_a_run_below_the_others_and_without_a_bundle_misses_both_promises(
    options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_line, "_said", _run_that_answers(["bad"] * 60, bundle=False, asked=[]))
    below, shipped = command_line.measure(options).goals
    assert (below.met, below.note) == (False, f"{TASK}: TF-IDF of words, LinearSVC")
    assert (shipped.met, shipped.note) == (False, f"none: {TASK}")


def test_with_no_time_nothing_is_run_and_that_is_said(
    options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(command_line, "_said", _run_that_answers([], bundle=False, asked=asked))
    options.budget_minutes = 0.0
    with pytest.raises(command.NotReadyError, match="--budget-minutes"):
        command_line.measure(options)
    assert not asked


@pytest.mark.parametrize(("words", "told"), [(["--tasks", "chess"], "chess: known are sentiment, "),
                                             (["--seeds", "one"], "'one': whole numbers")])  # fmt: skip
def test_a_name_that_does_not_exist_is_refused_with_those_that_do(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command_line.main(words)
    assert told in capsys.readouterr().err


def test_what_is_measured_comes_with_the_project(repository: Path) -> None:
    assert set(command_line.TASKS) <= {path.stem for path in (repository / "configs").glob("*.yaml")}
