"""`pipeline.local.closing`: what a person reads when a run has ended."""

from __future__ import annotations

import copy
import io
from typing import Any

import pytest
from rich.console import Console

from pipeline.local import closing

BOUND = {"min": None, "max": None, "max_drop": None, "slice_min": None}
SUMMARY: dict[str, Any] = {
    "run_id": "20261123T060000",
    "task": "sentiment",
    "profile": "quick",
    "state": "done",
    "blessed": True,
    "not_blessed_because": [],
    "thresholds": {
        "accuracy": {**BOUND, "min": 0.78, "max_drop": 0.01, "slice_min": 0.7},
        "calibration_error": {**BOUND, "max": 0.15},
    },
    "metrics": {
        "eval": {"rows": 90, "accuracy": 0.8123, "macro_f1": 0.81, "slices": {"source:web": {"accuracy": 0.75}}},
        "test": {
            "rows": 100,
            "accuracy": 0.8051,
            "macro_f1": 0.8,
            "slices": {"source:web": {"rows": 40, "accuracy": 0.7777, "macro_f1": 0.77}},
        },
    },
    "baseline": {"splits": {"test": {"accuracy": 0.7333, "macro_f1": 0.73, "slices": {}}}},
    "training": {"settings": {"learning_rate": 0.000123, "dropout": 0.1, "epochs": 1}},
    "tuner_trials": [{"learning_rate": 1e-4, "dropout": 0.1, "score": 0.7}, {"learning_rate": 2e-4, "dropout": 0.2}],
    "states": {"ExampleGen": "executed", "Trainer": "executed", "Transform": "cached", "Resolver": "resolved"},
    "cache_hits": 1,
    "edge": None,
    "pushed": {
        "server": {"version": "1763877600", "path": "/runs/sentiment/pushed/server/1763877600"},
        "edge": None,
    },
    "seconds": {"total": 125.4, "imports": 9.2, "nodes": {}},
}


def shown(width: int = 120, **changes: Any) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, emoji=False)
    closing.show({**copy.deepcopy(SUMMARY), **changes}, console, run_dir="runs/sentiment/history/latest")
    return out.getvalue()


def test_copies_that_were_wanted_and_not_made_are_told() -> None:
    told = "0 varied rows of 186 wanted (186 of texts in which nothing could be varied), as texts in zh"
    assert f"Varied    {told}" in shown(width=200, augmentation={"made": 0, "wanted": 186, "message": told})
    assert "Varied" not in shown()


def test_a_backbone_of_another_language_is_told() -> None:
    found = {"texts": {"de": 0.9}, "backbone": ["en"], "unknown_token_rate": 0.0, "problem": "the texts are German"}
    assert "Language  the texts are German" in shown(language=found)
    assert "Language" not in shown(language={**found, "problem": ""})
    assert "Language" not in shown(language=None)


def test_quality_is_shown_overall_and_by_slice_beside_the_baseline() -> None:
    lines = shown().splitlines()
    overall = next(line for line in lines if line.startswith("overall"))
    assert overall.split() == ["overall", "100", "0.805", "0.733", "0.800", "0.730", "0.812", "0.810"]
    web = next(line for line in lines if line.startswith("source:web"))
    assert web.split() == ["source:web", "40", "0.778", "0.770", "0.750"]


def test_the_metrics_of_another_target_are_shown_by_their_names() -> None:
    text = shown(
        metrics={"eval": {"rows": 9, "mae": 0.5, "mse": 0.4, "slices": {}}, "test": None},
        baseline={"model": "TF-IDF (words) + ridge regression, scikit-learn", "splits": {"eval": {"mae": 0.7}}},
        thresholds={"mae": {**BOUND, "max": 1.0}},
    )
    assert next(line for line in text.splitlines() if line.startswith("overall")).split() == [
        "overall",
        "0.500",
        "0.700",
    ]
    assert "base: TF-IDF + ridge regression on the same rows" in text
    assert "accuracy" not in text
    assert "0.400" not in text, "what neither the gate nor the baseline knows is in summary.json"


def test_of_a_rare_label_the_summary_tells_how_well_it_is_found_and_from_where_it_is_answered() -> None:
    found = {"macro_f1": 0.81, "pr_auc": 0.713, "recall_at_precision": 0.55, "balanced_accuracy": 0.88}
    answered = {"precision_spam": 0.7, "recall_spam": 0.65, "accuracy": 0.99, "slices": {}}
    base = {"accuracy": 0.98, "macro_f1": 0.78, "pr_auc": 0.65, "recall_at_precision": 0.4, "slices": {}}
    text = shown(
        metrics={"eval": None, "test": {"rows": 300, **found, **answered}},
        baseline={"splits": {"test": base}},
        looked_for={"label": "spam", "min_precision": 0.9, "metrics": ["macro_f1", "pr_auc"]},
        training={**SUMMARY["training"], "decision": {"label": "spam", "threshold": 0.3125}},
    )
    overall = next(line for line in text.splitlines() if line.startswith("overall"))
    assert overall.split() == ["overall", "300", "0.810", "0.780", "0.713", "0.650"], "accuracy says nothing of it"
    assert (
        "Label     spam on test: PR-AUC 0.713 (base 0.650); recall at a precision of 0.9 or more 0.550 (base 0.400); "
        "balanced accuracy 0.880; as it answers: precision 0.700, recall 0.650, answered from a probability of 0.312 on"
    ) in " ".join(text.split("\n"))
    assert "Label " not in shown()


def test_a_blessing_names_every_bound_that_was_met() -> None:
    text = shown()
    assert "Blessed" in text
    assert "accuracy ≥ 0.78, accuracy on every slice ≥ 0.7, accuracy at most 0.01 below the latest blessed" in text
    assert "calibration_error ≤ 0.15" in text
    assert "/runs/sentiment/pushed/server/1763877600 (SavedModel, version 1763877600)" in text


def test_a_refusal_says_that_nothing_was_pushed_and_which_metric_missed_which_bound() -> None:
    missed = [{"message": "accuracy on source:web is 0.6900, at least 0.700 was asked for [web]"}]
    text = shown(blessed=False, not_blessed_because=missed, pushed={"server": None, "edge": None})
    assert "Not blessed, so nothing was pushed:" in text
    assert missed[0]["message"] in text
    assert "Server" not in text


def test_the_quick_profile_says_that_its_tuning_was_small() -> None:
    assert "2 trials, took learning_rate 0.000123, dropout 0.1 (the quick profile searches for real" in shown()
    assert "the quick profile" not in shown(profile="full")


def test_a_search_alone_says_that_nothing_was_trained_with_it() -> None:
    assert "2 trials; nothing was trained with the best of them" in shown(training=None)


def test_what_was_taken_of_an_earlier_search_is_told_and_that_there_was_none() -> None:
    told = shown(tuner_trials=None, reused={"learning_rate": 1e-4, "dropout": 0.25})
    assert "Tuning    took learning_rate 0.0001, dropout 0.25 of an earlier search" in told
    assert "Tuning    no earlier search was found: trainer's own values" in shown(tuner_trials=None, reused={})


def test_without_tuning_there_is_no_line_about_it() -> None:
    assert "Tuning" not in shown(tuner_trials=None)


def test_quarantined_rows_are_told_with_their_reasons_and_their_file() -> None:
    cleaning = {
        "rows": 100,
        "kept": 97,
        "quarantined": {"duplicate": 2, "unknown_label": 1},
        "file": "/q/rows.jsonl.gz",
    }
    assert "Rows      97 of 100; quarantined: duplicate 2, unknown_label 1 (/q/rows.jsonl.gz)" in shown(
        data_cleaning=cleaning
    )
    assert "Rows" not in shown(data_cleaning={**cleaning, "kept": 100, "quarantined": {}})


def test_time_and_work_are_told() -> None:
    text = shown()
    assert "2 min 5 s, imports 9 s of it · 2 nodes executed, 1 from the cache" in text
    assert "runs/sentiment/history/latest/summary.json" in text
    assert "59 s" in shown(seconds={"total": 59.2, "imports": 0.0, "nodes": {}})
    assert "2 min 0 s" in shown(seconds={"total": 119.6, "imports": 0.0, "nodes": {}})


def test_a_run_that_only_executed_one_node_still_has_a_closing() -> None:
    text = shown(
        metrics={"eval": None, "test": None}, baseline=None, training=None, tuner_trials=None, blessed=None,
        pushed={"server": None, "edge": None}, states={"ExampleGen": "executed"}, cache_hits=0,
    )  # fmt: skip
    assert "overall" not in text
    assert "lessed" not in text
    assert "1 nodes executed, 0 from the cache" in text


def test_a_baseline_that_did_not_run_leaves_its_columns_empty() -> None:
    overall = next(line for line in shown(baseline=None).splitlines() if line.startswith("overall"))
    assert overall.split() == ["overall", "100", "0.805", "0.800", "0.812", "0.810"]


LINEAR: dict[str, Any] = {
    "metric": "macro_f1", "model": 0.81, "baseline": 0.7, "rows": 90, "level": 0.95, "verdict": "better",
    "difference": {"value": 0.11, "low": 0.05, "high": 0.17}, "missed": [],
}  # fmt: skip


def test_the_difference_to_the_baseline_is_told_with_its_interval_and_what_the_baseline_is() -> None:
    text = shown(beats_baseline={"eval": LINEAR, "test": None}, baseline={"model": "TF-IDF of words", "splits": {}})
    assert "base: TF-IDF of words on the same rows" in text
    told = "macro_f1 0.8100, the linear baseline 0.7000 on the same 90 rows: +0.1100 [+0.050, +0.170] at 95%"
    assert f"Baseline  on eval {told}\n" in text
    assert "To try" not in text


def test_a_difference_within_noise_is_no_proof_and_says_what_to_try() -> None:
    noise = {**LINEAR, "verdict": "within noise", "difference": {"value": 0.01, "low": -0.05, "high": 0.07}}
    text = shown(beats_baseline={"eval": noise, "test": None}, **{"try": ["longer training [x]", "all rows"]})
    assert "[-0.050, +0.070] at 95%; that is within noise, and no proof" in text
    assert "To try    longer training [x]\n          all rows\n" in text


def test_a_model_that_the_baseline_beats_is_refused_once_with_the_advice_behind_it() -> None:
    worse = {**LINEAR, "verdict": "worse", "missed": [{"message": "macro_f1 0.4, the linear baseline 0.8 [web]"}]}
    text = shown(
        blessed=False, not_blessed_because=worse["missed"], pushed={"server": None, "edge": None},
        beats_baseline={"eval": worse, "test": None}, **{"try": ["longer training"]},
    )  # fmt: skip
    assert text.count("the linear baseline 0.8 [web]") == 1
    assert text.index("the linear baseline 0.8 [web]") < text.index("To try    longer training")


def test_a_student_that_beats_its_teacher_is_told() -> None:
    edge = {"selected": None, "variants": {}, "student": {"message": "the student is better [+0.01]"}}
    assert "Student   the student is better [+0.01]" in shown(edge=edge)
    assert "Student" not in shown(edge={**edge, "student": {"message": None}})


@pytest.mark.parametrize("width", [40, 80])
def test_paths_are_never_broken_on_a_narrow_screen(width: int) -> None:
    text = shown(width)
    assert "runs/sentiment/history/latest/summary.json" in text
    assert "/runs/sentiment/pushed/server/1763877600" in text


def test_the_quality_table_fits_80_columns() -> None:
    table = shown(80).partition("acc: accuracy")[0]
    overall = next(line for line in table.splitlines() if line.startswith("overall"))
    assert overall.split() == ["overall", "100", "0.805", "0.733", "0.800", "0.730", "0.812", "0.810"]


def test_the_way_to_ones_own_data_is_shown() -> None:
    out = io.StringIO()
    closing.how_to_go_on(Console(file=out, width=60, highlight=False))
    assert "./edgeline data profile my.csv" in out.getvalue()


VARIANT = {"bytes": 7_012_345, "size_ratio": 6.44, "latency_ratio": 3.21, "accuracy": 0.81, "accuracy_drop": 0.002}


def test_the_bundle_is_told_with_size_speed_and_accuracy_and_where_it_lies() -> None:
    edge = {
        "selected": "dynamic_wi8_afp32",
        "variants": {"dynamic_wi8_afp32": VARIANT},
        "test": {"selected": {"accuracy": 0.8012, "accuracy_drop": 0.0039}},
    }
    pushed = {"server": None, "edge": {"path": "/runs/pushed/edge/5", "version": "5"}}
    text = shown(edge=edge, pushed=pushed)
    assert "dynamic_wi8_afp32: 7.01 MB, 6.4x smaller, 3.2x faster" in text
    assert "accuracy 0.801 on test (-0.004)" in text
    assert "/runs/pushed/edge/5/model.tflite (version 5)" in text


def test_a_bundle_that_no_variant_earned_is_told_with_each_reason() -> None:
    variants = {"float16": {"missed": ["too big", "too slow"]}, "int4": {"error": "does not convert [op]"}}
    text = shown(edge={"selected": None, "variants": variants})
    assert "No bundle passed the edge gate" in text
    assert "float16: too big; too slow" in text
    assert "int4: does not convert [op]" in text


def test_a_bundle_that_was_never_tried_is_told_with_the_reason() -> None:
    assert "Bundle    none: the model was not blessed" in shown(edge={"skipped": "the model was not blessed"})


def test_drift_and_skew_above_their_bounds_are_told() -> None:
    label = {"kind": "drift", "feature": "label", "measure": "infinity_norm", "distance": 0.25, "bound": 0.1}
    text = shown(drift=[{**label, "breached": True}, {**label, "kind": "skew", "feature": "source", "breached": False}])
    assert "Drift     label: infinity_norm 0.250, at most 0.1 was asked for" in text
    assert "source: infinity_norm" not in text


def test_the_report_is_named_and_where_there_is_none_the_log_is() -> None:
    assert "Report    /runs/sentiment/history/r1/report.html" in shown(report="/runs/sentiment/history/r1/report.html")
    assert "could not be made; runs/sentiment/history/latest/run.log says why" in shown(report=None)
    assert "Report" not in shown()


GATE = {"min_size_ratio": 12.0, "max_accuracy_drop": 0.01, "min_latency_ratio": 4.0, "min_agreement": 0.98}


def test_without_a_bundle_the_one_setting_that_would_have_shipped_it_is_named() -> None:
    near = {"accuracy_drop": 0.002, "size_ratio": 9.87, "latency_ratio": 4.4, "agreement": 0.99, "bytes": 7_000_000}
    far = {**near, "size_ratio": 14.0, "agreement": 0.9, "accuracy_drop": 0.2}
    variants = {
        "reference": {**near, "missed": []},
        "near": {**near, "missed": ["size_ratio is 9.87, at least 12 is needed"]},
        "far": {**far, "missed": ["agreement", "accuracy_drop"]},
        "broken": {"error": "does not convert"},
    }
    text = shown(edge={"selected": None, "gate": GATE, "variants": variants})
    assert "reference" not in text
    assert "near ships with --set edge_evaluator.gate.min_size_ratio=9.5" in text
    assert text.count("ships with") == 1


@pytest.mark.parametrize("value", ["[/b]", "[bold]", "a:b", ":heart:", "x [v1]", "\\["])
def test_slice_values_and_paths_are_shown_as_they_are(value: str) -> None:
    metrics = {"rows": 9, "accuracy": 0.5, "macro_f1": 0.5}
    drift = [{"kind": "drift", "feature": value, "measure": "d", "distance": 0.5, "bound": 0.1, "breached": True}]
    found = shown(
        metrics={"eval": None, "test": {**metrics, "slices": {f"shop:{value}": metrics}}},
        drift=drift,
        data_cleaning={"rows": 2, "kept": 1, "quarantined": {"duplicate": 1}, "file": f"/a/{value}/rows"},
        report=f"/a/{value}/report.html",
        pushed={"server": {"version": "1", "path": f"/a/{value}/1"}, "edge": None},
    )
    lines = found.splitlines()
    assert [line.split("  ")[0] for line in lines if line.startswith("shop:")] == [f"shop:{value}"]
    assert f"{value}: d 0.500" in found
    assert all(f"/a/{value}/{end}" in found for end in ("rows", "report.html", "1"))


@pytest.mark.parametrize(("value", "name"), [("", "(empty)"), ("  ", "(blank)"), ("g\u2028\nh", "g  h")])
def test_a_slice_value_that_cannot_be_seen_has_a_name_and_one_line(value: str, name: str) -> None:
    metrics, base = {"rows": 9, "accuracy": 0.5, "macro_f1": 0.5}, {"accuracy": 0.25, "macro_f1": 0.25}
    baseline = {"splits": {"test": {"slices": {f"shop:{value}": base}}}}
    found = shown(metrics={"eval": None, "test": {**metrics, "slices": {f"shop:{value}": metrics}}}, baseline=baseline)
    [line] = [line for line in found.splitlines() if "shop:" in line]
    assert line.split() == [*f"shop:{name}".split(), "9", "0.500", "0.250", "0.500", "0.250"]


def test_a_comparison_on_shared_labels_says_what_was_compared() -> None:
    told = "with the latest blessed model, which has other labels, on the 50 of 75 rows of eval whose label both know"
    assert f"\nCompared  {told}\n" in shown(shared_labels={"told": told, "missed": []})


def test_no_number_is_cut_for_a_long_name_of_a_slice() -> None:
    scores = {"rows": 9, "accuracy": 0.512, "macro_f1": 0.513}
    metrics = {**scores, "slices": {"the shop that it was bought in:somewhere or other": scores}}
    baseline = {"splits": {"test": metrics, "eval": metrics}}
    found = shown(width=80, metrics={"eval": metrics, "test": metrics}, baseline=baseline)
    assert "…" not in found
    assert found.count("0.512") == found.count("0.513") == 8
