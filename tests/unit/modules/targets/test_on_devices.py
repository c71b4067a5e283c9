"""Numbers and several labels on a device: taught to a student, converted, measured, and answered as a server does."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.device import measure, verdict
from modules.device.settings import Gate
from modules.quality import scoring
from modules.quality.scoring import Scoring
from modules.rows.raw import RawSplit
from modules.rows.transformed import stratified
from modules.serving.student import save_student
from modules.student import compress, distillation
from modules.student.settings import DistillationSettings
from modules.student.stages.values import Compressed
from modules.targets.base import Target
from modules.targets.many_labels.target import ManyLabels
from modules.targets.number.target import Number
from modules.targets.one_label.target import OneLabel
from modules.tflite import main_score, variants
from modules.tflite.recipes import RECIPES

import numpy as np
import pytest
import tensorflow as tf

from edgeline_edge import Classifier, read_manifest, update_manifest
from tests.unit import compression_helpers as helpers

LABELS = ["praise", "blame", "film"]
TARGETS: dict[str, Target] = {
    "number": Number(column="stars", min=1, max=5, coverage=0.8),
    "many_labels": ManyLabels(column="tags", labels=LABELS, none_allowed=True),
}
RECIPE = "dynamic_wi8_afp32"


def answered(kind: str, rows: helpers.TextRows) -> helpers.TextRows:
    """The same texts with answers of a kind: by how many words are good, or which opinion prevails and what of."""
    token = np.array(helpers.VOCABULARY)[rows.token_ids]
    good, bad = np.isin(token, helpers.GOOD).sum(axis=1), np.isin(token, helpers.BAD).sum(axis=1)
    found: Any = np.clip(3 + 0.4 * (good - bad), 1, 5).astype(np.float32)
    if kind == "many_labels":
        found = np.stack([good > bad, bad > good, (token == "film").any(axis=1)], axis=1).astype(np.float32)
    return dataclasses.replace(rows, labels=found)


def raw(rows: helpers.TextRows) -> RawSplit:
    words = [
        " ".join(helpers.VOCABULARY[token] for token in ids[1 : length - 1])
        for ids, length in zip(rows.token_ids, rows.lengths, strict=True)
    ]
    sides = ["a" if number % 2 else "b" for number in range(len(rows))]
    labels = rows.labels.astype(np.int8 if rows.labels.ndim > 1 else np.float64)
    return RawSplit(words, labels, {"source": sides})


@dataclasses.dataclass(frozen=True)
class Made:
    """A student, its bundles and what was measured of them."""

    target: Target
    judge: Scoring
    compressed: Compressed
    bundles: dict[str, str]
    results: dict[str, dict[str, Any]]
    split: RawSplit


@pytest.fixture(scope="module", params=list(TARGETS))
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    kind, folder = str(request.param), tmp_path_factory.mktemp(str(request.param))
    target = TARGETS[kind]
    trained = helpers.random_trained(target=kind, num_classes=target.outputs(target.names))
    teacher = dataclasses.replace(trained, labels=target.names)
    train, evaluation = answered(kind, helpers.examples(160)), answered(kind, helpers.examples(80, seed=1))
    target.begin(teacher.model, train.labels)
    settings = helpers.compression_settings(
        student={"layers": 1}, epochs=6, learning_rate=3e-3, distillation={"alpha": 0.2}, augmentation={"copies": 1}
    )
    compressed = compress.compress(teacher, train, evaluation, settings, backup_dir=str(folder / "work"))
    index = variants.convert_all(
        compressed.trained, teacher, train, evaluation, [RECIPES[RECIPE]], folder=str(folder / "variants"),
        layout=helpers.text_layout(), windows=[8], parity_rows=20,
    )  # fmt: skip
    (folder / "bundles").mkdir()
    bundles = measure.make_bundles(
        str(folder / "variants"), str(folder / "bundles"), measure.Provenance("opinions", "run-1"),
        helpers.text_inputs(), target,
    )  # fmt: skip
    judge, split = scoring.of(target), raw(evaluation)
    results = measure.measure(bundles, index, split, judge, cost=None, choose=True)
    return Made(target, judge, compressed, bundles, results, split)


def test_a_student_learns_from_its_teacher_and_from_people(made: Made) -> None:
    [scores] = [value for name, value in made.compressed.record.items() if name.startswith("eval_")]
    before, after = scores["student_before_fine_tuning"], scores["student"]
    better = after < 0.9 * before if isinstance(made.target, Number) else after > before + 0.05
    assert better, scores


def test_every_variant_computes_what_the_network_computes(made: Made) -> None:
    folder = Path(made.bundles["float32"]).parents[1] / "variants"
    index = variants.read_index(str(folder))
    assert index["reference"]["parity"]["max_abs"] < 1e-4
    assert index["variants"]["float32"]["parity"] | {"worst": []} == {
        **index["variants"]["float32"]["parity"], "worst": [], "agreement": pytest.approx(1.0),
    }  # fmt: skip
    assert index["variants"]["float32"]["parity"]["max_abs"] < 1e-4
    assert index["variants"][RECIPE]["parity"]["agreement"] > 0.9


def test_a_bundle_answers_a_text_as_the_students_server_does(made: Made, tmp_path: Path) -> None:
    target = compress.decided(made.compressed, made.target)
    assert not target.is_open
    save_student(made.compressed.trained, str(tmp_path / "server"), inputs=helpers.text_inputs(), target=target)
    served = tf.saved_model.load(str(tmp_path / "server")).signatures["serving_text"](
        text=tf.constant(made.split.texts)
    )
    bundle = tmp_path / "model.tflite"
    update_manifest(made.bundles["float32"], bundle, decision=target.device_decision)
    classifier = Classifier.load(bundle)
    answers = classifier.predict(made.split.texts)
    assert read_manifest(bundle).target == {**read_manifest(made.bundles[RECIPE]).target}
    if isinstance(target, Number):
        for name in ("number", "low", "high"):
            got = [getattr(answer, name) for answer in answers]
            np.testing.assert_allclose(got, served[name].numpy(), atol=1e-4)
            assert 1 <= min(got) <= max(got) <= 5
        assert np.ptp([answer.number for answer in answers]) > 0.5
        return
    scores = [list(answer.scores.values()) for answer in answers]
    np.testing.assert_allclose(scores, served["probabilities"].numpy(), atol=1e-5)
    names = ["|".join(answer.labels) for answer in answers]
    assert names == [name.decode() for name in served["label"].numpy()]
    assert len(set(names)) > 1
    assert answers[0].thresholds == {
        name: float(np.float32(value)) for name, value in target.device_decision["thresholds"].items()
    }


def test_each_bundle_is_measured_by_the_scores_of_its_target_and_decides_by_its_own_choice(made: Made) -> None:
    score = verdict.main_score(made.judge)
    reference, small = made.results["reference"], made.results[RECIPE]
    assert reference[score.drop] == 0
    assert small["decision"] == read_manifest(made.bundles[RECIPE]).decision
    answers = Classifier.load(made.bundles[RECIPE]).predict(made.split.texts)
    if isinstance(made.target, Number):
        number = np.array([answer.number for answer in answers])
        assert small["rmse"] == pytest.approx(np.sqrt(np.mean((number - made.split.labels) ** 2)))
        assert small["rmse_drop"] == pytest.approx(small["rmse"] / reference["rmse"] - 1), "a share of the blessed one"
        held = np.mean([a.low <= right <= a.high for a, right in zip(answers, made.split.labels, strict=True)])
        assert small["interval"]["measured"] == pytest.approx(held)
        assert held >= 0.8, "chosen on these very rows"
        assert small["against_reference"]["value"] == pytest.approx(reference["rmse"] - small["rmse"])
    else:
        given = np.array([[label in answer.labels for label in LABELS] for answer in answers])
        both = (given & (made.split.labels > 0)).sum()
        assert small["micro_f1"] == pytest.approx(2 * both / (given.sum() + made.split.labels.sum()))
        assert small["micro_f1_drop"] == pytest.approx(reference["micro_f1"] - small["micro_f1"])
    assert made.results["float32"]["agreement"] == pytest.approx(1.0)
    assert 0.8 < small["agreement"] < 1.0 + 1e-9
    drops = [values[score.drop] for values in small["slices"].values()]
    assert small["worst_slice_drop"] == max(drops)
    assert len(drops) == 2


def test_the_gate_bounds_the_targets_own_scores_and_says_what_would_ship(made: Made) -> None:
    score = verdict.main_score(made.judge)
    loose = {"min_size_ratio": None, "min_latency_ratio": None, "min_slice_rows": 1, "min_agreement": 0.5}
    latency = {name: {**values, "latency_p50_ms": 1.0} for name, values in made.results.items()}
    wide = Gate(**loose, max_drop={score.name: 9.0}, max_slice_drop=9.0).of_target(made.target)
    assert measure.decide(latency, wide, "smallest")[0] == RECIPE
    worse = {name: {**values, score.drop: 0.2} for name, values in latency.items()}
    chosen, reasons = measure.decide(worse, Gate(**loose, max_slice_drop=9.0).of_target(made.target), "smallest")
    assert chosen is None
    bound = {"rmse": "0.05", "micro_f1": "0.01"}[score.name]
    assert f"{score.drop} is 0.2, at most {bound} is allowed" in reasons[RECIPE]
    assert "accuracy" not in str(reasons)


@pytest.mark.parametrize(("target", "field"), [
    (TARGETS["number"], "max_accuracy_drop"), (TARGETS["many_labels"], "min_accuracy"),
    (TARGETS["number"], "max_drop.accuracy"), (OneLabel(labels=["a", "b"]), "max_drop.rmse"),
])  # fmt: skip
def test_a_bound_of_a_score_that_the_target_has_not_is_refused_by_name(target: Target, field: str) -> None:
    name, _, score = field.partition(".")
    gate = Gate(**{name: {score: 0.1} if score else 0.1})
    with pytest.raises(ValueError, match=rf"edge_evaluator\.gate\.{field}: a target of kind {target.kind} has no"):
        gate.of_target(target)


def test_what_one_label_is_gated_by_stays_as_it_was() -> None:
    assert Gate().of_target(OneLabel(labels=["a", "b"])) == Gate()
    number = Gate().of_target(TARGETS["number"])
    assert (number.max_accuracy_drop, number.max_drop, number.max_slice_drop) == (None, {"rmse": 0.05}, 0.1)
    assert Gate(max_slice_drop=0.3, max_drop={"r2": 0.1, "rmse": None}).of_target(TARGETS["number"]).max_drop == {
        "rmse": None, "r2": 0.1,
    }  # fmt: skip


def test_a_loss_is_shown_as_the_change_of_its_score() -> None:
    assert main_score.of({}).change(0.0039) == "-0.004"
    error = main_score.of({"score": {"name": "rmse", "title": "RMSE", "lower_is_better": True, "relative": True}})
    assert (error.drop, error.change(0.021), error.change(-0.5)) == ("rmse_drop", "+2.1%", "-50.0%")


def test_softened_labels_teach_nothing_where_student_and_teacher_agree() -> None:
    of_labels = distillation.of("many_labels")
    logits = tf.constant([[2.0, -1.0], [0.5, 3.0]])
    settings = DistillationSettings(alpha=1.0, temperature=2.0)
    nobody = tf.fill([2, 2], -1.0)
    assert np.abs(of_labels.loss(logits, nobody, logits, settings).numpy()).max() < 1e-6
    other = of_labels.loss(logits, nobody, -logits, settings).numpy()
    assert (other > 0.1).all()
    gold = of_labels.loss(logits, tf.constant([[1.0, 0.0], [1.0, 1.0]]), -logits, DistillationSettings(alpha=0.0))
    expected = [np.mean(np.log1p(np.exp([-2.0, -1.0]))), np.mean(np.log1p(np.exp([-0.5, -3.0])))]
    np.testing.assert_allclose(gold.numpy(), expected, rtol=1e-5)


def test_a_number_is_learned_in_deviations_and_told_in_its_unit() -> None:
    class Cents:
        def get_layer(self, name: str) -> Any:
            return self

        def get_weights(self) -> list[float]:
            return [2000.0, 500.0]

    of_number = distillation.of("number").of_model(Cents())
    outputs, answers = tf.constant([[0.0], [1.0]]), tf.constant([2500.0, float("nan")])
    settings = DistillationSettings(alpha=0.5)
    found = of_number.loss(outputs, answers, tf.constant([[0.0], [3.0]]), settings).numpy()
    np.testing.assert_allclose(found, [0.5, 4.0])
    assert of_number.score(outputs.numpy(), np.array([2500.0, 2500.0])) == pytest.approx(500 / np.sqrt(2))


def test_a_sample_of_rows_has_every_combination_of_labels() -> None:
    labels = np.zeros((200, 3), np.float32)
    labels[7], labels[150] = [1, 1, 0], [0, 1, 1]
    rows = stratified(labels, 20, seed=3)
    assert len(set(rows)) == 20

    numbers = np.random.default_rng(1).normal(size=500).astype(np.float32)
    taken = numbers[stratified(numbers, 50, seed=1)]
    assert np.ptp(taken) > 0.9 * np.ptp(numbers)
