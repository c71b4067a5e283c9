"""Bundles that answer with several labels or with a number: format version 2, with a text alone or more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeline_edge import BundleError, Classifier, Estimate, LabelSet, read_manifest, update_manifest, write_bundle
from edgeline_edge import cli as command
from edgeline_edge.server import Server

DATA = Path(__file__).parent / "data"
LABELS = ("negative", "neutral", "positive")
MANIFEST: dict[str, Any] = {"task": "offers", "recipe": "float32", "run_id": "r1", "licence": "Apache-2.0"}
TEXT = {"name": "text", "kind": "text", "column": "review", "tensors": ["token_ids", "padding_mask"]}
STARS = {"kind": "number", "min": 1, "max": 5, "coverage": 0.9, "deviation": 1.25}
MANY = {"kind": "many_labels"}
THRESHOLDS = {"neutral": 0.3, "negative": 0.2, "positive": 0.4}
TEXTS = ["a good film", "the worst phone", "meh", "slow and broken", "wonderful " * 40]


def written(path: Path, vocabulary: list[str], target: Any, *, decision: Any = None, **more: Any) -> Path:
    model = {"number": "number", "many_labels": "tiny", "one_label": "tiny"}.get(str(target.get("kind")), "tiny")
    manifest = MANIFEST | ({"decision": decision} if decision else {})
    arguments: dict[str, Any] = {
        "labels": () if target.get("kind") == "number" else LABELS, "manifest": manifest, "inputs": (TEXT,),
        "probes": [{"review": text} for text in TEXTS[:2]],
    }  # fmt: skip
    content = (DATA / f"{model}.tflite").read_bytes()
    write_bundle(content, path, vocabulary=vocabulary, target=target, **{**arguments, **more})
    return path


@pytest.fixture(scope="module")
def stars(tmp_path_factory: pytest.TempPathFactory, vocabulary: list[str]) -> Path:
    path = tmp_path_factory.mktemp("stars") / "model.tflite"
    return written(path, vocabulary, STARS, decision={"half_width": 0.75})


@pytest.fixture(scope="module")
def tags(tmp_path_factory: pytest.TempPathFactory, vocabulary: list[str]) -> Path:
    path = tmp_path_factory.mktemp("tags") / "model.tflite"
    return written(path, vocabulary, MANY, decision={"thresholds": THRESHOLDS})


def by_hand(model: str, output: str, vocabulary: list[str], text: str) -> np.ndarray:
    """What the model itself gives."""
    from ai_edge_litert.interpreter import Interpreter

    from edgeline_edge.tokenizer import Tokenizer

    runner = Interpreter(model_path=str(DATA / f"{model}.tflite")).get_signature_runner("serving_default")
    ids, mask = Tokenizer(vocabulary, 32).encode([text])
    found: np.ndarray = runner(token_ids=ids, padding_mask=mask)[output][0]
    return found


def test_a_number_is_answered_within_its_bounds_and_with_its_interval(stars: Path, vocabulary: list[str]) -> None:
    classifier = Classifier.load(stars)
    answers = classifier.predict([*TEXTS, {"review": TEXTS[0]}])
    assert answers[0] == answers[-1], "a text is a record with one field"
    clipped = 0
    for text, answer in zip(TEXTS, answers, strict=False):
        assert isinstance(answer, Estimate)
        raw = by_hand("number", "number", vocabulary, text)[0]
        assert answer.number == float(np.clip(raw, np.float32(1), np.float32(5)))
        assert answer.low == float(np.maximum(np.float32(answer.number) - np.float32(0.75), np.float32(1)))
        assert answer.high == float(np.minimum(np.float32(answer.number) + np.float32(0.75), np.float32(5)))
        assert answer.told() == {"number": answer.number, "low": answer.low, "high": answer.high}
        clipped += answer.number != raw
    assert 0 < clipped < len(TEXTS), "the fixture shows both"
    assert classifier.labels == ()
    np.testing.assert_array_equal(classifier.outputs(TEXTS[:1])[0], by_hand("number", "number", vocabulary, TEXTS[0]))


def test_a_number_without_an_interval_or_bounds_is_told_alone(vocabulary: list[str], tmp_path: Path) -> None:
    [answer] = Classifier.load(written(tmp_path / "model.tflite", vocabulary, {"kind": "number"})).predict(["meh"])
    assert answer.told() == {"number": float(by_hand("number", "number", vocabulary, "meh")[0])}
    assert answer.cells() == [answer.number, "", ""]


def test_each_label_is_answered_from_its_own_threshold_on(tags: Path, vocabulary: list[str], tmp_path: Path) -> None:
    answers = Classifier.load(tags).predict(TEXTS)
    for text, answer in zip(TEXTS, answers, strict=True):
        assert isinstance(answer, LabelSet)
        scores = by_hand("tiny", "probabilities", vocabulary, text)
        assert list(answer.scores.items()) == list(zip(LABELS, scores.tolist(), strict=True))
        reached = [name for name, score in answer.scores.items() if score >= np.float32(THRESHOLDS[name])]
        assert list(answer.labels) == reached, "in the model's order"
        assert answer.told() == {"labels": reached, "scores": answer.scores}
    assert len({answer.labels for answer in answers}) > 1
    one = written(tmp_path / "half.tflite", vocabulary, MANY)
    assert set(Classifier.load(one).predict(["meh"])[0].thresholds.values()) == {0.5}
    exact = float(by_hand("tiny", "probabilities", vocabulary, "meh")[1])
    update_manifest(tags, one, decision={"thresholds": {**THRESHOLDS, "neutral": exact}})
    assert "neutral" in Classifier.load(one).predict(["meh"])[0].labels, "a score that is its threshold reaches it"


@pytest.mark.parametrize(
    ("target", "more", "reason"),
    [
        ({"kind": "rank"}, {}, "the target is of kind 'rank', this edgeline-edge knows one_label, many_labels, number"),
        (STARS, {"labels": LABELS}, "a target of kind number has no labels"),
        ({**STARS, "min": 5}, {}, "has the bounds 5.0 and 5.0"),
        ({**MANY, "min": 1}, {}, r"target.min is not of a target of kind many_labels"),
        (STARS, {"decision": {"thresholds": THRESHOLDS}}, "the decision has thresholds; of a target of kind number"),
        (MANY, {"decision": {"half_width": 1.0}}, "the decision has half_width; of a target of kind many_labels"),
        (MANY, {"decision": {"thresholds": {"neutral": 0.5}}}, "no threshold for each label.*negative, positive"),
        (MANY, {"labels": ("a", "b")}, r"but 2 labels demand .*\[1, 2\]"),
        (MANY, {"inputs": None, "probes": ()}, "is of format version 2, which names its inputs"),
    ],
)
def test_a_manifest_that_contradicts_its_target_is_refused(
    target: Any, more: dict[str, Any], reason: str, vocabulary: list[str], tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match=reason):
        written(tmp_path / "model.tflite", vocabulary, target, **more)


def test_a_model_with_another_output_than_its_target_has_is_refused(vocabulary: list[str], tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"must take .* and give number; it takes .* and gives probabilities"):
        write_bundle(
            (DATA / "tiny.tflite").read_bytes(), tmp_path / "model.tflite", vocabulary=vocabulary, labels=(),
            manifest=MANIFEST, inputs=(TEXT,), target=STARS,
        )  # fmt: skip
    with pytest.raises(BundleError, match="a temperature calibrates one label"):
        written(tmp_path / "model.tflite", vocabulary, MANY, manifest={**MANIFEST, "calibration": {"temperature": 2.0}})


def test_the_command_tells_every_form_of_answer(stars: Path, tags: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [number] = Classifier.load(stars).predict(["meh"])
    assert command.main(["predict", str(stars), "meh"]) == 0
    assert capsys.readouterr().out == f"{number.number:.6g}\t[{number.low:.6g}, {number.high:.6g}]\tmeh\n"
    assert command.main(["predict", str(stars), "--output", "csv", "meh"]) == 0
    assert capsys.readouterr().out == f"line,number,low,high,error\n1,{number.number},{number.low},{number.high},\n"
    [several] = Classifier.load(tags).predict(["a good film"])
    assert command.main(["predict", str(tags), "--output", "jsonl", "a good film"]) == 0
    assert json.loads(capsys.readouterr().out) == {"line": 1, **several.told()}
    assert command.main(["predict", str(tags), "a good film"]) == 0
    shown = ", ".join(f"{label} {several.scores[label]:.4f}" for label in several.labels) or "-"
    assert capsys.readouterr().out == f"{shown}\ta good film\n"
    assert command.main(["predict", str(tags), "--output", "csv", "--keep-going", "a good film", ""]) == 1
    header, row, bad = capsys.readouterr().out.splitlines()
    assert header == "line,labels,score_negative,score_neutral,score_positive,error"
    assert row.startswith('1,"[') or row.startswith("1,[]")
    assert bad.startswith("2,,,,,")


def test_info_and_verify_know_every_target(stars: Path, tags: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path, rule in ((stars, "made to hold 90% of the rows"), (tags, "each label whose score is its threshold")):
        assert command.main(["verify", str(path)]) == 0
        assert command.main(["info", "--markdown", str(path)]) == 0
        shown = capsys.readouterr().out
        assert rule in shown
        assert ("- Labels, in the order" in shown) == (path is tags)
        assert command.main(["info", str(path)]) == 0
        assert command.main(["info", "--json", str(path)]) == 0
        assert '"kind"' in capsys.readouterr().out


def test_a_runtime_that_computes_another_number_is_found_by_the_probes(
    stars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from edgeline_edge.runtime import Model

    assert len(read_manifest(stars).probes or ()) == 2
    honest = Model.__call__
    for off, expected in ((0.1 * 1.25 - 0.01, 0), (0.1 * 1.25 + 0.01, 1)):
        monkeypatch.setattr(Model, "__call__", lambda self, *values, by=off: honest(self, *values) + np.float32(by))
        assert command.main(["verify", str(stars)]) == expected, "a tenth of a deviation is rounding"
    assert "otherwise, by 0.10" in capsys.readouterr().err


def test_the_server_answers_and_counts_every_form(stars: Path, tags: Path) -> None:
    for path in (stars, tags):
        classifier = Classifier.load(path)
        server = Server(("127.0.0.1", 0), classifier)
        found = server.predict(json.dumps({"instances": ["meh", {"review": "a good film"}, ""]}).encode())
        server.server_close()
        good = [answer.told() for answer in classifier.predict(["meh", "a good film"])]
        assert found["predictions"][:2] == good
        assert "empty" in found["predictions"][2]["error"]
        told = server.metrics.render()
        if path is stars:
            assert 'edgeline_predictions_total{label=""} 2' in told
        else:
            counted = sum(max(1, len(answer["labels"])) for answer in good)
            lines = [line for line in told.splitlines() if line.startswith("edgeline_predictions_total{")]
            assert sum(int(line.split()[-1]) for line in lines) == counted


def test_a_bench_runs_for_every_target(stars: Path, tags: Path) -> None:
    for path in (stars, tags):
        done = subprocess.run(
            [sys.executable, "-m", "edgeline_edge", "bench", str(path), "--seconds", "0.01", "--json"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert json.loads(done.stdout)["latency"][0]["p50_ms"] > 0
