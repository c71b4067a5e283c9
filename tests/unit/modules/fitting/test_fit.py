"""`modules.fitting.fit`: a training that was killed goes on where it was, on any devices, in any precision."""

from __future__ import annotations

import copy
import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.fitting import fit as fitting
from modules.fitting.build import build
from modules.rows import batches
from modules.training import trace

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from tensorboard.plugins.hparams import plugin_data_pb2 as hparams_plugin

from tests.unit.training_helpers import STEPS, Killer, StopError, assert_same_weights, given, loaded, split


@dataclasses.dataclass
class Trained:
    """What a training came to."""

    model: tf_keras.Model
    history: dict[str, list[float]]
    steps: int


@pytest.fixture
def config(transform_settings: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(transform_settings)


def train(
    config: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch, killer: Killer | None = None, **changes: Any
) -> Trained:
    """Trains a fresh model as `run_fn` does, in one process."""
    killer = killer or Killer()
    # So slow that every epoch is better than the one before: it is the last one's weights that are kept.
    value = given(config, folder, **{"learning_rate": 0.0005, **changes})
    tf_keras.utils.set_random_seed(value.settings.seed)
    monkeypatch.setattr(fitting.progress, "training_callback", lambda: killer)
    fitted = fitting.fit(build(loaded(value)))
    return Trained(fitted.model, dict(fitted.history), killer.steps)


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
    # Of the best epoch, whose weights are kept; the losses below tell of the others.
    assert resumed.model.optimizer.iterations.numpy() == whole.model.optimizer.iterations.numpy()
    assert_same_weights(resumed.model, whole.model)
    assert len(whole.history["val_macro_f1"]) == len(resumed.history["loss"]) == 3
    for metric in ("val_macro_f1", "val_loss"):
        assert resumed.history[metric] == pytest.approx(whole.history[metric], rel=1e-4)


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
    assert (again.steps, again.history) == (0, first.history)
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
def test_a_training_that_had_stopped_early_is_not_gone_on_with(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the process is killed between training and export."""
    stopping = {"learning_rate": 1e-12, "early_stopping_patience": 1, "epochs": 9}
    first = train(config, tmp_path, monkeypatch, **stopping)
    again = train(config, tmp_path, monkeypatch, **stopping)
    assert (first.steps, again.steps, again.history) == (2 * STEPS, 0, first.history)
    assert_same_weights(again.model, first.model, tolerance=0.0)


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
from pathlib import Path
from modules.fitting.build import build
from modules.fitting.fit import fit
from modules.machine import devices
from tests.unit.training_helpers import examples, given, loaded

logical_devices = tf.config.list_logical_devices
BACKBONE = {"kind": "scratch", "vocabulary": vocabulary, "num_layers": 1, "num_heads": 2, "hidden_dim": 8,
            "intermediate_dim": 16}
CONFIG = {"inputs": {"text": {"kind": "text", "column": "text", "sequence_length": 16, "backbone": BACKBONE}},
          "target": {"kind": "one_label", "column": "label", "labels": ["bad", "good"]}}


def transformed():
    raw = {"text": tf.constant([["good film"]]), "label": tf.constant([["good"]]), "number": tf.constant([[1.0001]])}
    return tft.TFTransformOutput(graph).transform_features_layer()(raw)


def train(replicas, policy):
    tf_keras.utils.set_random_seed(1)
    tf.config.list_logical_devices = lambda kind: logical_devices(kind)[:replicas]
    place = Path(folder, f"{replicas}-{policy}")
    value = given(CONFIG, place, policy=devices.resolve_precision(policy), epochs=2, precision=policy, seed=1)
    assert value.replicas == replicas, value.replicas
    built = build(loaded(value, batch_size=8 * replicas))
    model, total = built.model, 2 * built.stream.steps_per_epoch
    start = [weight.copy() for weight in model.get_weights()]
    history = fit(built).history

    assert np.isfinite(history["loss"]).all() and len(history["loss"]) == 2, history
    assert {variable.dtype for variable in model.variables} == {tf.float32}
    # Under mixed_float16 each step whose gradient overflows halves the loss scale, 2**15 at first, and does not
    # count; with 2**7 none of these does.
    iterations = int(model.optimizer.iterations.numpy())
    assert total - 8 < iterations <= total and (iterations == total or policy == "mixed_float16"), (iterations, total)
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
