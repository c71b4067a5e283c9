"""`modules.tuner` and the progress that it reports: every declared value is searched, by each algorithm."""

from __future__ import annotations

import copy
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import modules  # noqa: F401
from modules import tuner
from modules.machine import progress
from modules.training.settings import SpaceEntry, TunerSettings

import keras_tuner
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

SPACE = [
    {"name": "learning_rate", "kind": "float", "min": 1e-3, "max": 1e-1, "sampling": "log"},
    {"name": "batch_size", "kind": "choice", "values": [4.0, 8.0]},
]


def settings(**changes: Any) -> TunerSettings:
    return TunerSettings.model_validate({"space": SPACE, "trials": 3, "objective": "val_macro_f1", **changes})


# The space


def entry(**values: Any) -> SpaceEntry:
    return SpaceEntry.model_validate(values)


def test_a_float_is_searched_between_its_bounds_on_its_scale() -> None:
    hp = keras_tuner.HyperParameters()
    tuner.declare(hp, entry(name="learning_rate", kind="float", min=1e-5, max=1e-3, sampling="log"))
    [space] = hp.space
    assert (space.name, space.min_value, space.max_value, space.sampling) == ("learning_rate", 1e-5, 1e-3, "log")
    values = [space.random_sample(seed) for seed in range(200)]
    assert all(1e-5 <= value <= 1e-3 for value in values)
    assert 50 < sum(value < 1e-4 for value in values) < 150, "half of a logarithmic scale lies below its middle"


def test_an_integer_stays_one_and_reaches_both_bounds() -> None:
    hp = keras_tuner.HyperParameters()
    value = tuner.declare(hp, entry(name="batch_size", kind="int", min=8.0, max=10.0))
    assert type(value) is int
    assert {hp.space[0].random_sample(seed) for seed in range(50)} == {8, 9, 10}


def test_a_choice_takes_its_values_only() -> None:
    hp = keras_tuner.HyperParameters()
    assert tuner.declare(hp, entry(name="batch_size", kind="choice", values=[16.0, 32.0])) == 16.0
    assert {hp.space[0].random_sample(seed) for seed in range(50)} == {16.0, 32.0}


# The algorithms


class Hyper(keras_tuner.HyperModel):
    """A network that is trained in no time; larger rates score higher."""

    def build(self, hp: keras_tuner.HyperParameters) -> tf_keras.Model:
        rate = tuner.declare(hp, entry(**SPACE[0]))
        model = tf_keras.Sequential([tf_keras.layers.Dense(1, input_shape=(1,))])
        model.compile(tf_keras.optimizers.SGD(rate), "mse")
        return model

    def fit(self, hp: keras_tuner.HyperParameters, model: tf_keras.Model, **kwargs: Any) -> dict[str, float]:
        rate = float(hp.get("learning_rate"))
        return {"val_macro_f1": rate, "val_loss": rate, "val_accuracy": rate}


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [
        ("bayesian", keras_tuner.BayesianOptimization),
        ("random", keras_tuner.RandomSearch),
    ],
)
def test_each_algorithm_finds_the_best_of_what_it_tried(tmp_path: Path, algorithm: str, kind: type) -> None:
    made = tuner.make_tuner(settings(algorithm=algorithm), Hyper(), directory=str(tmp_path), seed=1)
    assert type(made) is kind
    made.search()
    tried = [trial.hyperparameters.get("learning_rate") for trial in made.oracle.trials.values()]
    assert len(tried) == made.oracle.max_trials == 3
    assert len(set(tried)) == 3
    assert made.get_best_hyperparameters()[0].get("learning_rate") == max(tried)


def test_a_loss_is_made_small(tmp_path: Path) -> None:
    made = tuner.make_tuner(
        settings(objective="val_loss", algorithm="random"), Hyper(), directory=str(tmp_path), seed=1, minimize=True
    )
    made.search()
    tried = [trial.hyperparameters.get("learning_rate") for trial in made.oracle.trials.values()]
    assert made.get_best_hyperparameters()[0].get("learning_rate") == min(tried)


@pytest.mark.parametrize("algorithm", ["bayesian", "random"])
def test_one_seed_gives_one_search(tmp_path: Path, algorithm: str) -> None:
    found = []
    for number, seed in enumerate((1, 1, 2)):
        made = tuner.make_tuner(settings(algorithm=algorithm), Hyper(), directory=f"{tmp_path}/{number}", seed=seed)
        made.search()
        found.append([trial.hyperparameters.values for _, trial in sorted(made.oracle.trials.items())])
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_a_killed_search_goes_on_with_the_trials_that_are_left(tmp_path: Path) -> None:
    class Killed(Hyper):
        def fit(self, hp: Any, model: Any, **kwargs: Any) -> dict[str, float]:
            if len(made.oracle.end_order) == 2:
                raise KeyboardInterrupt
            return super().fit(hp, model, **kwargs)

    made = tuner.make_tuner(settings(algorithm="random"), Killed(), directory=str(tmp_path), seed=1)
    with pytest.raises(KeyboardInterrupt):
        made.search()
    again = tuner.make_tuner(settings(algorithm="random"), Hyper(), directory=str(tmp_path), seed=1)
    assert len(again.oracle.end_order) == 2
    again.search()
    assert len(again.oracle.end_order) == 3


@pytest.mark.parametrize(("epochs", "trials"), [(1, 1), (3, 6), (4, 10)])
def test_hyperband_says_how_many_trials_it_will_run(tmp_path: Path, epochs: int, trials: int) -> None:
    made = tuner.make_tuner(settings(algorithm="hyperband", epochs=epochs), Hyper(), directory=str(tmp_path), seed=1)
    assert made.oracle.max_trials == tuner.hyperband_trials(made) == trials
    made.search()
    assert len(made.oracle.end_order) == trials


def test_a_machine_that_asks_the_chiefs_oracle_knows_the_number_of_trials_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("TUNER_ID", "worker-1"), ("ORACLE_IP", "localhost"), ("ORACLE_PORT", "1")):
        monkeypatch.setenv(f"KERASTUNER_{name}", value)
    made = tuner.make_tuner(settings(algorithm="hyperband", epochs=3), Hyper(), directory=str(tmp_path), seed=1)
    assert type(made.oracle).__name__ == "OracleClient"
    assert made.oracle.max_trials == tuner.hyperband_trials(made) == 6


# The whole node


@pytest.fixture
def fn_args(transform_settings: dict[str, Any], tmp_path: Path, write_examples: Any) -> SimpleNamespace:
    random = np.random.default_rng(0)
    rows = []
    for number in range(24):
        length = int(random.integers(3, 17))
        ids = [2, 60 + number % 2, *random.integers(10, 60, length - 2).tolist(), *[0] * (16 - length)]
        rows.append({"token_ids": ids, "padding_mask": [1] * length + [0] * (16 - length), "label_id": [number % 2]})
    config = copy.deepcopy(transform_settings)
    config["trainer"] = {
        "epochs": 9, "batch_size": 4, "learning_rate": 0.01, "warmup_fraction": 0.1, "weight_decay": 0.01,
        "gradient_clip_norm": 1.0, "dropout": 0.0, "class_weights": "balanced", "precision": "float32", "seed": 3,
        "tensorboard": True,
    }  # fmt: skip
    config["tuner"] = settings(trials=2, steps_per_epoch=2, eval_steps=1).model_dump(mode="json")
    return SimpleNamespace(
        custom_config=config,
        train_files=[write_examples(tmp_path / "train.gz", rows)],
        eval_files=[write_examples(tmp_path / "eval.gz", rows[:8])],
        transform_graph_path=str(tmp_path / "graph"),
        working_dir=str(tmp_path / "Tuner" / ".system" / "executor_execution" / "4"),
    )


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["bayesian", "hyperband"])
def test_the_node_searches_with_each_algorithm_and_tells_where_it_is(
    fn_args: SimpleNamespace, algorithm: str, caplog: pytest.LogCaptureFixture
) -> None:
    fn_args.custom_config["tuner"].update(algorithm=algorithm, epochs=3 if algorithm == "hyperband" else 1)
    result = tuner.tuner_fn(fn_args)
    with caplog.at_level(logging.INFO, "edgeline.progress"):
        result.tuner.search(**result.fit_kwargs)
    trials = [trial for trial in result.tuner.oracle.trials.values() if trial.status == "COMPLETED"]
    assert len(trials) == result.tuner.oracle.max_trials >= 2
    assert all(0 <= trial.score <= 1 for trial in trials)
    assert all(trial.hyperparameters.get("batch_size") in (4.0, 8.0) for trial in trials)
    logs = Path(tuner._working_dir(fn_args), tuner.LOG_DIR)
    assert {folder.name for folder in logs.iterdir()} == {trial.trial_id for trial in trials}
    hparams = EventMultiplexer().AddRunsFromDirectory(str(logs)).Reload().PluginRunToTagToContent("hparams")
    assert len(hparams) == len(trials)
    assert all("_hparams_/session_start_info" in tags for tags in hparams.values())
    reports = [record for record in caplog.records if record.name == "edgeline.progress"]
    told = [record.getMessage() for record in reports]
    assert any(line.startswith(f"trial 1/{len(trials)} learning_rate=") for line in told), told
    steps = {record.progress["steps"] for record in reports}  # type: ignore[attr-defined]
    assert steps == {2}, "a trial takes the steps that the configuration gives it"


@pytest.mark.slow
def test_a_search_that_was_killed_is_found_again_by_the_next_execution(fn_args: SimpleNamespace) -> None:
    first = tuner.tuner_fn(fn_args).tuner
    first.search()
    fn_args.working_dir = fn_args.working_dir.replace("/4", "/5")
    again = tuner.tuner_fn(fn_args).tuner
    assert len(again.oracle.end_order) == 2
    found, kept = (
        {name: (trial.hyperparameters.values, trial.score) for name, trial in search.oracle.trials.items()}
        for search in (again, first)
    )
    assert found == kept


def test_another_search_does_not_find_the_trials_of_this_one(fn_args: SimpleNamespace) -> None:
    before = tuner._working_dir(fn_args)
    assert ".system" not in before
    fn_args.custom_config["tuner"]["trials"] = 9
    assert tuner._working_dir(fn_args) != before


# Progress inside a training


def test_a_training_tells_its_epochs_and_at_most_a_step_a_second(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    class Clock(tf_keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            now[0] += 0.3

    model = tf_keras.Sequential([tf_keras.layers.Dense(1, input_shape=(1,))])
    model.compile("sgd", "mse")
    with caplog.at_level(logging.INFO, "edgeline.progress"):
        model.fit(
            tf.ones([10, 1]), tf.ones([10, 1]), batch_size=1, epochs=2, verbose=0,
            callbacks=[Clock(), progress.training_callback("trial 1/2")],
        )  # fmt: skip
    told = [record.progress for record in caplog.records]  # type: ignore[attr-defined]
    assert [item["step"] for item in told] == [1, 5, 9, 10, 3, 7, 10]
    assert [item["epoch_end"] for item in told] == [False, False, False, True, False, False, True]
    assert told[0]["message"].startswith("trial 1/2 epoch 1/2 step 1/10 loss ")
    assert told[-1]["message"].startswith("trial 1/2 epoch 2/2 loss ")
    assert all(isinstance(item["loss"], float) for item in told)
