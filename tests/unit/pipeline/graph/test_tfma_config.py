"""`modules.quality.tfma.config`, and the resolvers: which bounds hold on what, and against whom."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.quality.tfma.results import CANDIDATE, PREVIOUS
from modules.targets.one_label.tfma_metrics import MacroF1

import ml_metadata as mlmd
import pytest
from ml_metadata.proto import metadata_store_pb2
from tfx.types import standard_artifacts

from pipeline.components.lookups.resolvers import LatestOtherBlessedModelStrategy, LatestWholeArtifactStrategy
from pipeline.config.task import Config
from pipeline.graph.evaluation import eval_config


def config(thresholds: dict[str, Any], slices: list[str] | None = None) -> Config:
    return Config.model_validate(
        {
            "task": "a", "labels": ["bad", "so-so", "good"], "schema_path": "s",
            "data": {"dataset": "vader", "columns": {"slices": slices if slices is not None else ["source", "year"]}},
            "evaluator": {"thresholds": thresholds},
        }
    )  # fmt: skip


def metric_of(result: Any, name: str) -> Any:
    """The metric of an `EvalConfig` that is called `name`."""
    classes = {"macro_f1": "MacroF1", "calibration_error": "CalibrationError", "precision": "MacroPrecision"}
    found = [
        metric
        for spec in result.metrics_specs
        for metric in spec.metrics
        if f'"name": "{name}"' in metric.config or metric.class_name == classes.get(name)
    ]
    assert len(found) == 1, [metric.class_name for metric in found]
    return found[0]


def overall(metric: Any) -> Any:
    """The bounds of a metric on all rows together; TFMA would apply a plain `threshold` to every slice as well."""
    assert not metric.HasField("threshold")
    [part] = [
        part for part in metric.per_slice_thresholds if [list(spec.feature_keys) for spec in part.slicing_specs] == [[]]
    ]
    return part.threshold


def test_the_candidate_is_compared_with_the_baseline_on_eval_and_with_nobody_on_test() -> None:
    gated, final = eval_config(config({}), gated=True), eval_config(config({}), gated=False)
    assert [(spec.name, spec.is_baseline) for spec in gated.model_specs] == [(CANDIDATE, False), (PREVIOUS, True)]
    assert [(spec.name, spec.is_baseline) for spec in final.model_specs] == [("", False)]
    for spec in (*gated.model_specs, *final.model_specs):
        assert (spec.signature_name, spec.label_key) == ("serving_default", "label_id")
        assert list(spec.preprocessing_function_names) == ["transform_features"]


def test_metrics_are_measured_overall_and_for_each_value_of_each_slice_column() -> None:
    result = eval_config(config({}), gated=True)
    assert [list(spec.feature_keys) for spec in result.slicing_specs] == [[], ["source"], ["year"]]
    assert [list(s.feature_keys) for s in eval_config(config({}, slices=[]), gated=True).slicing_specs] == [[]]


def test_every_class_has_its_precision_and_recall() -> None:
    configs = [metric.config for spec in eval_config(config({}), gated=True).metrics_specs for metric in spec.metrics]
    for number, label in enumerate(["bad", "so-so", "good"]):
        for kind in ("precision", "recall"):
            assert sum(f'"{kind}_{label}"' in text and f'"class_id": {number}' in text for text in configs) == 1


def test_own_metrics_are_found_by_tfma() -> None:
    metric = metric_of(eval_config(config({}), gated=True), "macro_f1")
    assert (metric.module, metric.class_name) == ("modules.targets.one_label.tfma_metrics", MacroF1.__name__)
    assert metric.config == '{"num_classes": 3}'


@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "auc", "precision", "calibration_error"])
def test_a_metric_that_equals_its_bound_passes_and_one_beyond_it_does_not(name: str) -> None:
    bounds = eval_config(config({name: {"min": 0.25, "max": 0.75}}), gated=True)
    threshold = overall(metric_of(bounds, name)).value_threshold
    # TFMA wants the value strictly inside.
    assert threshold.lower_bound.value < 0.25 == pytest.approx(threshold.lower_bound.value, abs=1e-8)
    assert threshold.upper_bound.value > 0.75 == pytest.approx(threshold.upper_bound.value, abs=1e-8)


def test_only_the_bound_that_was_set_is_set() -> None:
    threshold = overall(metric_of(eval_config(config({"accuracy": {"min": 0.5}}), gated=True), "accuracy"))
    assert not threshold.value_threshold.HasField("upper_bound")
    assert not threshold.HasField("change_threshold")


@pytest.mark.parametrize(
    ("name", "direction", "absolute"),
    [("accuracy", "HIGHER_IS_BETTER", -0.01), ("calibration_error", "LOWER_IS_BETTER", 0.01)],
)
def test_a_drop_against_the_latest_blessed_model_is_bounded_in_the_right_direction(
    name: str, direction: str, absolute: float
) -> None:
    metric = metric_of(eval_config(config({name: {"max_drop": 0.01}}), gated=True), name)
    change = overall(metric).change_threshold
    assert change.absolute.value == pytest.approx(absolute, abs=1e-8)
    assert abs(change.absolute.value) > 0.01, "a drop of exactly the bound passes"
    assert f"direction: {direction}" in str(change)


def test_a_floor_for_slices_holds_for_every_slice_column_and_not_overall() -> None:
    metric = metric_of(eval_config(config({"accuracy": {"slice_min": 0.7}}), gated=True), "accuracy")
    assert not metric.HasField("threshold")
    [part] = metric.per_slice_thresholds
    assert [list(spec.feature_keys) for spec in part.slicing_specs] == [["source"], ["year"]]
    assert part.threshold.value_threshold.lower_bound.value == pytest.approx(0.7, abs=1e-8)


def test_for_an_error_the_bound_of_slices_is_a_ceiling() -> None:
    metric = metric_of(eval_config(config({"calibration_error": {"slice_min": 0.2}}), gated=True), "calibration_error")
    value = metric.per_slice_thresholds[0].threshold.value_threshold
    assert (value.HasField("upper_bound"), value.HasField("lower_bound")) == (True, False)


def test_without_slice_columns_a_floor_for_slices_means_nothing() -> None:
    result = eval_config(config({"accuracy": {"slice_min": 0.7}}, slices=[]), gated=True)
    assert not metric_of(result, "accuracy").per_slice_thresholds


def test_nothing_is_judged_on_test() -> None:
    result = eval_config(config({"accuracy": {"min": 0.9, "max_drop": 0.1, "slice_min": 0.9}}), gated=False)
    for spec in result.metrics_specs:
        for metric in spec.metrics:
            assert not metric.HasField("threshold")
            assert not metric.per_slice_thresholds


def test_tfma_accepts_every_bound_at_once() -> None:
    from tensorflow_model_analysis.utils import config_util

    bound = {"min": 0.5, "max_drop": 0.01, "slice_min": 0.4}
    names = ("accuracy", "macro_f1", "auc", "precision", "recall", "calibration_error")
    result = eval_config(config(dict.fromkeys(names, bound)), gated=True)
    config_util.verify_eval_config(config_util.update_eval_config_with_defaults(result, has_baseline=True))


# The baseline


@pytest.fixture
def store() -> mlmd.MetadataStore:
    connection = metadata_store_pb2.ConnectionConfig()
    connection.fake_database.SetInParent()
    return mlmd.MetadataStore(connection)


def model(number: int) -> standard_artifacts.Model:
    found = standard_artifacts.Model()
    found.id = number
    return found


def model_with(number: int, folder: Path, labels: list[str]) -> standard_artifacts.Model:
    found = model(number)
    found.uri = str(folder / str(number))
    (folder / str(number) / "training").mkdir(parents=True)
    (folder / str(number) / "training" / "labels.json").write_text(json.dumps(labels))
    return found


def blessing(number: int, of: int, *, blessed: bool) -> standard_artifacts.ModelBlessing:
    found = standard_artifacts.ModelBlessing()
    found.id, found.uri = number, f"/blessing/{number}"
    found.set_int_custom_property("blessed", int(blessed))
    found.set_int_custom_property("current_model_id", of)
    return found


@pytest.mark.parametrize(
    ("models", "blessed", "candidate", "expected"),
    [
        ([1, 2, 3], {1: True, 2: True, 3: True}, 3, 2),
        ([1, 2, 3], {1: True, 2: False}, 3, 1),
        ([1, 2, 3], {3: True}, 3, None),
        ([1], {1: True}, 1, None),
        ([3, 1, 2], {1: True, 2: True}, 3, 2),
        ([1, 2], {1: False}, 2, None),
        ([1], {}, 1, None),
        # A candidate that comes from the cache may be older than another blessed model.
        ([1, 2], {1: True, 2: True}, 1, 2),
    ],
)
def test_the_baseline_is_the_latest_blessed_model_other_than_the_candidate(
    store: mlmd.MetadataStore, models: list[int], blessed: dict[int, bool], candidate: int, expected: int | None
) -> None:
    found = LatestOtherBlessedModelStrategy().resolve_artifacts(
        store,
        {
            "model": [model(number) for number in models],
            "model_blessing": [blessing(100 + of, of, blessed=value) for of, value in blessed.items()],
            "candidate": [model(candidate)],
        },
    )
    assert [artifact.id for artifact in found["model"]] == ([expected] if expected else [])
    assert len(found["model_blessing"]) == len(found["model"])
    assert [artifact.id for artifact in found["candidate"]] == [candidate]


def test_a_model_that_is_gone_or_has_other_labels_is_passed_over_and_told(
    store: mlmd.MetadataStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    labels = {1: ["a", "b"], 2: ["a", "b"], 3: ["a", "b", "c"], 4: ["b", "a"], 5: ["a", "b"]}
    models = {number: model_with(number, tmp_path, names) for number, names in labels.items()}
    shutil.rmtree(tmp_path / "2")
    given = {
        "model": list(models.values()),
        "model_blessing": [blessing(100 + number, number, blessed=True) for number in (1, 2, 3, 4)],
        "candidate": [models[5]],
    }
    with caplog.at_level("INFO", "edgeline.progress"):
        found = LatestOtherBlessedModelStrategy().resolve_artifacts(store, given)
    assert [artifact.id for artifact in found["model"]] == [1]
    assert [artifact.get_int_custom_property("current_model_id") for artifact in found["model_blessing"]] == [1]
    assert f"{tmp_path}/3 is passed over: it has other labels: a, b, c instead of a, b" in caplog.text
    assert f"{tmp_path}/2 is gone" in caplog.text
    shared = LatestOtherBlessedModelStrategy(shared=True).resolve_artifacts(store, given)
    assert [artifact.id for artifact in shared["model"]] == [4], "the same labels in another order are shared"


def test_the_latest_artifact_that_is_still_there_is_taken(store: mlmd.MetadataStore, tmp_path: Path) -> None:
    found = []
    for number in (1, 2, 3):
        artifact = standard_artifacts.HyperParameters()
        artifact.id, artifact.uri = number, str(tmp_path / str(number))
        (tmp_path / str(number)).mkdir()
        found.append(artifact)
    shutil.rmtree(tmp_path / "3")
    strategy = LatestWholeArtifactStrategy()
    assert strategy.resolve_artifacts(store, {"best_hyperparameters": found}) == {"best_hyperparameters": [found[1]]}
    assert strategy.resolve_artifacts(store, {"best_hyperparameters": []}) == {"best_hyperparameters": []}


def test_the_first_model_ever_has_no_baseline_and_is_still_evaluated(store: mlmd.MetadataStore) -> None:
    inputs = {"model": [], "model_blessing": [], "candidate": [model(1)]}
    found = LatestOtherBlessedModelStrategy().resolve_artifacts(store, inputs)
    assert found == {"model": [], "model_blessing": [], "candidate": inputs["candidate"]}
