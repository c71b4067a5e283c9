"""`keras_metrics` and `tfma_metrics` of one label: the numbers that decide, against scikit-learn's."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import modules  # noqa: F401
from modules.quality import intervals, scoring
from modules.targets.one_label import tfma_metrics
from modules.targets.one_label.keras_metrics import SparseMacroF1
from modules.targets.one_label.target import OneLabel
from modules.targets.one_label.tfma_metrics import macro_scores

import numpy as np
import pandas as pd
import pytest
import tensorflow_model_analysis as tfma
import tf_keras
from google.protobuf import json_format
from sklearn.metrics import balanced_accuracy_score, f1_score, ndcg_score, precision_score, recall_score
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2


def sample(rows: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and probabilities that are right more often than not."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, rows)
    scores = random.random((rows, classes)) + np.eye(classes)[labels] * 0.5
    return labels, (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)


# In training


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_macro_f1_of_the_training_is_scikit_learns_over_any_batches(classes: int) -> None:
    labels, probabilities = sample(200, classes, seed=classes)
    metric = SparseMacroF1(classes)
    for part in np.array_split(np.arange(200), [3, 50, 51]):
        metric.update_state(labels[part], probabilities[part])
    expected = f1_score(labels, probabilities.argmax(axis=1), average="macro")
    assert metric.result().numpy() == pytest.approx(expected, abs=1e-6)


def test_every_place_that_tells_a_macro_f1_tells_the_same() -> None:
    labels, probabilities = sample(150, 5, seed=8)
    labels[labels == 3] = 0  # a class that is predicted and never true
    predictions = probabilities.argmax(axis=1)
    in_training, judge = SparseMacroF1(5), scoring.of(OneLabel(labels=list("abcde")))
    in_training.update_state(labels, probabilities)
    found = {
        "training": float(in_training.result().numpy()),
        "TFMA": macro_scores(Counter(zip(labels.tolist(), predictions.tolist(), strict=True)), 5)["f1"],
        "linear baseline and devices": judge.scored(labels, predictions, {})["macro_f1"],
        "report and card": intervals.metric_intervals(labels, predictions, 5)["macro_f1"].value,
    }
    expected = f1_score(labels, predictions, labels=list(range(5)), average="macro", zero_division=0.0)
    assert found == pytest.approx(dict.fromkeys(found, expected), abs=1e-6)


def test_labels_may_be_a_column() -> None:
    labels, probabilities = sample(20, 3, seed=1)
    flat, column = SparseMacroF1(3), SparseMacroF1(3)
    flat.update_state(labels, probabilities)
    column.update_state(labels[:, np.newaxis], probabilities)
    assert flat.result().numpy() == column.result().numpy()


def test_a_new_epoch_starts_from_nothing() -> None:
    metric = SparseMacroF1(2)
    metric.update_state([0, 1], [[0.0, 1.0], [1.0, 0.0]])
    metric.reset_state()
    metric.update_state([0, 1], [[1.0, 0.0], [0.0, 1.0]])
    assert metric.result().numpy() == 1.0


def test_an_even_probability_still_counts_as_a_prediction() -> None:
    metric = SparseMacroF1(3)
    metric.update_state([0, 1, 2], [[0.34, 0.33, 0.33], [0.3, 0.4, 0.3], [0.33, 0.33, 0.34]])
    assert metric.result().numpy() == 1.0


def test_the_metric_survives_saving() -> None:
    metric = SparseMacroF1(4, name="other")
    again = tf_keras.metrics.deserialize(tf_keras.metrics.serialize(metric))
    assert isinstance(again, SparseMacroF1)
    assert (again.num_classes, again.name) == (4, "other")


# In evaluation


@pytest.mark.parametrize("classes", [2, 3, 6])
@pytest.mark.parametrize("seed", range(4))
def test_macro_averages_are_scikit_learns(classes: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    labels, predictions = random.integers(0, classes, (2, 5 + 40 * seed))
    matrix = Counter(zip(labels.tolist(), predictions.tolist(), strict=True))
    ids = list(range(classes))
    found = macro_scores(matrix, classes)
    for name, function in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score)):
        expected = function(labels, predictions, labels=ids, average="macro", zero_division=0.0)
        assert found[name] == pytest.approx(expected)


def test_a_class_that_never_occurs_counts_with_zero() -> None:
    assert macro_scores({(0, 0): 5}, 2) == {"precision": 0.5, "recall": 0.5, "f1": 0.5}
    assert macro_scores({}, 2) == {"precision": 0.0, "recall": 0.0, "f1": 0.0}


def test_a_row_without_any_prediction_counts_against_recall_only() -> None:
    found = macro_scores({(0, 0): 1, (0, -1): 1, (1, 1): 2}, 2)
    assert (found["precision"], found["recall"]) == (1.0, 0.75)


def evaluate(
    labels: np.ndarray, probabilities: np.ndarray, metrics: list[dict], *, more: dict[str, Any] | None = None,
    **options: Any,
) -> dict[str, float]:  # fmt: skip
    """What TFMA itself measures with our metrics, from an `EvalConfig` as Evaluator gets it."""
    spec = {"label_key": "label", "prediction_key": "prediction"}
    document = {
        "model_specs": [spec],
        "slicing_specs": [{}],
        "metrics_specs": [
            {
                "metrics": [{**metric, "module": "modules.targets.one_label.tfma_metrics"} for metric in metrics],
                **options,
            }
        ],
        "options": {"include_default_metrics": False},
    }
    frame = pd.DataFrame({"label": labels.astype(np.int64), "prediction": list(probabilities), **(more or {})})
    result = tfma.analyze_raw_data(frame, json_format.ParseDict(document, config_pb2.EvalConfig()))
    [(_, found)] = result.slicing_metrics
    return {name: value["doubleValue"] for name, value in found[""][""].items() if "doubleValue" in value}


def of_answers(
    labels: np.ndarray, probabilities: np.ndarray, more: dict[str, np.ndarray], target: OneLabel
) -> dict[str, float]:
    """What TFMA's combiners make of the metrics of what is answered, from all that a model gives."""
    spec = {"name": "candidate", "label_key": "label_id", "prediction_key": "probabilities"}
    models = [spec, {**spec, "name": "baseline", "is_baseline": True}]
    config = json_format.ParseDict({"model_specs": models}, config_pb2.EvalConfig())
    found = {}
    for name, listed in target.metric_specs()[0][0].items():
        if name in ("rows", "calibration_error"):
            continue
        own = getattr(tfma_metrics, listed["class_name"])(**json.loads(listed["config"]))
        first, *_, last = own.computations(eval_config=config, model_names=["candidate"], output_names=[""])
        state = first.combiner.create_accumulator()
        for row, label in enumerate(labels):
            answers = {"probabilities": probabilities[row], **{key: values[row] for key, values in more.items()}}
            given = {"labels": {"label_id": np.array([label])}, "predictions": {"candidate": answers}}
            state = first.combiner.add_input(state, tfma.metrics.StandardMetricInputs(given))
        [found[name]] = last.result(first.combiner.extract_output(state)).values()
    return found


def test_with_a_threshold_the_evaluator_judges_what_is_answered_and_not_the_most_probable_label() -> None:
    labels, probabilities = sample(120, 2, seed=3)
    target = OneLabel(labels=["no", "yes"], positive="yes", decision={"threshold": 0.8})
    answered = target.decided(probabilities)
    found = of_answers(labels, probabilities, {"decision": np.eye(2)[answered]}, target)
    recalls = recall_score(labels, answered, average=None)
    assert found == pytest.approx(
        {
            "accuracy": np.mean(labels == answered),
            "macro_f1": f1_score(labels, answered, average="macro"),
            "precision": precision_score(labels, answered, average="macro"),
            "recall": recalls.mean(),
            "balanced_accuracy": balanced_accuracy_score(labels, answered),
            "recall_no": recalls[0],
            "recall_yes": recalls[1],
            **dict(
                zip(("precision_no", "precision_yes"), precision_score(labels, answered, average=None), strict=True)
            ),
        }
    )
    most_probable = np.mean(labels == probabilities.argmax(axis=1))
    assert found["accuracy"] != pytest.approx(most_probable)
    assert of_answers(labels, probabilities, {}, target)["accuracy"] == pytest.approx(most_probable), "an older model"


def test_no_metric_of_ours_has_the_name_of_one_that_tfma_or_keras_would_take_in_its_place() -> None:
    groups = OneLabel(labels=["no", "yes"], positive="yes", decision={"threshold": 0.5}).metric_specs()
    listed = [metric for metrics, _ in groups for metric in metrics.values()]
    own = {metric["class_name"] for metric in listed if "module" in metric}
    assert {"MeanRecall", "ShareRight", "OfLabel"} <= own
    assert not own & metric_types.registered_metrics().keys()
    assert not [name for name in own if hasattr(tf_keras.metrics, name)]
    assert all(hasattr(tfma_metrics, name) for name in own)


def test_training_goes_by_the_macro_f1_of_what_will_be_answered() -> None:
    labels, probabilities = sample(300, 2, seed=5)
    probabilities = probabilities * np.float32([1, 0.4])
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    target = OneLabel(labels=["no", "yes"], positive="yes", decision={"threshold": "auto"})
    [_, open_] = target.metrics()
    open_.update_state([0, 1], [[0.1, 0.9], [0.9, 0.1]])
    open_.reset_state()  # a new epoch
    for part in np.array_split(np.arange(300), 4):
        open_.update_state(labels[part], probabilities[part])
    best = f1_score(labels, target.settled(labels, probabilities).decided(probabilities), average="macro")
    assert float(open_.result()) == pytest.approx(best, abs=0.01)
    assert best > f1_score(labels, probabilities.argmax(axis=1), average="macro") + 0.05
    given = target.with_values(decision={"threshold": 0.25})
    [_, fixed] = given.metrics()
    fixed.update_state(labels[:, np.newaxis], probabilities)
    assert float(fixed.result()) == pytest.approx(f1_score(labels, given.decided(probabilities), average="macro"))
    again = tf_keras.metrics.deserialize(tf_keras.metrics.serialize(fixed))
    assert (again.positive, again.threshold) == (1, 0.25)


def expected_calibration_error(labels: np.ndarray, probabilities: np.ndarray, bins: int = 15) -> float:
    """Guo et al. 2017, written down from the paper."""
    confidence, predictions = probabilities.max(axis=1), probabilities.argmax(axis=1)
    error = 0.0
    for low in np.arange(bins) / bins:
        chosen = (confidence >= low) & (confidence < low + 1 / bins)
        if chosen.any():
            error += chosen.mean() * abs((predictions[chosen] == labels[chosen]).mean() - confidence[chosen].mean())
    return float(error)


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 4])
def test_evaluator_measures_what_scikit_learn_measures(classes: int) -> None:
    labels, probabilities = sample(300, classes, seed=classes)
    num_classes = {"config": json.dumps({"num_classes": classes})}
    found = evaluate(
        labels,
        probabilities,
        [
            {"class_name": "MacroF1", **num_classes},
            {"class_name": "MacroPrecision", **num_classes},
            {"class_name": "MacroRecall", **num_classes},
            {"class_name": "CalibrationError"},
        ],
    )
    predictions = probabilities.argmax(axis=1)
    assert found["macro_f1"] == pytest.approx(f1_score(labels, predictions, average="macro"), abs=1e-6)
    assert found["precision"] == pytest.approx(precision_score(labels, predictions, average="macro"), abs=1e-6)
    assert found["recall"] == pytest.approx(recall_score(labels, predictions, average="macro"), abs=1e-6)
    assert found["calibration_error"] == pytest.approx(expected_calibration_error(labels, probabilities), abs=1e-5)


@pytest.mark.slow
def test_a_confident_fool_is_badly_calibrated_and_a_sure_expert_is_not() -> None:
    labels = np.array([0, 1] * 20)
    sure = np.eye(2, dtype=np.float32)[labels]
    assert evaluate(labels, sure, [{"class_name": "CalibrationError"}]) == {"calibration_error": 0.0}
    assert evaluate(labels, 1 - sure, [{"class_name": "CalibrationError"}]) == {"calibration_error": 1.0}


# By query


def test_ndcg_of_a_query_is_scikit_learns_whatever_the_order_of_ties() -> None:
    random = np.random.default_rng(3)
    for _ in range(50):
        positive, scores = random.random(17) < 0.4, random.integers(0, 6, 17) / 6
        if positive.any():
            found = tfma_metrics.ranked_score("ndcg", positive, scores, 5)
            assert found == pytest.approx(ndcg_score([positive], [scores], k=5))
    assert tfma_metrics.ranked_score("ndcg", np.zeros(4, bool), np.arange(4.0), 5) is None


def test_recall_at_the_top_is_of_as_many_positive_rows_as_the_top_holds() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.1])
    assert tfma_metrics.ranked_score("recall", np.array([True, False, True, False]), scores, 2) == 0.5
    assert tfma_metrics.ranked_score("recall", np.array([True, True, True, False]), scores, 2) == 1.0
    assert tfma_metrics.ranked_score("recall", np.array([False, False, False, True]), scores, 10) == 1.0
    assert tfma_metrics.ranked_score("recall", np.array([True, False]), np.array([0.5, 0.5]), 1) == 0.5, "a tie"


def test_tfma_ranks_the_rows_of_each_query_and_leaves_out_those_without_a_positive_row() -> None:
    target = OneLabel(labels=["other", "liked"], positive="liked", queries={"column": "user", "top": 2})
    *_, (metrics, options) = target.metric_specs()
    assert (set(metrics), options) == ({"ndcg_at_top", "recall_at_top"}, {"query_key": "user"})
    truth, liked = np.array([1, 0, 0, 1, 1, 0]), np.array([0.9, 0.8, 0.7, 0.6, 0.1, 0.99])
    more = {"user": ["a", "b", "a", "b", "a", "c"]}
    found = evaluate(truth, np.stack([1 - liked, liked], axis=1), list(metrics.values()), more=more, **options)
    # Of `a` a liked row is first and the other one third; of `b` the liked one is second; `c` likes nothing.
    ideal = 1 + 1 / np.log2(3)
    assert found["ndcg_at_top"] == pytest.approx((1 / ideal + 1 / np.log2(3)) / 2)
    assert found["recall_at_top"] == pytest.approx((0.5 + 1) / 2)


def test_queries_need_a_label_to_be_ranked_by() -> None:
    with pytest.raises(ValueError, match="set `positive` to one of two labels"):
        OneLabel(labels=["a", "b"], queries={"column": "user"})
    ranked = OneLabel(labels=["a", "b"], positive="b", queries={"column": "user"})
    assert "ndcg_at_top" not in OneLabel(labels=["a", "b"]).measured
    assert "ndcg_at_top" in ranked.measured
    assert ranked.undecided() == ranked.narrowed(["a", "b"]) == OneLabel(labels=["a", "b"])
