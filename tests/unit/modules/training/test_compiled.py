"""`modules.training`: schedule, optimizer, class weights, and the callbacks that survive a kill."""

from __future__ import annotations

import json
from pathlib import Path

import modules  # noqa: F401
from modules.targets.one_label.target import OneLabel
from modules.training import compiled
from modules.training.compiled import class_weights
from modules.training.optimizer import WarmupDecay, make_optimizer
from modules.training.resume import BestWeights
from modules.training.settings import TrainerSettings

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from sklearn.utils.class_weight import compute_class_weight

SETTINGS = TrainerSettings(learning_rate=1e-3)


# Schedule


def rates(peak: float, total: int, warmup: float) -> list[float]:
    schedule = WarmupDecay(peak, total, warmup)
    return [float(schedule(tf.constant(step, tf.int64))) for step in range(total + 1)]


def test_the_learning_rate_climbs_to_its_peak_and_falls_to_five_percent() -> None:
    found = rates(2e-4, 100, 0.2)
    assert found[0] == pytest.approx(2e-4 / 20)
    assert found[19] == pytest.approx(2e-4)
    assert max(found) == pytest.approx(2e-4)
    assert found[100] == pytest.approx(0.05 * 2e-4)
    assert all(np.diff(found[:20]) > 0)
    assert all(np.diff(found[20:]) < 0)
    assert np.diff(found[:20]) == pytest.approx(np.full(19, 1e-5), rel=1e-3)


def test_the_learning_rate_never_leaves_its_floor_after_the_last_step() -> None:
    assert float(WarmupDecay(1.0, 10, 0.1)(tf.constant(1000))) == pytest.approx(0.05)


@pytest.mark.parametrize(("total", "warmup"), [(1, 0.0), (1, 1.0), (5, 0.0), (5, 1.0), (3, 0.1)])
def test_short_trainings_have_a_learning_rate_at_every_step(total: int, warmup: float) -> None:
    found = rates(1.0, total, warmup)
    assert np.isfinite(found).all()
    assert all(0 < rate <= 1.0 for rate in found)


def test_the_schedule_survives_saving() -> None:
    schedule = WarmupDecay(0.3, 50, 0.2)
    again = tf_keras.optimizers.schedules.deserialize(tf_keras.optimizers.schedules.serialize(schedule))
    assert isinstance(again, WarmupDecay)
    assert again.get_config() == {"peak": 0.3, "total_steps": 50, "warmup_fraction": 0.2, "shape": "linear"}


def test_the_shapes_differ_between_peak_and_end_only() -> None:
    linear, cosine, constant = (
        [float(WarmupDecay(1.0, 110, 10 / 110, shape)(tf.constant(step))) for step in (0, 9, 35, 60, 85, 110)]
        for shape in ("linear", "cosine", "constant")
    )
    assert linear == pytest.approx([0.1, 1.0, 1 - 0.95 / 4, 1 - 0.95 / 2, 1 - 0.95 * 3 / 4, 0.05])
    quarter = (1 - np.cos(np.pi / 4)) / 2
    assert cosine == pytest.approx([0.1, 1.0, 1 - 0.95 * quarter, 1 - 0.95 / 2, 0.05 + 0.95 * quarter, 0.05])
    assert constant == pytest.approx([0.1, 1.0, 1.0, 1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="'square' is no shape"):
        WarmupDecay(1.0, 10, 0.1, "square")


# Optimizer


def dense_model() -> tf_keras.Model:
    inputs = tf_keras.Input([4])
    hidden = tf_keras.layers.LayerNormalization(name="norm")(inputs)
    outputs = tf_keras.layers.Dense(2, activation="softmax", name="head")(hidden)
    return tf_keras.Model(inputs, outputs)


def test_weight_decay_spares_biases_and_layer_norms() -> None:
    model = dense_model()
    model.set_weights([np.ones_like(weight) for weight in model.get_weights()])
    optimizer = make_optimizer(SETTINGS.with_values(weight_decay=0.5, warmup_fraction=0.0), total_steps=10)
    optimizer.apply_gradients((tf.zeros_like(variable), variable) for variable in model.trainable_variables)
    moved = {variable.name: float(np.abs(variable.numpy() - 1).max()) for variable in model.trainable_variables}
    assert moved.pop("head/kernel:0") > 1e-5
    assert list(moved.values()) == [0.0] * 3, moved


def test_the_gradient_is_clipped_by_its_whole_norm() -> None:
    optimizer = make_optimizer(SETTINGS, total_steps=10)
    assert (optimizer.global_clipnorm, optimizer.clipnorm) == (1.0, None)


def test_a_compiled_model_learns_from_label_ids_and_reports_macro_f1() -> None:
    model = dense_model()
    compiled.compile_model(model, SETTINGS, total_steps=3, target=OneLabel(labels=["a", "b"]))
    history = model.fit(np.eye(4), np.array([0, 1, 0, 1]), verbose=0)
    assert set(history.history) == {"loss", "accuracy", "macro_f1"}


def test_variables_learn_at_their_multiple_of_the_rate() -> None:
    slow, fast = tf.Variable([1.0, 1.0], name="slow"), tf.Variable([1.0, 1.0], name="fast")
    settings = SETTINGS.with_values(learning_rate=0.1, schedule="constant", warmup_fraction=0.0, weight_decay=0.5)
    optimizer = make_optimizer(settings, 10, [(slow, 0.25)])
    optimizer.apply_gradients([(tf.constant([1.0, -1.0]), slow), (tf.constant([1.0, -1.0]), fast)])
    # Adam's first step is the rate itself, whatever the gradient; the decay before it goes with the rate.
    for variable, rate in ((fast, 0.1), (slow, 0.025)):
        decayed = 1.0 - 0.5 * rate
        assert variable.numpy() == pytest.approx([decayed - rate, decayed + rate], abs=1e-5)


# Length of a training


@pytest.mark.parametrize(
    ("steps_per_epoch", "passes", "patience"),
    [(150, 6, 2), (900, 3, 2), (5000, 3, 2), (30, 30, 8), (1, 60, 15)],
)
def test_a_training_is_as_long_as_its_rows_need(steps_per_epoch: int, passes: int, patience: int) -> None:
    planned = TrainerSettings(epochs="auto", min_steps=900).planned(steps_per_epoch)
    assert (planned.passes, planned.early_stopping_patience) == (passes, patience)


def test_passes_that_were_asked_for_stay_as_they_are() -> None:
    settings = TrainerSettings(epochs=2, early_stopping_patience=0)
    assert settings.planned(7) is settings
    assert settings.passes == 2
    with pytest.raises(ValueError, match="call `planned` first"):
        _ = TrainerSettings(epochs="auto").passes


# Loss


def test_smoothed_labels_cost_what_keras_makes_of_one_hot_ones() -> None:
    labels, probabilities = np.array([0, 2, 1]), np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [1.0, 0.0, 0.0]])
    target = OneLabel(labels=["a", "b", "c"])
    expected = tf_keras.losses.CategoricalCrossentropy(label_smoothing=0.1)(np.eye(3)[labels], probabilities)
    assert float(target.smoothed_loss(0.1)(labels, probabilities)) == pytest.approx(float(expected), rel=1e-5)
    assert float(target.smoothed_loss(0.0)(labels, probabilities)) == pytest.approx(
        float(target.loss()(labels, probabilities)), rel=1e-5
    )
    again = tf_keras.losses.deserialize(tf_keras.losses.serialize(target.smoothed_loss(0.1)))
    assert float(again(labels, probabilities)) == pytest.approx(float(expected), rel=1e-5)


def test_smoothing_is_what_a_model_is_compiled_with_when_it_is_asked_for() -> None:
    losses = []
    for smoothing in (0.0, 0.2):
        model = dense_model()
        settings = SETTINGS.with_values(label_smoothing=smoothing)
        compiled.compile_model(model, settings, total_steps=3, target=OneLabel(labels=["a", "b"]))
        model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
        model.layers[-1].bias.assign([2.0, 0.0])
        losses.append(model.evaluate(np.eye(4), np.zeros(4), verbose=0)[0])
    right, wrong = -np.log(np.exp([2, 0]) / np.exp([2, 0]).sum())
    assert losses == pytest.approx([right, 0.9 * right + 0.1 * wrong], rel=1e-5)


# Class weights


@pytest.mark.parametrize("counts", [[10, 30], [5, 5, 5], [1, 2, 97]])
def test_balanced_weights_are_scikit_learns(counts: list[int]) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    expected = compute_class_weight("balanced", classes=np.arange(len(counts)), y=labels)
    assert list(class_weights(np.array(counts), "balanced").values()) == pytest.approx(list(expected))  # type: ignore[union-attr]


def test_a_class_without_rows_gets_a_finite_weight() -> None:
    assert class_weights(np.array([4, 0]), "balanced") == {0: 0.5, 1: 1.0}


def test_without_class_weights_there_are_none() -> None:
    assert class_weights(np.array([1, 9]), "none") is None


# Best weights


def play(callback: BestWeights, model: tf_keras.Model, values: list[float], start: int = 0) -> int:
    """Ends one epoch after another, each with weights of its own, until the callback stops; returns the last epoch."""
    callback.set_model(model)
    model.stop_training = False
    callback.read()
    callback.on_train_begin()
    epoch = start - 1
    for epoch, value in enumerate(values, start=start):
        model.set_weights([np.full_like(weight, epoch) for weight in model.get_weights()])
        callback.on_epoch_end(epoch, {"val_macro_f1": value, "val_loss": value})
        if model.stop_training:
            break
    return epoch


def weights_are(model: tf_keras.Model, value: float) -> bool:
    return all((weight == value).all() for weight in model.get_weights())


@pytest.mark.parametrize(
    ("values", "patience", "last", "best"),
    [
        ([0.5, 0.7, 0.6, 0.6, 0.9], 2, 3, 1),
        ([0.5, 0.7, 0.6, 0.8, 0.7], 2, 4, 3),
        ([0.5, 0.4, 0.9], 1, 1, 0),
        ([0.5, 0.4, 0.9], 0, 1, 0),
        ([0.5, 0.5, 0.5], 5, 2, 0),
        ([0.0], 1, 0, 0),
        ([0.1, 0.2, 0.3], 1, 2, 2),
    ],
)
def test_training_stops_without_improvement_and_gives_the_best_weights_back(
    tmp_path: Path, values: list[float], patience: int, last: int, best: int
) -> None:
    model, callback = dense_model(), BestWeights(str(tmp_path), monitor="val_macro_f1", patience=patience)
    assert play(callback, model, values) == last
    callback.restore()
    assert weights_are(model, best)
    assert (callback.best_epoch, callback.best) == (best, values[best])


def test_a_loss_is_made_small(tmp_path: Path) -> None:
    model, callback = dense_model(), BestWeights(str(tmp_path), monitor="val_loss", patience=1, minimize=True)
    assert play(callback, model, [0.9, 0.5, 0.6, 0.1]) == 2
    assert callback.best == 0.5


def test_a_killed_training_still_knows_its_best_weights(tmp_path: Path) -> None:
    play(BestWeights(str(tmp_path), monitor="val_macro_f1", patience=3), dense_model(), [0.3, 0.8, 0.5])
    record = json.loads((tmp_path / "best.json").read_text())
    assert (record["value"], record["epoch"]) == (0.8, 1)
    assert [epoch["val_macro_f1"] for epoch in record["epochs"]] == [0.3, 0.8, 0.5]
    model, callback = dense_model(), BestWeights(str(tmp_path), monitor="val_macro_f1", patience=3)
    assert play(callback, model, [0.6, 0.7, 0.75], start=3) == 4
    callback.restore()
    assert weights_are(model, 1)


def test_better_weights_after_a_kill_replace_the_earlier_ones(tmp_path: Path) -> None:
    play(BestWeights(str(tmp_path), monitor="val_macro_f1", patience=3), dense_model(), [0.3, 0.8])
    model, callback = dense_model(), BestWeights(str(tmp_path), monitor="val_macro_f1", patience=3)
    play(callback, model, [0.9, 0.1], start=2)
    callback.restore()
    assert weights_are(model, 2)


def test_weights_without_a_record_are_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(tf.io.gfile, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            play(BestWeights(str(tmp_path), monitor="val_macro_f1"), dense_model(), [0.8])
    callback = BestWeights(str(tmp_path), monitor="val_macro_f1")
    play(callback, dense_model(), [0.1])
    assert (callback.best, callback.best_epoch) == (0.1, 0)


def test_without_any_epoch_the_weights_stay_as_they_are(tmp_path: Path) -> None:
    model, callback = dense_model(), BestWeights(str(tmp_path), monitor="val_macro_f1")
    before = model.get_weights()
    play(callback, model, [])
    callback.restore()
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_metric_that_is_not_measured_is_an_error(tmp_path: Path) -> None:
    callback = BestWeights(str(tmp_path), monitor="val_f2")
    with pytest.raises(KeyError, match="val_f2"):
        play(callback, dense_model(), [0.5])
