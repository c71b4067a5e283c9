"""A target that is a number, from a file that no source file names: judged, kept, and taught to a student."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.artifact_files import PREDICTIONS_FILE
from modules.inputs.text import unlabelled
from modules.network.model import build_model
from modules.quality import predictions, scoring
from modules.quality.settings import FairnessSettings
from modules.rows.raw import read_raw_split
from modules.student import distillation
from modules.student.fine_tuning import TeacherSignals, fine_tune
from modules.student.settings import DistillationSettings

import numpy as np
import pytest
import tf_keras

from tests.toys.stars import Stars
from tests.unit import compression_helpers as helpers

TARGET = Stars(column="stars")
JUDGE = scoring.of(TARGET)


@pytest.fixture
def files(tmp_path: Path, write_examples: Callable[..., Any]) -> str:
    words = {4.5: b"a great film %d", 1.25: b"an awful film %d"}
    rows = [
        {"text": [text % number], "stars": [stars], "source": [b"web" if number % 2 else b"shop"]}
        for number in range(6)
        for stars, text in words.items()
    ]
    write_examples(tmp_path / "a.gz", rows)
    return f"{tmp_path}/*.gz"


def test_numbers_are_read_and_judged_by_a_linear_model_of_their_own(files: str) -> None:
    split = read_raw_split([files], text="text", target=TARGET, slices=["source"])
    assert split.labels.tolist()[:2] == [4.5, 1.25]
    found = TARGET.part("linear")({"train": split, "eval": split}, TARGET, 1)
    scores = found.record["splits"]["eval"]
    assert 0 < scores["mae"] < 1.0
    assert scores["slices"]["source:web"]["rows"] == 6
    assert JUDGE.scores(split.labels, found.predictions["eval"].predicted) == {"mae": scores["mae"]}


def test_answers_that_are_numbers_are_kept_and_read_back(files: str, tmp_path: Path) -> None:
    split = read_raw_split([files], text="text", target=TARGET, slices=["source"])
    found = predictions.predict_split(
        lambda texts: {"stars": np.array([len(text) / 10 for text in texts], np.float32)},
        split, JUDGE.answered, name="test", batch_size=5,
    )  # fmt: skip
    path = str(tmp_path / PREDICTIONS_FILE)
    predictions.write(path, {"test": found}, TARGET.names)
    again, names = predictions.read(path)
    assert names == []
    assert again["test"].predicted.tolist() == pytest.approx([len(text) / 10 for text in split.texts])
    assert (again["test"].label.dtype, again["test"].more["shown"].dtype) == (np.float64, np.int64)
    assert again["test"].more["shown"].tolist() == found.more["shown"].tolist()


def test_the_interval_of_a_metric_of_ones_own_holds_it_and_narrows_with_more_rows() -> None:
    chance = np.random.default_rng(1)
    widths = []
    for rows in (30, 3000):
        truth = chance.normal(size=rows)
        found = JUDGE.intervals(truth, truth + chance.normal(size=rows), resamples=200)["mae"]
        assert found.low < found.value < found.high
        widths.append(found.high - found.low)
    assert widths[1] < widths[0] / 3


def test_what_has_no_gaps_gives_none() -> None:
    found = JUDGE.gaps(np.zeros(4), np.ones(4), {"source": ["a", "a", "b", "b"]}, FairnessSettings())
    assert (found["rows"], found["columns"]) == (4, {})


@pytest.mark.slow
def test_a_student_learns_numbers_of_a_teacher_where_people_gave_none(tmp_path: Path) -> None:
    rows, test = (_with_stars(helpers.examples(count, seed=count)) for count in (160, 200))
    seen = unlabelled.augment(
        rows, helpers.VOCABULARY, copies=1, drop=0.0, replace=0.0, join=0.0,
        unanswered=distillation.of("stars").unanswered,
    )  # fmt: skip
    assert np.isnan(seen.labels).all()
    tf_keras.utils.set_random_seed(1)  # the student's first weights
    student = build_model(
        dataclasses.replace(helpers.architecture(num_layers=1), num_classes=1, target="stars"), dropout=0.0
    )
    before = distillation.score(student, test, "stars")
    settings = helpers.plain(
        epochs=6, batch_size=16, learning_rate=3e-3, seed=1, distillation=DistillationSettings(alpha=0.5)
    )
    signals = TeacherSignals(rows.labels[:, None], target="stars")
    run = fine_tune(student, seen, signals, settings, backup_dir=str(tmp_path))
    assert np.isfinite(run["loss"])
    assert distillation.score(student, test, "stars") < before / 2


def _with_stars(rows: helpers.TextRows) -> helpers.TextRows:
    """Good texts have four stars, bad ones one."""
    return helpers.text_rows(rows.token_ids, rows.padding_mask, (rows.labels * 3 + 1).astype(np.float32))
