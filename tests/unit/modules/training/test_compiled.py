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
    assert again.get_config() == {"peak": 0.3, "total_steps": 50, "warmup_fraction": 0.2}


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
    assert json.loads((tmp_path / "best.json").read_text()) == {"value": 0.8, "epoch": 1}
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
