"""`modules.trainer`: a training that was killed goes on where it was, on any devices, in any precision."""

from __future__ import annotations

import copy
import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import modules  # noqa: F401
from modules import trainer
from modules.artifact_files import training_dir
from modules.entry_settings import TransformNodeSettings
from modules.inputs import kinds as inputs_lib
from modules.network.trained import load_trained
from modules.rows import batches
from modules.rows.token_windows import TokenWindows
from modules.starting_model import starting_model
from modules.targets import kinds as targets_lib
from modules.targets.one_label import OneLabel
from modules.training import compiled, trace
from modules.training.settings import TrainerSettings

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from tensorboard.plugins.hparams import plugin_data_pb2 as hparams_plugin

SETTINGS = TrainerSettings(
    epochs=3, batch_size=4, learning_rate=0.01, dropout=0.0, class_weights="balanced", early_stopping_patience=5,
    precision="float32", warm_start=False, seed=3, checkpoint_steps=2, tensorboard=False,
)  # fmt: skip
ROWS, LENGTH = 26, 16
TARGET = OneLabel(labels=["bad", "good"])


def parts(config: dict[str, Any]) -> tuple[Any, Any]:
    """The inputs and the target of a node's settings."""
    return inputs_lib.read(config["inputs"]), targets_lib.read(config["target"])


def examples(seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Rows whose label a token tells."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, ROWS)
    lengths = random.integers(3, LENGTH + 1, ROWS)
    mask = (np.arange(LENGTH) < lengths[:, np.newaxis]).astype(np.int32)
    ids = random.integers(10, 60, (ROWS, LENGTH)) * mask
    ids[:, 1] = 60 + labels
    return {"token_ids": ids.astype(np.int32), "padding_mask": mask}, labels.astype(np.int32)


def split() -> TokenWindows:
    """The same rows as Trainer reads them."""
    features, labels = examples()
    return TokenWindows(**features, labels=labels)


@dataclasses.dataclass
class Trained:
    """What a training came to."""

    model: tf_keras.Model
    history: dict[str, list[float]]
    steps: int


class StopError(Exception):
    """Stands for a kill."""


class Killer(tf_keras.callbacks.Callback):
    """Counts steps, and stops the training like a kill: after a step, or inside the evaluation after an epoch."""

    def __init__(self, after_step: int | None = None, in_evaluation: int | None = None) -> None:
        super().__init__()
        self.steps, self.evaluations = 0, 0
        self._after_step, self._in_evaluation = after_step, in_evaluation

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.steps += 1
        if self.steps == self._after_step:
            raise StopError

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.evaluations += 1
        if self.evaluations == self._in_evaluation:
            raise StopError


@pytest.fixture
def config(transform_settings: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(transform_settings)


def told(config: dict[str, Any]) -> TransformNodeSettings:
    return TransformNodeSettings.from_values(config)


def train(
    config: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch, killer: Killer | None = None, **changes: Any
) -> Trained:
    """Trains a fresh model as `run_fn` does, in one process."""
    killer = killer or Killer()
    # So slow that every epoch is better than the one before: it is the last one's weights that are kept.
    settings = SETTINGS.with_values(**{"learning_rate": 0.0005, **changes})
    tf_keras.utils.set_random_seed(settings.seed)
    rows = split()
    stream = batches.TrainingStream(rows, batch_size=settings.batch_size, seed=settings.seed)
    model, _ = starting_model(*parts(config), settings, policy="float32")
    compiled.compile_model(model, settings, total_steps=stream.steps_per_epoch * settings.epochs, target=TARGET)
    monkeypatch.setattr(trainer.progress, "training_callback", lambda: killer)
    evaluation = batches.evaluation_batches(rows.take(np.arange(16)), batch_size=16)
    history = trainer.fit(
        model, stream, evaluation, settings, TARGET, backup_dir=str(folder / "backup"), log_dir=str(folder)
    )
    return Trained(model, history, killer.steps)


def assert_same_weights(one: tf_keras.Model, other: tf_keras.Model, tolerance: float = 1e-5) -> None:
    for left, right in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, atol=tolerance)


STEPS = 7  # per epoch: 26 rows in batches of 4


@pytest.fixture(scope="module")
def whole(transform_settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A training that nobody killed."""
    with pytest.MonkeyPatch.context() as patched:
        found = train(transform_settings, tmp_path_factory.mktemp("whole"), patched)
    assert found.steps == 3 * STEPS
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("killer", "goes_on_at"),
    [
        (Killer(after_step=5), 4),
        (Killer(in_evaluation=1), 6),
        (Killer(after_step=STEPS + 3), STEPS + 2),
        (Killer(in_evaluation=3), 2 * STEPS + 6),
    ],
    ids=["first epoch", "first evaluation", "second epoch", "last evaluation"],
)
def test_a_killed_training_goes_on_where_it_was_and_ends_like_one_that_was_not(
    config: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    whole: Trained,
    killer: Killer,
    goes_on_at: int,
) -> None:
    with pytest.raises(StopError):
        train(config, tmp_path / "killed", monkeypatch, killer)
    resumed = train(config, tmp_path / "killed", monkeypatch)
    assert resumed.steps == 3 * STEPS - goes_on_at
    assert resumed.model.optimizer.iterations.numpy() == whole.model.optimizer.iterations.numpy() == 3 * STEPS
    assert_same_weights(resumed.model, whole.model)
    epochs = len(resumed.history["val_macro_f1"])
    assert resumed.history["val_macro_f1"] == pytest.approx(whole.history["val_macro_f1"][-epochs:])


@pytest.mark.slow
def test_a_training_that_was_killed_twice_still_goes_on(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Trained
) -> None:
    for killer in (Killer(after_step=5), Killer(after_step=6)):
        with pytest.raises(StopError):
            train(config, tmp_path / "killed", monkeypatch, killer)
    assert_same_weights(train(config, tmp_path / "killed", monkeypatch).model, whole.model)


@pytest.mark.slow
def test_a_finished_training_is_not_done_again_and_gives_its_best_weights(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the process is killed between training and export."""
    first = train(config, tmp_path, monkeypatch, epochs=1)
    again = train(config, tmp_path, monkeypatch, epochs=1)
    assert (again.steps, again.history) == (0, {})
    assert_same_weights(again.model, first.model, tolerance=0.0)


@pytest.mark.slow
def test_the_best_epoch_wins_and_not_the_last(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A learning rate that is far too large makes the network worse after its first epoch."""
    found = train(config, tmp_path, monkeypatch, learning_rate=3.0, epochs=4)
    scores = found.history["val_macro_f1"]
    rows = split()
    result = found.model.evaluate(
        batches.evaluation_batches(rows.take(np.arange(16)), batch_size=16), return_dict=True, verbose=0
    )
    assert result["macro_f1"] == pytest.approx(max(scores))


@pytest.mark.slow
def test_training_stops_early_without_improvement(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = train(config, tmp_path, monkeypatch, learning_rate=1e-12, early_stopping_patience=2, epochs=9)
    assert len(found.history["loss"]) == 3


@pytest.mark.slow
def test_tensorboard_logs_are_written_where_they_are_asked_for(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(config, tmp_path, monkeypatch, tensorboard=True, epochs=1, profile_steps=[3, 4])
    found = summaries(tmp_path)
    assert {"epoch_loss", "epoch_macro_f1", "epoch_accuracy"} <= set(found)
    # The HParams tab: the values that the training had, and that it ended well.
    session = hparams_plugin.HParamsPluginData.FromString(
        found["_hparams_/session_start_info"].metadata.plugin_data.content
    ).session_start_info
    assert session.hparams["learning_rate"].number_value == 0.0005
    assert session.hparams["precision"].string_value == "float32"
    assert "_hparams_/session_end_info" in found
    # The profile: for TensorBoard's own tab, and as a table for the Text tab.
    assert list(tmp_path.glob("plugins/profile/*/*.xplane.pb"))
    table = tf.make_ndarray(found["profile"].tensor)
    lines = table.item().decode().splitlines()
    assert lines[0] == "| where | type | operation | occurrences | self_us |"
    assert len(lines) > 5


def summaries(folder: Path) -> dict[str, Any]:
    """The last value of each tag in a folder's event files."""
    found = {}
    for file in sorted(folder.rglob("events.out.tfevents.*")):
        for record in tf.data.TFRecordDataset(str(file)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            found |= {value.tag: value for value in event.summary.value}
    return found


def test_a_profile_of_steps_that_never_came_is_told_and_costs_no_training(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "edgeline.progress"):
        assert trace.summarise(str(tmp_path)) == []
    assert "no step was profiled" in caplog.text


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
    trainer.save_trained(training_dir(str(serving)), model, architecture, vocabulary=vocabulary, labels=["bad", "good"])
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
    monkeypatch.setattr(trainer.progress, "training_callback", lambda: killer)
    with pytest.raises(StopError):
        trainer.run_fn(fn_args)
    fn_args.model_run_dir = str(tmp_path / "Trainer" / "model_run" / "8")  # TFX names it after the execution
    Path(fn_args.model_run_dir).mkdir(parents=True)
    killer = Killer()
    monkeypatch.setattr(trainer.progress, "training_callback", lambda: killer)
    trainer.run_fn(fn_args)
    assert killer.steps == STEPS - 4


@pytest.mark.parametrize("change", ["settings", "rows", "backbone", "graph", "base model"])
def test_another_training_does_not_go_on_from_the_checkpoint_of_this_one(fn_args: SimpleNamespace, change: str) -> None:
    before = trainer._backup_dir(fn_args, SETTINGS)
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
    assert trainer._backup_dir(fn_args, settings) != before
    assert trainer._backup_dir(fn_args, settings) == trainer._backup_dir(fn_args, settings)


# Devices and precision

SCRIPT = """
import sys

import modules
import numpy as np
import tensorflow as tf

folder, graph, vocabulary = sys.argv[1:]
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
import tensorflow_text
import tensorflow_transform as tft
import tf_keras
from modules import trainer
from modules.starting_model import starting_model
from modules.entry_settings import TransformNodeSettings
from modules.machine import devices
from modules.rows import batches as data
from modules.training import compiled as training
from modules.inputs.text.input import Text
from modules.targets.one_label import OneLabel
from tests.unit.modules.test_trainer import SETTINGS, examples, split

logical_devices = tf.config.list_logical_devices
BACKBONE = {"kind": "scratch", "vocabulary": vocabulary, "num_layers": 1, "num_heads": 2, "hidden_dim": 8,
            "intermediate_dim": 16}
INPUTS = {"text": Text(name="text", sequence_length=16, backbone=BACKBONE)}
TARGET = OneLabel(labels=["bad", "good"])


def transformed():
    raw = {"text": tf.constant([["good film"]]), "label": tf.constant([["good"]]), "number": tf.constant([[1.0001]])}
    return tft.TFTransformOutput(graph).transform_features_layer()(raw)


def train(replicas, policy):
    settings = SETTINGS.with_values(epochs=2, precision=policy)
    tf_keras.utils.set_random_seed(1)
    tf.config.list_logical_devices = lambda kind: logical_devices(kind)[:replicas]
    strategy = devices.distribution_strategy()
    assert strategy.num_replicas_in_sync == replicas, strategy.num_replicas_in_sync
    rows = split()
    stream = data.TrainingStream(rows, batch_size=4 * replicas, seed=1)
    total = 2 * stream.steps_per_epoch
    with strategy.scope():
        model, _ = starting_model(INPUTS, TARGET, settings, policy=devices.resolve_precision(policy))
        training.compile_model(model, settings, total_steps=total, target=TARGET)
    start = [weight.copy() for weight in model.get_weights()]
    evaluation = data.evaluation_batches(rows.take(np.arange(16)), batch_size=8 * replicas)
    places = {"backup_dir": f"{folder}/{replicas}-{policy}", "log_dir": folder}
    history = trainer.fit(model, stream, evaluation, settings, TARGET, **places)

    assert np.isfinite(history["loss"]).all() and len(history["loss"]) == 2, history
    assert {variable.dtype for variable in model.variables} == {tf.float32}
    # A loss scale that is still too large costs a step or two under mixed_float16, and no step otherwise.
    iterations = int(model.optimizer.iterations.numpy())
    assert total // 2 < iterations <= total and (iterations == total or policy == "mixed_float16"), (iterations, total)
    moved = [np.abs(one - other).max() > 0 for one, other in zip(start, model.get_weights())]
    assert np.mean(moved) > 0.8, moved
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    assert isinstance(model.optimizer, tf_keras.mixed_precision.LossScaleOptimizer) == (policy == "mixed_float16")
    assert model.get_layer("encoder").layers[-1].compute_dtype == {"float32": "float32"}.get(policy, "float16")
    assert model(examples()[0]).dtype == tf.float32


before = transformed()
for replicas, policy in ((2, "float32"), (1, "mixed_float16"), (2, "mixed_float16")):
    train(replicas, policy)
    assert tf_keras.mixed_precision.global_policy().name == "float32"
    after = transformed()
    assert after["number"].dtype == tf.float32 and after["token_ids"].dtype == tf.int64
    assert all((before[name].numpy() == after[name].numpy()).all() for name in before), (replicas, policy)
    print("trained on", replicas, "in", policy)
"""


@pytest.mark.slow
def test_training_works_on_two_devices_and_in_half_precision_apart_and_together(
    tmp_path: Path, transform_graph: str, vocabulary_file: Path, repository: Path
) -> None:
    """In a process of its own, since devices can be divided only before TensorFlow starts."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), transform_graph, str(vocabulary_file)],
        capture_output=True, text=True, timeout=300, check=False, cwd=repository,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert [line for line in done.stdout.splitlines() if line.startswith("trained")] == [
        "trained on 2 in float32", "trained on 1 in mixed_float16", "trained on 2 in mixed_float16",
    ]  # fmt: skip
