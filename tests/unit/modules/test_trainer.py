"""`modules.trainer`: what the node leaves, and where it finds what a killed one left."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import modules  # noqa: F401
from modules import trainer
from modules.artifact_files import training_dir
from modules.fitting import fit
from modules.network.trained import load_trained, save_trained
from modules.starting_model import starting_model

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tests.unit.training_helpers import ROWS, SETTINGS, STEPS, Killer, StopError, assert_same_weights, examples, parts


@pytest.fixture
def config(transform_settings: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(transform_settings)


# Where it starts


def test_two_trainings_with_one_seed_start_from_the_same_weights(config: dict[str, Any]) -> None:
    models = []
    for seed in (3, 3, 4):
        tf_keras.utils.set_random_seed(seed)
        models.append(starting_model(*parts(config), SETTINGS, policy="float32")[0])
    assert_same_weights(models[0], models[1], tolerance=0.0)
    with pytest.raises(AssertionError):
        assert_same_weights(models[0], models[2])


@pytest.mark.slow
def test_a_warm_start_takes_the_weights_of_the_blessed_model_and_refuses_another_network(
    config: dict[str, Any], tmp_path: Path
) -> None:
    model, architecture = starting_model(*parts(config), SETTINGS, policy="float32")
    serving = tmp_path / "Format-Serving"
    vocabulary = Path(config["inputs"]["text"]["backbone"]["vocabulary"]).read_text(encoding="utf-8").split()
    save_trained(training_dir(str(serving)), model, architecture, vocabulary=vocabulary, labels=["bad", "good"])
    started, _ = starting_model(*parts(config), SETTINGS, policy="float32", base_model=str(serving))
    assert_same_weights(started, model, tolerance=0.0)
    config["inputs"]["text"]["backbone"]["hidden_dim"] = 16
    with pytest.raises(ValueError, match=r"another architecture or other labels.*trainer.warm_start=false"):
        starting_model(*parts(config), SETTINGS, policy="float32", base_model=str(serving))
    config["inputs"]["text"]["backbone"]["hidden_dim"] = 8
    config["target"]["labels"] = ["good", "bad"]
    with pytest.raises(ValueError, match=r"trainer.warm_start"):
        starting_model(*parts(config), SETTINGS, policy="float32", base_model=str(serving))


def test_the_rebuildable_model_lies_beside_the_serving_folder() -> None:
    for serving in ("/a/model/5/Format-Serving", "/a/model/5/Format-Serving/"):
        assert training_dir(serving) == "/a/model/5/training"


# The whole node


@pytest.fixture
def fn_args(config: dict[str, Any], transform_graph: str, tmp_path: Path, write_examples: Any) -> SimpleNamespace:
    """TFX's arguments of a small training."""
    features, labels = examples()
    rows = [
        {"token_ids": ids.tolist(), "padding_mask": mask.tolist(), "label_id": [int(label)]}
        for ids, mask, label in zip(features["token_ids"], features["padding_mask"], labels, strict=True)
    ]
    config["trainer"] = SETTINGS.with_values(epochs=1).model_dump(mode="json")
    return SimpleNamespace(
        custom_config=config, hyperparameters=None, base_model=None, transform_graph_path=transform_graph,
        train_files=[write_examples(tmp_path / "examples" / "train.gz", rows)],
        eval_files=[write_examples(tmp_path / "examples" / "eval.gz", rows[:16])],
        serving_model_dir=str(tmp_path / "Trainer" / "model" / "7" / "Format-Serving"),
        model_run_dir=str(tmp_path / "Trainer" / "model_run" / "7"),
    )  # fmt: skip


@pytest.mark.slow
def test_the_node_writes_a_model_that_serves_one_that_can_be_rebuilt_and_its_history(
    fn_args: SimpleNamespace, tmp_path: Path
) -> None:
    Path(fn_args.model_run_dir).mkdir(parents=True)
    fn_args.hyperparameters = {"values": {"learning_rate": 0.02, "batch_size": 8.0}}
    trainer.run_fn(fn_args)
    trained = load_trained(str(tmp_path / "Trainer" / "model" / "7" / "training"))
    assert trained.labels == ["bad", "good"]
    served = tf.saved_model.load(fn_args.serving_model_dir)
    features, _ = examples()
    expected = trained.model(features, training=False).numpy()
    answer = served.signatures["tokens"](**{name: tf.constant(value) for name, value in features.items()})
    np.testing.assert_allclose(answer["probabilities"].numpy(), expected, atol=1e-6)
    for folder in (fn_args.model_run_dir, tmp_path / "Trainer" / "model" / "7" / "training"):
        record = json.loads((Path(folder) / "history.json").read_text())
        assert (record["settings"]["batch_size"], record["settings"]["learning_rate"]) == (8, 0.02)
        assert (record["rows"], record["replicas"], record["precision"]) == (ROWS, 1, "float32")
        assert "val_macro_f1" in record["history"]
    assert not list((tmp_path / "Trainer" / "model_run").rglob("ckpt*")), "the checkpoints of a finished training stay"


@pytest.mark.slow
def test_the_node_that_was_killed_finds_its_checkpoint_in_its_next_execution(
    fn_args: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killer = Killer(after_step=5)
    monkeypatch.setattr(fit.progress, "training_callback", lambda: killer)
    with pytest.raises(StopError):
        trainer.run_fn(fn_args)
    fn_args.model_run_dir = str(tmp_path / "Trainer" / "model_run" / "8")  # TFX names it after the execution
    Path(fn_args.model_run_dir).mkdir(parents=True)
    killer = Killer()
    monkeypatch.setattr(fit.progress, "training_callback", lambda: killer)
    trainer.run_fn(fn_args)
    assert killer.steps == STEPS - 4


@pytest.mark.parametrize("change", ["settings", "rows", "backbone", "graph", "base model"])
def test_another_training_does_not_go_on_from_the_checkpoint_of_this_one(fn_args: SimpleNamespace, change: str) -> None:
    before = trainer.backup_dir(fn_args, SETTINGS)
    settings = SETTINGS
    match change:
        case "settings":
            settings = SETTINGS.with_values(learning_rate=0.5)
        case "rows":
            fn_args.train_files = ["other.gz"]
        case "backbone":
            fn_args.custom_config["inputs"]["text"]["backbone"]["num_layers"] = 2
        case "graph":
            fn_args.transform_graph_path = "other"
        case "base model":
            fn_args.base_model = "other"
    assert trainer.backup_dir(fn_args, settings) != before
    assert trainer.backup_dir(fn_args, settings) == trainer.backup_dir(fn_args, settings)


def test_what_tfx_asks_for_is_one_value_that_the_first_stage_takes(fn_args: SimpleNamespace) -> None:
    fn_args.hyperparameters = {"values": {"learning_rate": 0.02, "batch_size": 8.0}}
    fn_args.base_model = "/blessed/Format-Serving"
    value = trainer.given(fn_args)
    assert (value.settings.learning_rate, value.settings.batch_size, value.settings.epochs) == (0.02, 8, 1)
    assert (list(value.inputs), value.target.names) == (["text"], ["bad", "good"])
    assert (value.policy, value.replicas) == ("float32", 1)
    assert (value.train_files, value.eval_files) == (fn_args.train_files, fn_args.eval_files)
    assert value.base_model == "/blessed/Format-Serving"
    assert value.serving_dir == value.announced_dir == fn_args.serving_model_dir
    assert value.backup_dir == trainer.backup_dir(fn_args, value.settings)


def test_a_worker_that_is_no_chief_writes_elsewhere_and_waits_where_the_chief_writes(
    fn_args: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer.devices, "is_chief", lambda: False)
    value = trainer.given(fn_args)
    assert value.announced_dir == fn_args.serving_model_dir
    assert fn_args.serving_model_dir != value.serving_dir
    assert fn_args.model_run_dir != value.log_dir
