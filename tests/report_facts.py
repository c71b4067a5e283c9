"""Facts of an invented run, complete, with texts that try to break out of the page."""

from __future__ import annotations

from typing import Any

from modules.quality import against_baseline, fairness, predictions, scoring
from modules.quality.settings import BeatsBaseline, FairnessSettings
from modules.report.facts.quality import row_facts
from modules.rows.raw import RawSplit
from modules.targets.one_label.target import OneLabel

import numpy as np

LABELS = ["negative", "positive"]
JUDGE = scoring.of(OneLabel(labels=LABELS))
SOURCES = ("film", "news", "product", "tweet")
HOSTILE = "</script><script>window.broken = 1</script><img src='https://example.com/x.png' onerror='window.broken = 1'>"
GRAPH = [
    ["ExampleGen", []], ["StatisticsGen", ["ExampleGen"]], ["ImportSchemaGen", []],
    ["ExampleValidator", ["ImportSchemaGen", "StatisticsGen"]],
    ["Transform", ["ExampleGen", "ExampleValidator", "ImportSchemaGen"]],
    ["LinearBaseline", ["ExampleGen", "ExampleValidator"]], ["Tuner", ["Transform"]],
    ["Trainer", ["Transform", "Tuner"]], ["LatestBlessedModelResolver", ["Trainer"]],
    ["Evaluator", ["ExampleGen", "LatestBlessedModelResolver", "Trainer"]],
    ["TestEvaluator", ["ExampleGen", "Trainer"]],
    ["Pusher", ["Evaluator", "Trainer"]], ["Pruner", ["Evaluator", "Trainer", "Transform"]],
    ["TFLiteConverter", ["Pruner", "Trainer", "Transform"]],
    ["EdgeEvaluator", ["ExampleGen", "TFLiteConverter", "Trainer"]], ["EdgePusher", ["EdgeEvaluator"]],
    ["Reporter", ["EdgeEvaluator", "EdgePusher", "Evaluator", "Pusher", "TestEvaluator", "Trainer", "Tuner"]],
]  # fmt: skip
_VARIANTS = (  # name, megabytes, accuracy, milliseconds, missed
    ("reference", 90.4, 0.862, 14.9, []),
    ("float32", 26.1, 0.857, 4.1, ["size_ratio is 3.5, at least 12 is needed"]),
    ("float16", 13.2, 0.857, 4.2, ["size_ratio is 6.8, at least 12 is needed"]),
    ("dynamic_wi8_afp32", 7.0, 0.856, 1.7, []),
    ("dynamic_wi8_afp32_e4", 5.4, 0.855, 1.8, []),
    ("dynamic_wi48_afp32_e4", 4.2, 0.853, 1.9, []),
    ("dynamic_wi4_afp32", 3.6, 0.846, 1.9, ["accuracy_drop is 0.016, at most 0.01 is allowed"]),
    ("static_wi8_ai8", 7.1, 0.851, 4.4, ["latency_ratio is 3.4, at least 4 is needed"]),
)


def answers(rows: int = 600, seed: int = 1) -> predictions.Predictions:
    """A model's answers, calibrated badly enough to see it."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, rows)
    towards = np.clip(rng.normal(0.72, 0.25, rows), 0.01, 0.99)
    probabilities = np.stack([np.where(labels, 1 - towards, towards), np.where(labels, towards, 1 - towards)], axis=1)
    by_text = {str(row): values for row, values in enumerate(probabilities)}
    split = RawSplit(list(by_text), labels, {"source": [SOURCES[row % 4] for row in range(rows)]})

    def predict(texts: list[str]) -> dict[str, np.ndarray]:
        return {"probabilities": np.array([by_text[text] for text in texts])}

    return predictions.predict_split(predict, split, JUDGE.answered, name="made up")


def complete() -> dict[str, Any]:
    """As `report.json` of a run in which every node did its work."""
    found = answers()
    rows = row_facts(found, JUDGE)
    model = _scores(rows, "value", len(found))
    other = _scores(rows, "low", len(found))
    linear = against_baseline.measure(found, answers(seed=2), JUDGE, BeatsBaseline(), name="TF-IDF of <words>")
    return {
        "format": 1,
        "task": "sentiment",
        "labels": LABELS,
        "target": "one_label",
        "metrics": {"accuracy": "accuracy", "macro_f1": "macro-F1"},
        "graph": GRAPH,
        "data": {
            "splits": {
                name: {
                    "rows": count,
                    "labels": {"negative": count * 47 // 100, "positive": count - count * 47 // 100},
                    "slices": {"source": dict.fromkeys(SOURCES, count // 4)},
                }
                for name, count in (("train", 15_500), ("eval", 1_940), ("test", 1_950))
            },
            "lengths": {"window": 64, "limit": 200_000, "splits": {
                name: np.bincount(np.random.default_rng(seed).poisson(22, 2000).clip(3, 64), minlength=65).tolist()
                for seed, name in enumerate(("train", "eval", "test"))
            }},
            "quarantine": {"duplicate": 84, "conflicting labels": 12, "unknown label": 3},
            "augmentation": {"wanted": 40, "made": 31, "nothing_to_vary": 9, "equal_or_of_another_split": 0,
                             "languages": ["en"], "message": "31 varied rows of 40 wanted"},
            "drift": [
                {"kind": "drift", "feature": "source", "measure": "L-infinity", "distance": 0.004, "bound": 0.02,
                 "breached": False},
                {"kind": "skew", "feature": "label", "measure": "Jensen-Shannon", "distance": 0.03, "bound": 0.01,
                 "breached": True},
            ],
        },
        "tuning": {
            "objective": "val_macro_f1", "algorithm": "bayesian", "names": ["learning_rate", "dropout"],
            "logarithmic": ["learning_rate"],
            "trials": [
                {"trial_id": str(index), "score": score, "learning_rate": rate, "dropout": dropout}
                for index, score, rate, dropout in
                ((2, 0.84, 1.1e-4, 0.08), (0, 0.83, 7e-5, 0.11), (3, 0.82, 1.9e-4, 0.17), (1, 0.79, 5.2e-5, 0.19))
            ],
        },
        "training": {
            "settings": {"epochs": 3, "learning_rate": 1.1e-4}, "precision": "mixed_bfloat16", "replicas": 1,
            "rows": 15_500, "parameters": 22_700_000, "warm_start": False,
            "history": {
                "loss": [0.52, 0.33, 0.21], "val_loss": [0.41, 0.37, 0.42], "accuracy": [0.74, 0.86, 0.92],
                "val_accuracy": [0.82, 0.85, 0.86], "macro_f1": [0.74, 0.86, 0.92], "val_macro_f1": [0.82, 0.85, 0.86],
            },
        },
        "quality": {
            "splits": {
                "eval": {"model": model, "previous": other, "linear": other, "fairness": _fairness(found),
                         "against_linear": linear, **rows},
                "test": {"model": model, "previous": None, "linear": other, "fairness": None,
                         "against_linear": None, **rows},
            },
            "thresholds": {
                "accuracy": {"min": 0.78, "max": None, "max_drop": 0.01, "slice_min": 0.7},
                "macro_f1": {"min": 0.78, "max": None, "max_drop": 0.01, "slice_min": None},
                "calibration_error": {"min": None, "max": 0.15, "max_drop": None, "slice_min": None},
            },
            "gap_bounds": {"source": {"accuracy": {"max_gap": 0.1, "decided_by": "value"}}},
            "blessed": True,
            "missed": [],
        },
        "try": ["longer training: epoch 3, the last one, was still the best on eval; trainer.epochs=auto"],
        "compression": _compression(),
        "errors": {
            "split": "eval", "rows": len(found), "errors": 99,
            "items": [
                {"label": "negative", "predicted": "positive", "probability": 0.99, "slices": {"source": "tweet"},
                 "margin": 4.2, "spans": [["Not", -0.6], [" ", None], ["exactly", 0.2], [" ", None], ["brilliant", 3.1],
                                          [" ", None], [HOSTILE, 1.0]]},
                {"label": "positive", "predicted": "negative", "probability": 0.97, "slices": {"source": "news"},
                 "margin": 3.5, "spans": [["a" * 400, 1.2], [" ", None], ["日本語", -0.4], [" 😀 cut off", None]]},
            ],
        },
        "pushed": {"server": {"version": "1764094000", "path": "pushed/server/1764094000"}, "edge": None},
        "provenance": {
            "config": {"task": "sentiment", "labels": LABELS, "note": HOSTILE},
            "digests": {"configuration": "0" * 64, "training code": "1" * 64},
            "versions": {"python": "3.11.9", "tensorflow": "2.21.0"},
        },
    }  # fmt: skip


def run() -> dict[str, Any]:
    """As the local runner knows the run."""
    names = [name for name, _ in GRAPH]
    states = {name: "cached" if index < 5 else "executed" for index, name in enumerate(names)}
    return {
        "run_id": "20261125T182236", "profile": "full", "state": "done", "failed_node": None, "error": None,
        "started": "2026-11-25 18:22:36 +0000", "revision": "9737027e", "data": "rows.csv",
        "states": {**states, "LatestBlessedModelResolver": "resolved"}, "cache_hits": 5, "total_seconds": 1893.4,
        "seconds": {name: 0.1 + 37.0 * (index % 5) for index, name in enumerate(names)},
    }  # fmt: skip


def _scores(rows: dict[str, Any], end: str, count: int) -> dict[str, Any]:
    scores = {
        name: {"rows": count if not name else count // 4, **{metric: item[metric][end] for metric in item}}
        for name, item in rows["intervals"].items()
    }
    return {**scores.pop(""), "slices": scores}


def _fairness(found: predictions.Predictions) -> dict[str, Any]:
    settings = FairnessSettings(min_rows=20, resamples=200, level=0.95, seed=3)
    return {**fairness.measure(found.label, found.predicted, found.slices, LABELS, settings), "missed": []}


def _compression() -> dict[str, Any]:
    variants = {
        name: {
            "bytes": int(mega * 1e6), "gzip_bytes": int(mega * 8e5), "size_ratio": 90.4 / mega, "accuracy": accuracy,
            "accuracy_drop": 0.862 - accuracy, "worst_slice_drop": 0.02, "agreement": 0.99, "latency_p50_ms": time,
            "latency_p95_ms": 1.3 * time, "latency_ratio": 14.9 / time, "missed": missed,
            "selected": name == "dynamic_wi48_afp32_e4",
        }
        for name, mega, accuracy, time, missed in _VARIANTS
    }  # fmt: skip
    gate = {"max_accuracy_drop": 0.01, "min_accuracy": None, "min_size_ratio": 12.0, "max_bytes": None,
            "min_latency_ratio": 4.0, "min_agreement": 0.98}  # fmt: skip
    kinds = ("attention/query", "attention/key", "attention/value", "attention/output", "feedforward/intermediate",
             "feedforward/output")  # fmt: skip
    failed = {"error": "SquaredDifference has no such kernel", "missed": [], "selected": False}
    return {
        "selected": "dynamic_wi48_afp32_e4",
        "objective": "balanced",
        "gate": gate,
        "variants": {**variants, "static_wi8_ai16": failed},
        "pareto": ["dynamic_wi8_afp32", "dynamic_wi8_afp32_e4", "dynamic_wi48_afp32_e4", "dynamic_wi4_afp32"],
        "test": {"selected": {"accuracy": 0.851, "accuracy_drop": 0.006}},
        "sparsity_by_kernel": {
            f"layer_{layer}/{kind}": 0.5 + 0.01 * layer for layer in range(4) for kind in kinds
        } | {"embedding/token": 0.0},
    }  # fmt: skip
