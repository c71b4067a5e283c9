"""`modules.machine.devices`: which devices train, and in which precision."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from modules.machine import cpu, devices

import pytest
import tensorflow as tf

CPU_INFO = "processor\t: 0\nflags\t\t: fpu avx2 avx512f {}\n\nprocessor\t: 1\nflags\t\t: fpu amx_bf16\n"


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: [])


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_a_policy_that_is_asked_for_by_name_is_taken_on_any_device(policy: str) -> None:
    assert devices.resolve_precision(policy) == policy


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"avx512_bf16"}, "mixed_bfloat16"),
        ({"amx_bf16", "avx2"}, "mixed_bfloat16"),
        ({"avx512f"}, "float32"),
        ((), "float32"),
    ],
)
def test_auto_computes_in_bfloat16_only_where_the_cpu_does(
    no_gpu: None, monkeypatch: pytest.MonkeyPatch, flags: set[str], expected: str
) -> None:
    monkeypatch.setattr(cpu, "cpu_flags", lambda: frozenset(flags))
    assert devices.resolve_precision("auto") == expected


def test_auto_takes_half_precision_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["gpu"] if kind == "GPU" else ["cpu"])
    monkeypatch.setattr(cpu, "cpu_flags", lambda: frozenset({"avx512_bf16"}))
    assert devices.resolve_precision("auto") == "mixed_float16"


@pytest.mark.parametrize("precision", ["float16", "bfloat16", "", "AUTO"])
def test_an_unknown_policy_is_an_error_that_lists_the_known_ones(precision: str) -> None:
    with pytest.raises(ValueError, match="none of auto, float32, mixed_float16, mixed_bfloat16"):
        devices.resolve_precision(precision)


def test_the_flags_are_those_of_the_first_core(tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(CPU_INFO.format("avx512_bf16"), encoding="utf-8")
    assert cpu.cpu_flags(file) == {"fpu", "avx2", "avx512f", "avx512_bf16"}


@pytest.mark.parametrize("content", [None, "", "model name: x\n"])
def test_a_system_that_does_not_tell_has_no_flags(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "cpuinfo"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    assert cpu.cpu_flags(file) == frozenset()


def test_arm_calls_its_flags_features(tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("Features\t: fp asimd bf16\n", encoding="utf-8")
    assert "bf16" in cpu.cpu_flags(file)


def test_without_a_gpu_the_cpu_is_the_one_replica() -> None:
    strategy = devices.distribution_strategy()
    assert isinstance(strategy, tf.distribute.MirroredStrategy)
    assert strategy.num_replicas_in_sync == len(tf.config.list_logical_devices("CPU"))


def test_all_gpus_train_and_the_cpu_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    gpus = [type("Device", (), {"name": f"/device:GPU:{number}"}) for number in range(3)]
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: gpus if kind == "GPU" else [])
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", asked.append)
    devices.distribution_strategy()
    assert asked == [["/device:GPU:0", "/device:GPU:1", "/device:GPU:2"]]


@pytest.fixture
def task_config(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("KERASTUNER_TUNER_ID", raising=False)

    def set_it(kind: str, index: int, **cluster: list[str]) -> None:
        value = {"cluster": cluster, "task": {"type": kind, "index": index}}
        monkeypatch.setenv("TF_CONFIG", json.dumps(value))

    return set_it


def test_one_machine_in_tf_config_trains_alone(task_config) -> None:
    task_config("worker", 0, worker=["a:1"])
    assert not devices.cluster()
    assert devices.is_chief()
    assert devices.own_folder("runs/x") == "runs/x"


@pytest.mark.parametrize(
    ("kind", "index", "cluster", "chief"),
    [
        ("worker", 0, {"worker": ["a:1", "b:1"]}, True),
        ("worker", 1, {"worker": ["a:1", "b:1"]}, False),
        ("chief", 0, {"chief": ["a:1"], "worker": ["b:1"]}, True),
        ("worker", 0, {"chief": ["a:1"], "worker": ["b:1"]}, False),
    ],
)
def test_in_a_cluster_one_worker_writes_and_each_keeps_its_share_of_a_batch(
    task_config, kind: str, index: int, cluster: dict[str, list[str]], chief: bool
) -> None:
    task_config(kind, index, **cluster)
    assert devices.is_chief() is chief
    assert (devices.output_folder("runs/Format-Serving") == "runs/Format-Serving") is chief
    assert devices.own_folder("runs/x") == ("runs/x" if chief else f"runs/x/{kind}-{index}")
    policy = devices.data_options().experimental_distribute.auto_shard_policy
    assert policy == tf.data.experimental.AutoShardPolicy.DATA


def test_a_worker_ends_only_when_the_chiefs_output_is_there(task_config, tmp_path: Path) -> None:
    task_config("worker", 1, worker=["a:1", "b:1"])
    with pytest.raises(TimeoutError, match="the chief has not written"):
        devices.wait_for_chief(str(tmp_path / "model"), seconds=0.05, interval=0.01)
    (tmp_path / "model").mkdir()
    devices.wait_for_chief(str(tmp_path / "model"), seconds=0.05)
    task_config("worker", 0, worker=["a:1", "b:1"])
    devices.wait_for_chief(str(tmp_path / "not there"))


def test_machines_that_search_side_by_side_train_alone(task_config, monkeypatch: pytest.MonkeyPatch) -> None:
    task_config("worker", 1, worker=["a:1", "b:1"])
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "worker-1")
    assert not devices.cluster()
    assert isinstance(devices.distribution_strategy(), tf.distribute.MirroredStrategy)


@pytest.mark.parametrize(("given", "expected"), [({}, "1"), ({"TF_ENABLE_ONEDNN_OPTS": "0"}, "0")])
def test_onednn_is_on_unless_the_environment_says_otherwise(given: dict[str, str], expected: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    code = "import modules, os; print(os.environ['TF_ENABLE_ONEDNN_OPTS'])"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**environment, **given}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == expected
