"""Every kind of target, in JavaScript and C++ as the Python package answers it, to the last bit of a threshold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgeline_edge import Estimate, LabelSet, Prediction
from edgeline_edge.targets.kinds import kind_of
from tests.readers import Native, in_node, resealed

pytestmark = pytest.mark.slow

LABELS = ["negative", "neutral", "positive"]
PROBABILITIES = {"output": "probabilities", "labels": LABELS}
NUMBER = {"kind": "number", "output": "number"}
TARGETS: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "one label": ({"kind": "one_label", **PROBABILITIES}, None),
    "halves": ({"kind": "many_labels", **PROBABILITIES}, None),
    "tags": (
        {"kind": "many_labels", **PROBABILITIES},
        {"thresholds": {"positive": 1 / 3, "negative": 0.1, "neutral": 0.7}},
    ),
    "number": (NUMBER, None),
    "stars": ({**NUMBER, "min": 0.1, "max": 5}, {"half_width": 0.7}),
    "prices": ({**NUMBER, "min": 0.1}, {"half_width": 1e-8}),
}


def outputs(kind: str) -> list[npt.NDArray[np.float32]]:
    """What a model could give, float32 `[windows, outputs]`: at thresholds and bounds, and beside them."""
    chance = np.random.default_rng(9)
    edges = [np.float32(edge) for edge in (0.1, 1 / 3, 0.5, 0.7, 5.0, 4.3, 0.8, 0.0, -3.0, 16777217.0)]
    beside = [np.nextafter(edge, np.float32(way)) for edge in edges for way in (-np.inf, edge, np.inf)]
    if TARGETS[kind][0]["kind"] == "number":
        rows = [np.array([[one]], np.float32) for one in beside]
        # Of more than seven windows NumPy adds one number in another order than three.
        return [*rows, *(chance.normal(2, 3, (windows, 1)).astype(np.float32) for windows in (1, 2, 3, 7))]
    scores = [one for one in beside if 0 <= one <= 1]
    rows = [np.array([[one, two, one]], np.float32) for one in scores for two in scores[::5]]
    return [*rows, *(chance.dirichlet([1, 1, 1], windows).astype(np.float32) for windows in (1, 2, 3, 7, 40))]


@pytest.fixture(scope="module")
def bundles(offers_path: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("targets")
    made = {}
    for number, (kind, (target, decision)) in enumerate(TARGETS.items()):

        def change(
            manifest: dict[str, Any], target: dict[str, Any] = target, decision: dict[str, Any] | None = decision
        ) -> None:
            del manifest["calibration"]
            manifest |= {"target": target} | ({"decision": decision} if decision else {})

        names = "".join(f"{label}\n" for label in target.get("labels", ()))
        made[kind] = resealed(offers_path, folder / f"{number}.tflite", change, labels=("labels.txt", names))
    return made


def answers(kind: str) -> list[Any]:
    """Those of the Python package."""
    target, decision = TARGETS[kind]
    own = kind_of(target)(target, tuple(target.get("labels", ())), decision)
    return [own.answer(rows[0] if len(rows) == 1 else rows.mean(axis=0)) for rows in outputs(kind)]


def told(answer: Any) -> list[Any]:
    """What an answer says, for a comparison."""
    if isinstance(answer, Estimate):
        return [answer.number, answer.low, answer.high]
    assert isinstance(answer, (LabelSet, Prediction))
    return [answer.label if isinstance(answer, Prediction) else list(answer.labels), *answer.scores.values()]


@pytest.mark.parametrize("kind", TARGETS)
def test_the_page_answers_as_python_does(kind: str, bundles: dict[str, Path], tmp_path: Path) -> None:
    given = [rows.tolist() for rows in outputs(kind)]
    found = in_node(tmp_path, {kind: bundles[kind]}, {}, {kind: given})[kind]
    for answer, wanted in zip(found, answers(kind), strict=True):
        if kind == "one label":
            assert [answer["label"], *answer["scores"].values()] == told(wanted)
            assert answer["score"] == wanted.score
        elif isinstance(wanted, LabelSet):
            assert [answer["labels"], *answer["scores"].values()] == told(wanted)
            assert answer["thresholds"] == wanted.thresholds
        else:
            assert [answer["number"], answer["low"], answer["high"]] == told(wanted)


@pytest.mark.parametrize("kind", TARGETS)
def test_native_answers_as_python_does(kind: str, bundles: dict[str, Path], native: Native) -> None:
    done = native("answers", bundles[kind], lines=[json.dumps(rows.tolist()) for rows in outputs(kind)])
    assert done.returncode == 0, done.stderr
    for line, wanted in zip(done.stdout.splitlines(), answers(kind), strict=True):
        name, *values = line.split(" ")
        if isinstance(wanted, Estimate):
            ends = [float(np.float32(value)) for value in (name, *values)]
            assert ends == [one for one in told(wanted) if one is not None]
        else:
            label = name if isinstance(wanted, Prediction) else [one for one in name.split(",") if one]
            assert [label, *(float(np.float32(value)) for value in values)] == told(wanted)


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "rank": ("stars", {"target": {**NUMBER, "kind": "rank"}}, "kind rank"),
    "another output": ("stars", {"target": {**NUMBER, "output": "value"}}, "the target's output is value"),
    "crossed": ("stars", {"target": {**NUMBER, "min": 5, "max": 5}}, "bounds"),
    "another decision": ("stars", {"decision": {"thresholds": {}}}, "half_width"),
    "a label without": ("tags", {"decision": {"thresholds": {"neutral": 0.5}}}, "threshold"),
    "a label too many": ("tags", {"decision": {"thresholds": {**dict.fromkeys(LABELS, 0.5), "x": 0.5}}}, "threshold"),
    "one of three": ("one label", {"decision": {"label": "neutral", "threshold": 0.5}}, "of two labels"),
}


def test_what_a_target_does_not_know_is_refused_by_name(
    bundles: dict[str, Path], tmp_path: Path, native: Native
) -> None:
    changed = {}
    for name, (kind, change, _) in REFUSED.items():

        def alter(manifest: dict[str, Any], change: dict[str, Any] = change) -> None:
            manifest |= change

        changed[name] = resealed(bundles[kind], tmp_path / f"{name}.tflite", alter)
    in_page = in_node(tmp_path, changed, {})
    for name, (_, _, says) in REFUSED.items():
        assert says in in_page[name], in_page[name]
        done = native("answers", changed[name], lines=[])
        assert done.returncode == 1, name
        assert says in done.stderr
