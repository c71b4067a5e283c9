"""A target of several labels a row: what may stand in a cell, what is learned, answered and measured."""

from __future__ import annotations

import json
from typing import Any

import modules  # noqa: F401
from modules.quality import intervals, predictions, scoring
from modules.quality.predictions import Predictions
from modules.quality.settings import FairnessSettings
from modules.rows.raw import RawSplit
from modules.targets.kinds import TARGETS, read
from modules.targets.many_labels import decision, errors, plots
from modules.targets.many_labels.metrics import metrics_of, parts_of
from modules.targets.many_labels.target import ManyLabels

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from pydantic import ValidationError
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score
from tensorflow_model_analysis.proto import config_pb2

from pipeline.ingest.rows import Layout

LABELS = ["billing", "login", "speed"]
TAGS = ManyLabels(column="tags", labels=LABELS)
LISTS = ManyLabels(column="tags", labels=LABELS, separator="json", none_allowed=True)


def layout(target: ManyLabels) -> Layout:
    return Layout("text", target.column, (), tuple(target.names), cell=target.cell)


def sample(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Right labels, and answers that are right more often than not."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((rows, 3)) < [0.5, 0.3, 0.05]).astype(np.int8)
    return truth, np.where(rng.random((rows, 3)) < 0.8, truth, 1 - truth).astype(np.int8)


@pytest.mark.parametrize(
    ("target", "cell", "problem", "canonical"),
    [
        (TAGS, "speed | billing", "", "billing\nspeed"),
        (TAGS, "login|login|", "", "login"),
        (TAGS, "login|refund", "of which 'refund' is no label", ""),
        (TAGS, " ", "which holds no label (target.none_allowed: true would take it as a row without any)", ""),
        (LISTS, '["speed", "login"]', "", "login\nspeed"),
        (LISTS, "[]", "", ""),
        (LISTS, "", "", ""),
        (LISTS, "login", "which is no JSON list of labels (Expecting value); see target.separator", ""),
        (
            LISTS,
            '{"login": 1}',
            "which is no JSON list of labels (a list of texts is needed); see target.separator",
            "",
        ),
    ],
)
def test_a_cell_says_what_is_wrong_with_it_or_holds_labels_in_one_order(
    target: ManyLabels, cell: str, problem: str, canonical: str
) -> None:
    assert layout(target).problem(cell) == problem
    if not problem:
        assert layout(target).canonical(cell) == canonical
        names = target.cell.names_in(canonical)
        assert target.truth([canonical]).tolist() == [[int(label in names) for label in LABELS]]
        found = target.features({"tags": tf.constant([canonical, ""])})["target_labels"].numpy()
        assert found.tolist() == [[float(label in names) for label in LABELS], [0.0] * 3]


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"labels": ["a", "a"]}, "holds a name twice"),
        ({"labels": ["a|b", "c"]}, "holds the separator"),
        ({"labels": ["a ", "c"]}, "a blank at an end"),
        ({"thresholds": [0.5]}, "thresholds has 1 numbers for 3 labels; give each one"),
        ({"separator": ""}, "at least 1 character"),
    ],
)
def test_a_target_that_cannot_be_is_refused(section: dict[str, Any], problem: str) -> None:
    from modules.kinds import read_section

    with pytest.raises(ValidationError, match=problem):
        read_section(TARGETS, {"kind": "many_labels", "column": "tags", "labels": LABELS, **section})


def test_a_label_is_answered_from_its_own_threshold_on() -> None:
    with pytest.raises(ValueError, match="not chosen on eval yet"):
        TAGS.answers()
    settled = TAGS.with_values(thresholds=[0.5, 0.25, 0.9])
    probabilities = tf.constant([[0.5, 0.3, 0.95], [0.4, 0.2, 0.89]])
    found = settled.answers()(probabilities)
    assert found["decision"].numpy().tolist() == [[1, 1, 1], [0, 0, 0]] == settled.decided(probabilities).tolist()
    assert [label.decode() for label in found["label"].numpy()] == ["billing|login|speed", ""]
    listed = LISTS.with_values(thresholds=[0.5, 0.25, 0.9]).answers()(probabilities)["label"].numpy()
    assert [json.loads(label) for label in listed] == [LABELS, []]
    assert settled.undecided() == TAGS
    assert read(settled.model_dump(mode="json")) == settled


def test_the_threshold_of_each_label_makes_its_f1_largest() -> None:
    rng = np.random.default_rng(1)
    truth = (rng.random((300, 3)) < [0.5, 0.1, 0.0]).astype(np.int8)
    probabilities = np.clip(0.3 * truth + rng.random((300, 3)) * 0.6, 0, 1).astype(np.float32)
    found = decision.best_thresholds(truth, probabilities)
    for label in range(2):

        def f1(threshold: float, label: int = label) -> float:
            return f1_score(truth[:, label], probabilities[:, label] >= threshold)

        assert f1(found[label]) == pytest.approx(max(f1(threshold) for threshold in np.unique(probabilities[:, label])))
    assert found[2] == 0.5, "no row has it, so nothing can be chosen"
    assert decision.best_thresholds(np.array([[1], [1]]), np.array([[0.2], [0.4]], np.float32)) == [pytest.approx(0.1)]


def test_scores_are_those_of_scikit_learn() -> None:
    truth, predicted = sample(400, 2)
    found = scoring.of(TAGS).scores(truth, predicted)
    assert found["macro_f1"] == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert found["micro_f1"] == pytest.approx(f1_score(truth, predicted, average="micro"))
    assert found["subset_accuracy"] == pytest.approx(accuracy_score(truth, predicted))


def test_evaluator_measures_what_scikit_learn_measures() -> None:
    truth, predicted = sample(200, 3)
    config = {
        "model_specs": [{"label_key": "label", "prediction_key": "prediction"}],
        "slicing_specs": [{}],
        "metrics_specs": [{"metrics": list(metrics.values()), **more} for metrics, more in TAGS.metric_specs()],
    }
    rows = pd.DataFrame({"label": list(truth.astype(float)), "prediction": list(predicted.astype(float))})
    result = tfma.analyze_raw_data(rows, json_format.ParseDict(config, config_pb2.EvalConfig()))
    [(_, values)] = result.slicing_metrics
    measured = {name: value["doubleValue"] for name, value in values[""][""].items()}
    assert measured["macro_f1"] == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert measured["micro_f1"] == pytest.approx(f1_score(truth, predicted, average="micro"))
    assert measured["subset_accuracy"] == pytest.approx(accuracy_score(truth, predicted))
    assert measured["precision"] == pytest.approx(precision_score(truth, predicted, average="macro"))
    assert measured["recall_login"] == pytest.approx(recall_score(truth[:, 1], predicted[:, 1]))
    assert not any(name.startswith("_") for name in measured)


def test_intervals_of_few_rows_and_of_many_labels_hold_their_value() -> None:
    truth, predicted = sample(300, 4)
    judge = scoring.of(TAGS)
    found = judge.intervals(truth, predicted, resamples=500)
    assert all(item.low < item.value < item.high for item in found.values())
    drawn = metrics_of(intervals.resampled_means(parts_of(truth, predicted), resamples=50, seed=1))
    by_hand = np.random.default_rng(1).integers(0, 300, (50, 300))
    assert drawn["micro_f1"] == pytest.approx(
        [f1_score(truth[rows], predicted[rows], average="micro") for rows in by_hand]
    )
    worse = np.where(np.arange(300)[:, np.newaxis] % 5, predicted, 1 - truth)
    assert judge.differences(truth, worse, predicted, resamples=200)["micro_f1"].high < 0
    gaps = judge.gaps(truth, predicted, {"source": ["web", "shop"] * 150}, FairnessSettings(resamples=200))
    assert gaps["columns"]["source"]["gaps"]["micro_f1"]["high"] <= 1.0


def test_answers_of_several_labels_are_kept_and_read_back(tmp_path: Any) -> None:
    truth, predicted = sample(5, 5)
    found = Predictions(list("abcde"), list("abcde"), truth, predicted, {"probabilities": predicted * 0.5}, {})
    predictions.write(str(tmp_path / "p.parquet"), {"test": found}, LABELS)
    again, names = predictions.read(str(tmp_path / "p.parquet"))
    assert names == LABELS
    assert (again["test"].label == truth).all()
    assert (again["test"].predicted == predicted).all()
    assert again["test"].label.dtype == np.int8


def test_a_linear_model_finds_the_labels_by_their_words() -> None:
    words = {"billing": "invoice", "login": "password", "speed": "slow"}
    sets = [[label for bit, label in enumerate(LABELS) if number >> bit & 1] for number in range(8)]
    texts = [f"{' '.join(words[label] for label in tags)} text {copy}" for copy in range(12) for tags in sets]
    truth = TAGS.truth(["\n".join(tags) for _ in range(12) for tags in sets])
    truth[:, 2] = 0  # a label without a row in train
    rows = RawSplit(texts, truth, {"source": ["web"] * len(texts)})
    found = TAGS.part("linear")({"train": rows, "eval": rows, "test": rows}, TAGS, 1)
    test = found.record["splits"]["test"]
    assert test["micro_f1"] == 1.0
    assert test["macro_f1"] == pytest.approx(2 / 3), "a label that is neither right nor answered counts with 0"
    assert not found.predictions["test"].predicted[:, 2].any()


def test_the_report_is_told_each_label_and_the_surest_errors() -> None:
    truth, predicted = sample(80, 6)
    found = Predictions(
        [""] * 80, [f"text {row}" for row in range(80)], truth, predicted,
        {"probabilities": np.where(predicted > 0, 0.9, 0.2).astype(np.float32)}, {"source": ["web"] * 80},
    )  # fmt: skip
    details = scoring.of(TAGS).details(found)
    assert details["by_label"]["login"]["rows"] == truth[:, 1].sum()
    assert sum(details["several"]["answered"]) == 80
    made = plots.many_labels_plots({"splits": {"test": details}}, LABELS)
    assert [plot.name for plot in made] == ["by-label", "several-labels"]
    assert plots.many_labels_plots({"splits": {"test": {"model": None}}}, LABELS) == []
    worst = errors.worst_errors(found, LABELS, split="eval", count=3, training=None)
    assert worst["errors"] == int((truth != predicted).any(axis=1).sum())
    most = int((truth != predicted).sum(axis=1).max())
    assert worst["items"][0]["note"] == f"{most} of 3 labels wrong"


def test_a_threshold_lets_in_the_very_rows_that_it_was_chosen_for() -> None:
    at = np.float32(0.7)
    near = np.array([at, np.nextafter(at, np.float32(0))], np.float32)  # nothing lies between them
    [threshold] = decision.best_thresholds(np.array([[1], [0]]), near[:, np.newaxis])
    assert (near >= np.float32(threshold)).tolist() == [True, False]
    [threshold] = decision.best_thresholds(np.array([[1], [0]]), np.zeros((2, 1), np.float32))
    assert 0 < threshold < 1, "rows that all score 0 leave no choice, and are no error"
