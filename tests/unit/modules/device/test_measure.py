"""`modules.device.measure`, `modules.device.gate` and the nodes around them: nothing ships that missed its bounds."""

import json
import math
import re

from modules.device import cost as device_cost
from modules.device import gate, measure
from modules.device.settings import CostSettings, EdgeEvaluatorSettings, Gate
from modules.device.verdict import against_teacher
from modules.quality import scoring
from modules.rows.raw import RawSplit
from modules.rows.settings import Columns
from modules.targets.one_label.device import LabelOutput
from modules.targets.one_label.target import OneLabel
from modules.tflite import variants
from modules.tflite.recipes import RECIPES

import numpy as np
import pytest

from edgeline_edge import read_manifest
from tests.unit import compression_helpers as helpers

TARGET = OneLabel(labels=["bad", "good"])
JUDGE = scoring.of(TARGET)
LOOSE = Gate(
    max_accuracy_drop=0.5, max_slice_drop=1.0, min_slice_rows=1, min_size_ratio=1.0, min_latency_ratio=None,
    min_agreement=0.5,
)  # fmt: skip
OPEN = Gate(
    max_accuracy_drop=None, max_slice_drop=None, min_slice_rows=1, min_size_ratio=None, min_latency_ratio=None,
    min_agreement=None,
)  # fmt: skip
GOOD = {
    "accuracy": 0.88,
    "accuracy_drop": 0.004,
    "bytes": 7_000_000,
    "size_ratio": 12.8,
    "latency_ratio": 9.0,
    "latency_p50_ms": 1.2,
    "agreement": 0.991,
    "slices": {"source:a": {"rows": 500, "accuracy_drop": 0.01}},
}


def _split(count: int = 60, seed: int = 4) -> RawSplit:
    rows = helpers.examples(count, seed=seed)
    texts = [
        " ".join(helpers.VOCABULARY[index] for index in ids[1 : length - 1])
        for ids, length in zip(rows.token_ids, rows.lengths, strict=True)
    ]
    return RawSplit(texts, rows.labels.astype(np.int64), {"source": ["a" if i % 3 else "b" for i in range(count)]})


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """A folder of variants: a student with half the neurons of its reference."""
    folder = str(tmp_path_factory.mktemp("variants"))
    rows = helpers.examples(40)
    student = helpers.random_trained(intermediate_dim=32)
    recipes = [RECIPES["dynamic_wi8_afp32"], RECIPES["dynamic_wi4_afp32"]]
    index = variants.convert_all(
        student,
        helpers.random_trained(),
        rows,
        rows,
        recipes,
        folder=folder,
        layout=helpers.text_layout(),
        parity_rows=16,
    )
    return folder, index


@pytest.fixture(scope="module")
def bundles(converted, tmp_path_factory):
    provenance = measure.Provenance("opinions", "run-1", digests={"config": "0" * 64})
    return measure.make_bundles(
        converted[0], str(tmp_path_factory.mktemp("bundles")), provenance, helpers.text_inputs()
    )


def test_a_manifest_says_which_runtime_it_was_measured_in_and_which_it_demands(bundles) -> None:
    told = {name: read_manifest(path).notes["runtime"] for name, path in bundles.items()}
    assert told["float32"]["oldest_tensorflow_lite"] == "2.9.0"
    assert told["dynamic_wi4_afp32"]["oldest_tensorflow_lite"] == "2.17.0"
    assert re.fullmatch(r"ai-edge-litert [\d.]+", told["float32"]["measured_with"])


def test_every_variant_is_measured_through_the_edge_package_from_raw_text(converted, bundles) -> None:
    split, cost = _split(), CostSettings(texts=4, rounds=1, threads=[1], memory=False)
    results = measure.measure(bundles, converted[1], split, JUDGE, cost=cost)
    assert set(results) == {"reference", "float32", "dynamic_wi8_afp32", "dynamic_wi4_afp32"}
    reference, small = results["reference"], results["dynamic_wi4_afp32"]
    assert reference["accuracy_drop"] == 0
    assert reference["latency_ratio"] == 1.0
    assert results["float32"]["agreement"] == 1.0
    assert small["accuracy_drop"] == pytest.approx(reference["accuracy"] - small["accuracy"])
    assert set(small["slices"]) == {"source:a", "source:b"}
    assert small["worst_slice_drop"] == max(values["accuracy_drop"] for values in small["slices"].values())
    with open(bundles["dynamic_wi4_afp32"], "rb") as file:
        assert small["bytes"] == len(file.read()), "the size of what ships, vocabulary and manifest included"
    assert small["gzip_bytes"] < small["bytes"]
    assert small["latency_p50_ms"] > 0
    assert small["against_reference"]["value"] == pytest.approx(-small["accuracy_drop"])
    assert small["against_reference"]["low"] <= small["against_reference"]["value"]


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(0.01, 0.05, "better"), (-0.01, 0.05, "within noise"), (-0.05, -0.01, "worse")]
)
def test_a_student_that_is_better_by_more_than_noise_says_that_its_teacher_learnt_too_little(
    low, high, verdict
) -> None:
    found = against_teacher({"against_reference": {"value": (low + high) / 2, "low": low, "high": high}}, JUDGE)
    assert found["verdict"] == verdict
    assert bool(found["message"]) == (verdict == "better")
    if found["message"]:
        assert "accuracy +0.0300 [+0.0100, +0.0500] at 95%. The teacher was not trained enough" in found["message"]


def test_predictions_are_those_of_the_keras_model(bundles) -> None:
    from edgeline_edge import Classifier

    rows = helpers.examples(60, seed=4)
    expected = helpers.probabilities(helpers.random_trained(intermediate_dim=32), rows).argmax(axis=1)
    got = LabelOutput().predicted(Classifier.load(bundles["float32"]).predict(_split().texts), ["bad", "good"])
    assert np.array_equal(got, expected)


def test_each_bundle_gets_its_own_threshold_on_eval_and_answers_by_it_as_a_server_does(converted, tmp_path) -> None:
    import tensorflow as tf

    from edgeline_edge import Classifier

    target = OneLabel(labels=["bad", "good"], positive="good", decision={"threshold": "auto"})
    judge, split = scoring.of(target), _split()
    provenance = measure.Provenance("opinions", "run-1")
    bundles = measure.make_bundles(converted[0], str(tmp_path), provenance, helpers.text_inputs())
    assert read_manifest(bundles["float32"]).decision is None
    results = measure.measure(bundles, converted[1], split, judge, cost=None, choose=True)
    for name, path in bundles.items():
        found = Classifier.load(path).predict(split.texts)
        scores = np.array([list(answer.scores.values()) for answer in found], np.float32)
        own = target.settled(split.labels, scores)
        assert results[name]["decision"] == read_manifest(path).decision == own.device_decision
        served = own.answers()(tf.constant(scores))["label"].numpy()
        assert [answer.label for answer in found] == [label.decode() for label in served]
        right = np.mean(
            [target.names[label] == answer.label for label, answer in zip(split.labels, found, strict=True)]
        )
        assert results[name]["accuracy"] == pytest.approx(right), "the accuracy of what is answered"
    on_test = measure.measure(bundles, converted[1], _split(seed=9), judge, cost=None)
    assert {name: found["decision"] for name, found in on_test.items()} == {
        name: found["decision"] for name, found in results.items()
    }, "test chooses nothing"
    assert "balanced_accuracy_drop" in results["float32"]


def test_a_failed_recipe_is_in_the_table_and_never_selected(converted, bundles) -> None:
    index = json.loads(json.dumps(converted[1]))
    index["variants"]["broken"] = {"error": "no operation matches"}
    results = measure.measure(bundles, index, _split(), JUDGE, cost=None)
    selected, reasons = measure.decide(results, OPEN, "smallest")
    assert selected == "dynamic_wi4_afp32"
    assert reasons["broken"] == ["could not be made: no operation matches"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"accuracy_drop": 0.011}, "accuracy_drop is 0.011, at most 0.01"),
        ({"size_ratio": 11.9}, "size_ratio is 11.9, at least 12"),
        ({"latency_ratio": 3.5}, "latency_ratio is 3.5, at least 4"),
        ({"agreement": 0.97}, "agreement is 0.97, at least 0.98"),
        ({"agreement": math.nan}, "agreement is nan"),
        ({"latency_ratio": None}, "latency_ratio is unknown"),
        ({"slices": {"source:b": {"rows": 100, "accuracy_drop": 0.03}}}, "accuracy_drop on source:b is 0.03"),
    ],
)
def test_a_missed_bound_is_told_with_its_value(changed, told) -> None:
    assert gate.missed(GOOD, Gate()) == []
    (sentence,) = gate.missed({**GOOD, **changed}, Gate())
    assert told in sentence


def test_small_slices_do_not_gate() -> None:
    assert gate.missed({**GOOD, "slices": {"source:b": {"rows": 99, "accuracy_drop": 0.3}}}, Gate()) == []


def test_the_objective_decides_among_those_that_pass() -> None:
    candidates = {
        "small": {"bytes": 4, "latency_p50_ms": 9.0},
        "fast": {"bytes": 12, "latency_p50_ms": 2.0},
        "even": {"bytes": 5, "latency_p50_ms": 3.0},
    }
    assert gate.select(candidates, "smallest") == "small"
    assert gate.select(candidates, "fastest") == "fast"
    assert gate.select(candidates, "balanced") == "even"
    assert gate.select({}, "balanced") is None
    with pytest.raises(ValueError, match="cheapest"):
        gate.select(candidates, "cheapest")  # type: ignore[arg-type]


def test_the_pareto_front_leaves_out_what_another_beats_in_everything() -> None:
    table = {"a": {"x": 1.0, "y": 5}, "b": {"x": 2.0, "y": 5}, "c": {"x": 0.5, "y": 1}}
    assert gate.pareto(table, [("x", 1), ("y", -1)]) == ["b", "c"]


def test_times_are_taken_in_alternation() -> None:
    order: list[str] = []

    class Spy:
        def __init__(self, name: str) -> None:
            self.name = name

        def predict(self, texts: list[str]) -> None:
            order.append(self.name)

    times = device_cost.alternating_latency({"a": Spy("a"), "b": Spy("b")}, ["x", "y"], rounds=2)  # type: ignore
    assert order == ["a", "b", *"ab", *"ba", *"ba", *"ab"], "after warming up, every text meets all, in turn"
    assert times["a"]["p50_ms"] <= times["a"]["p95_ms"]


@pytest.mark.slow
def test_peak_memory_is_that_of_the_device_process_and_not_of_this_one(bundles) -> None:
    memory = device_cost.peak_memory(bundles["dynamic_wi8_afp32"], ["a good film"])
    assert 0 < memory["runtime_bytes"] <= memory["peak_bytes"] < 300e6, memory
    assert "error" in device_cost.peak_memory("no-such-file.tflite", ["a"])


class _Artifacts:
    """Inputs and outputs of EdgeEvaluator as TFX would hand them over, in a folder."""

    def __init__(self, folder, variants_folder: str, skipped: str = "") -> None:
        import tensorflow as tf
        from tfx.types import standard_artifacts

        def make(kind, name: str, uri: str | None = None):
            artifact = kind()
            artifact.uri = uri or str(folder / name)
            tf.io.gfile.makedirs(artifact.uri)
            return artifact

        examples = make(standard_artifacts.Examples, "examples")
        examples.split_names = '["eval", "test"]'
        for number, split in enumerate(("eval", "test")):
            raw, place = _split(seed=number), f"{examples.uri}/Split-{split}"
            tf.io.gfile.makedirs(place)
            with tf.io.TFRecordWriter(f"{place}/data.gz", "GZIP") as writer:
                for text, label, source in zip(raw.texts, raw.labels, raw.slices["source"], strict=True):
                    values = {"text": text, "label": ("bad", "good")[label], "source": source}
                    features = {
                        key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
                        for key, value in values.items()
                    }
                    example = tf.train.Example(features=tf.train.Features(feature=features))
                    writer.write(example.SerializeToString())
        made = make(standard_artifacts.Model, "variants", variants_folder)
        if skipped:
            made.set_string_custom_property("skipped", skipped)
        self.inputs = {
            "examples": [examples],
            "variants": [made],
            "model": [make(standard_artifacts.Model, "model")],
        }
        self.outputs = {
            "blessing": [make(standard_artifacts.ModelBlessing, "blessing")],
            "evaluation": [make(standard_artifacts.ModelEvaluation, "evaluation")],
            "bundle": [make(standard_artifacts.Model, "bundle")],
        }

    def run(self, bounds: Gate) -> dict:
        from pipeline.components import edge_evaluator

        settings = edge_evaluator.EdgeEvaluatorNodeSettings(
            edge_evaluator=EdgeEvaluatorSettings(
                gate=bounds,
                objective="smallest",
                seed=1,
                latency=CostSettings(texts=3, rounds=1, threads=[1], memory=False),
            ),
            task="opinions",
            columns=Columns(slices=["source"]),
            inputs=helpers.text_inputs(long_text="windows", max_windows=3),
            target=TARGET,
        )
        edge_evaluator.Executor().Do(self.inputs, self.outputs, {"settings": settings.to_json()})
        with open(f"{self.outputs['evaluation'][0].uri}/pareto.json") as file:
            return json.load(file)

    def push(self, folder) -> bool:
        """Whether the standard Pusher would push the bundle."""
        from tfx.components.util import model_utils

        return model_utils.is_model_blessed(self.outputs["blessing"][0])


def test_a_variant_that_passes_is_blessed_bundled_and_measured_once_on_test(converted, tmp_path) -> None:
    from edgeline_edge import Classifier

    artifacts = _Artifacts(tmp_path, converted[0])
    result = artifacts.run(LOOSE)
    assert result["selected"] == "dynamic_wi4_afp32"
    assert result["variants"]["dynamic_wi4_afp32"]["selected"]
    assert artifacts.push(tmp_path)
    bundle = f"{artifacts.outputs['bundle'][0].uri}/Format-Serving/model.tflite"
    classifier = Classifier.load(bundle)
    assert classifier.manifest.metrics["accuracy"] == result["test"]["selected"]["accuracy"]
    assert classifier.predict(["a great great film"])[0].label in ("bad", "good")
    told = classifier.manifest.long_text, classifier.manifest.max_windows
    assert told == ("windows", 3), "the device reads what was read in training"
    blessing = artifacts.outputs["blessing"][0]
    assert (tmp_path / "blessing" / "BLESSED").exists()
    assert blessing.get_string_custom_property("current_model") == artifacts.outputs["bundle"][0].uri


def test_a_variant_that_misses_the_gate_is_never_pushed(converted, tmp_path) -> None:
    artifacts = _Artifacts(tmp_path, converted[0])
    result = artifacts.run(Gate(max_accuracy_drop=None, min_size_ratio=1e6, min_latency_ratio=None))
    assert result["selected"] is None
    assert result["test"] is None, "the test split is for the selected one only"
    assert not artifacts.push(tmp_path)
    assert (tmp_path / "blessing" / "NOT_BLESSED").exists()
    assert not (tmp_path / "bundle" / "Format-Serving").exists()
    assert "size_ratio" in result["variants"]["dynamic_wi4_afp32"]["missed"][0]


def test_without_variants_the_node_ends_normally_and_blesses_nothing(tmp_path) -> None:
    artifacts = _Artifacts(tmp_path, str(tmp_path / "empty"), skipped="the server model is not blessed")
    assert artifacts.run(LOOSE) == {"skipped": "the server model is not blessed"}
    assert not artifacts.push(tmp_path)


def test_an_unblessed_server_model_is_not_pruned_nor_converted(tmp_path) -> None:
    from tfx.types import standard_artifacts

    from pipeline.components import pruner, tflite_converter

    def make(kind, name: str):
        artifact = kind()
        artifact.uri = str(tmp_path / name)
        (tmp_path / name).mkdir()
        return artifact

    blessing = make(standard_artifacts.ModelBlessing, "blessing")
    blessing.set_int_custom_property("blessed", 0)
    model, pruned = make(standard_artifacts.Model, "model"), make(standard_artifacts.Model, "pruned")
    inputs = {"model": [model], "model_blessing": [blessing], "transformed_examples": []}
    pruner.Executor().Do(inputs, {"pruned_model": [pruned]}, {"settings": "{}"})
    made = make(standard_artifacts.Model, "made")
    inputs = {"model": [model], "pruned_model": [pruned], "transformed_examples": []}
    tflite_converter.Executor().Do(inputs, {"variants": [made]}, {"settings": "{}"})
    for folder, name in (("pruned", "pruning.json"), ("made", "variants.json")):
        assert "not blessed" in json.loads((tmp_path / folder / name).read_text())["skipped"]
    assert made.get_string_custom_property("skipped") == "the server model is not blessed"
