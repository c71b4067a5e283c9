"""`modules.student.pruning` and `fine_tuning`: schedules reach their sparsity, masks survive, runs continue."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

from modules.network import anatomy
from modules.network.logits import split_logits
from modules.network.model import build_model
from modules.network.trained import load_trained, save_trained
from modules.network.weights import read_weights, write_weights
from modules.student import fine_tuning, pruning
from modules.student.fine_tuning import TeacherSignals, fine_tune
from modules.student.settings import DistillationSettings, FineTuning, PruningSettings, QuantizationAwareSettings
from modules.tflite.convert import convert
from modules.tflite.recipes import RECIPES
from modules.tflite.settings import Storage

import numpy as np
import pytest
import tensorflow as tf

from tests.unit import compression_helpers as helpers


def _student(policy: str = "float32", strategy: tf.distribute.Strategy | None = None):
    start = helpers.random_trained(seed=3)
    with strategy.scope() if strategy else contextlib.nullcontext():
        model = build_model(start.architecture, dropout=0.0, policy=policy)
    write_weights(model, read_weights(start.model))
    return model


def _run(model, tmp_path: Path, settings: FineTuning, **options: object) -> dict:
    rows = helpers.examples(96)
    logits = np.eye(2, dtype=np.float32)[rows.labels] * 3
    return fine_tune(model, rows, TeacherSignals(logits), settings, backup_dir=str(tmp_path / "b"), **options)


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        (PruningSettings(sparsity=0.7, frequency=2, targets=["layer_*", "embedding/*"]), 0.7),
        (PruningSettings(pattern="m_by_n", m_by_n=(2, 4)), 0.5),
        (PruningSettings(pattern="block", sparsity=0.6, block=(4, 2), frequency=2), 0.6),
    ],
    ids=["unstructured", "m_by_n", "block"],
)
def test_each_schedule_reaches_its_sparsity(settings, wanted, tmp_path) -> None:
    model = _student()
    _run(model, tmp_path, helpers.plain(epochs=2, batch_size=8, pruning=settings))
    measured = anatomy.of(model).sparsity(settings.targets)
    pruning.check_sparsity(measured, wanted)
    assert max(measured.values()) < wanted + 0.02, "and not more than it"
    embedding = anatomy.of(model).sparsity(["embedding/token"])["embedding/token"]
    assert (embedding > wanted - 0.01) == ("embedding/*" in settings.targets)


def test_two_of_every_four_weights_along_the_inputs_are_zero(tmp_path) -> None:
    model = _student()
    _run(model, tmp_path, helpers.plain(epochs=1, batch_size=8, pruning=PruningSettings(pattern="m_by_n")))
    for kernel in anatomy.of(model).kernels():
        matrix = kernel.variable.numpy().reshape(kernel.matrix_shape)
        zeros = (matrix.T.reshape(matrix.shape[1], -1, 4) == 0).sum(axis=2)
        assert (zeros == 2).all(), kernel.name


def test_a_block_is_zero_as_a_whole(tmp_path) -> None:
    model = _student()
    settings = PruningSettings(pattern="block", sparsity=0.5, block=(4, 2), frequency=1)
    _run(model, tmp_path, helpers.plain(epochs=1, batch_size=8, pruning=settings))
    for kernel in anatomy.of(model).kernels():
        height, width = kernel.matrix_shape
        blocks = (kernel.variable.numpy().reshape(height // 4, 4, width // 2, 2) == 0).sum(axis=(1, 3))
        assert set(np.unique(blocks)) <= {0, 8}, kernel.name


def test_masks_survive_export_and_conversion(tmp_path) -> None:
    from ai_edge_litert.tools import flatbuffer_utils

    start = helpers.random_trained(seed=3)
    model = _student()
    _run(model, tmp_path, helpers.plain(epochs=1, batch_size=8, pruning=PruningSettings(sparsity=0.75, frequency=1)))
    save_trained(str(tmp_path / "t"), model, start.architecture, vocabulary=start.vocabulary, labels=start.labels)
    loaded = load_trained(str(tmp_path / "t"))
    pruning.check_sparsity(anatomy.of(loaded.model).sparsity(), 0.75)
    for name in ("float32", "dynamic_wi8_afp32"):
        content = convert(
            read_weights(loaded.model), start.architecture, RECIPES[name], layout=helpers.text_layout()
        ).content
        flat = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
        shares = []
        for tensor in flat.subgraphs[0].tensors:
            data = flat.buffers[tensor.buffer].data
            if data is not None and len(tensor.shape) == 2 and min(tensor.shape) > 2 and b"MatMul" in tensor.name:
                values = np.frombuffer(bytes(data), np.float32 if tensor.type == 0 else np.int8)
                shares.append(np.mean(values == 0))
        assert len(shares) == 8, "four products in each of two layers"
        assert min(shares) >= 0.74, name


def test_norms_biases_and_head_are_never_pruned(tmp_path) -> None:
    model = _student()
    before = read_weights(model)
    settings = PruningSettings(sparsity=0.9, frequency=1, targets=["layer_*"])
    _run(model, tmp_path, helpers.plain(epochs=1, batch_size=8, pruning=settings))
    after = read_weights(model)
    assert (before.head_kernel != 0).all()
    assert (after.head_kernel != 0).all()
    for layer in after.layers:
        for name, value in vars(layer).items():
            assert name.endswith("kernel") or (value != 0).all(), name


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_it_works_under_a_strategy_and_mixed_precision(policy, tmp_path) -> None:
    """In a process of its own: logical devices can only be set up before TensorFlow starts."""
    code = f"""
import modules, json, sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from pathlib import Path
from tests.unit.modules.student import test_pruning
test_pruning.run_mirrored({policy!r}, Path({str(tmp_path)!r}))
"""
    root = Path(__file__).resolve().parents[4]
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'edge'}"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=root, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout.strip().splitlines()[-1])
    assert result["replicas"] == 2
    assert 0.69 < result["least"] <= result["most"] < 0.72
    assert result["exact_masters"], "float32 masters must not be rounded to the compute type"


def run_mirrored(policy: str, folder: Path) -> None:
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    model = _student(policy, strategy)
    settings = helpers.plain(
        epochs=1,
        batch_size=8,
        learning_rate=1e-3,
        pruning=PruningSettings(sparsity=0.7, frequency=1),
        distillation=DistillationSettings(alpha=0.5),
    )
    _run(model, folder, settings, strategy=strategy, policy=policy)
    shares = anatomy.of(model).sparsity().values()
    kernel = read_weights(model).layers[0].query_kernel
    half = kernel.astype(np.float16).astype(np.float32)
    print(json.dumps({
        "replicas": strategy.num_replicas_in_sync, "least": min(shares), "most": max(shares),
        "exact_masters": bool((kernel[kernel != 0] != half[kernel != 0]).mean() > 0.5),
    }))  # fmt: skip


def test_a_killed_run_continues_and_ends_where_it_would_have(tmp_path, monkeypatch) -> None:
    settings = helpers.plain(
        epochs=2, batch_size=8, pruning=PruningSettings(sparsity=0.6, frequency=2), checkpoint_seconds=1e-9
    )
    whole = _student()
    _run(whole, tmp_path / "whole", settings)
    killed, calls = _student(), []

    def stop(*arguments: object) -> None:
        calls.append(arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(fine_tuning, "_report", stop)
    # By this clock each look takes 50 ms; after 2 s a report is due, and the report kills the run.
    ticks = iter(range(10**6))
    monkeypatch.setattr(fine_tuning.time, "monotonic", lambda: 0.05 * next(ticks))
    with pytest.raises(KeyboardInterrupt):
        _run(killed, tmp_path / "killed", settings)
    monkeypatch.undo()
    continued = _student()
    result = _run(continued, tmp_path / "killed", settings)
    assert 0 < result["resumed_at"] < result["steps"]
    for expected, got in zip(whole.get_weights(), continued.get_weights(), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-5)


def test_rounding_leaves_the_masters_exact_until_it_is_over(tmp_path, monkeypatch) -> None:
    aware = QuantizationAwareSettings(kernel_bits=4, embedding_bits=4, begin=0.0)
    settings = helpers.plain(epochs=1, batch_size=8, quantization_aware=aware)

    def values(model) -> int:
        """Different values in a column of a kernel; four bits have 16."""
        return len(np.unique(read_weights(model).layers[0].feedforward_kernel[:, 0].round(6)))

    rounded = _student()
    _run(rounded, tmp_path / "1", settings)
    assert values(rounded) <= 16
    # Without the last rounding, what the optimizer moved is seen.
    monkeypatch.setattr(fine_tuning, "_finish", lambda *_: None)
    exact = _student()
    _run(exact, tmp_path / "2", settings)
    assert values(exact) > 16


def test_a_rounded_network_loses_nothing_to_the_same_number_of_bits(tmp_path) -> None:

    start, model, rows = helpers.random_trained(seed=3), _student(), helpers.examples(40)
    aware = QuantizationAwareSettings(kernel_bits=4, begin=0.0)
    _run(model, tmp_path, helpers.plain(epochs=1, batch_size=8, quantization_aware=aware))
    files = {
        name: convert(
            read_weights(model),
            start.architecture,
            RECIPES[name].with_values(embedding=Storage()),
            layout=helpers.text_layout(),
        ).content
        for name in ("float32", "dynamic_wi8_afp32", "dynamic_wi4_afp32")
    }
    got = {name: helpers.ran(content, rows) for name, content in files.items()}
    eight = helpers.compared(got["float32"], got["dynamic_wi8_afp32"])
    four = helpers.compared(got["float32"], got["dynamic_wi4_afp32"])
    assert four.mean_abs < 2 * eight.mean_abs + 1e-3, "what differs is the activations, which both round to eight bits"


def test_a_shortfall_is_an_error_that_names_the_kernel() -> None:
    model = _student()
    with pytest.raises(pruning.SparsityShortfallError, match="layer_1/feedforward/output 0"):
        pruning.check_sparsity(anatomy.of(model).sparsity(), 0.5)


def test_a_training_too_short_for_the_schedule_is_told_before_it() -> None:
    pruning.MagnitudePruner(_student(), PruningSettings(frequency=2), total_steps=2)
    with pytest.raises(ValueError, match=r"of 1 steps is too short .* set a larger pruner\.epochs"):
        pruning.MagnitudePruner(_student(), PruningSettings(frequency=2), total_steps=1)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (PruningSettings(targets=["layer_*/attenton/*"]), "matches none"),
        (PruningSettings(pattern="m_by_n", m_by_n=(2, 7)), "does not divide"),
        (PruningSettings(pattern="block", block=(5, 1)), "do not fit"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, told) -> None:
    with pytest.raises(ValueError, match=told):
        pruning.MagnitudePruner(_student(), settings, total_steps=10)


def test_logits_are_in_the_order_of_the_rows() -> None:
    trained, rows = helpers.random_trained(), helpers.examples(40)
    logits = split_logits(trained.model, rows, batch_size=7)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(odds / odds.sum(axis=1, keepdims=True), helpers.probabilities(trained, rows), atol=1e-5)
