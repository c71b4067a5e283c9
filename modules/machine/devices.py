"""Which devices train, and in which precision."""

from __future__ import annotations

import json
import os
import tempfile
import time
from typing import Any

from modules.machine import cpu

import tensorflow as tf

POLICIES = ("float32", "mixed_float16", "mixed_bfloat16")


def distribution_strategy() -> tf.distribute.Strategy:
    """The strategy of this process.

    Returns:
        In a cluster (see `cluster`) `MultiWorkerMirroredStrategy` over the GPUs, or CPUs, of all workers. Else
        `MirroredStrategy` over all GPUs, or over all logical CPU devices where there is no GPU. A cluster's must be
        made before TensorFlow computes anything.

    Source: https://www.tensorflow.org/guide/distributed_training#multiworkermirroredstrategy.
    """
    if cluster():
        return tf.distribute.MultiWorkerMirroredStrategy()
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def cluster() -> dict[str, Any]:
    """The machines that train one model together, by `TF_CONFIG`; empty where this process trains alone.

    Vertex AI sets `TF_CONFIG` for every job of more than one machine, for a search of hyperparameters as well; there
    each machine trains models of its own, which `KERASTUNER_TUNER_ID` tells.
    """
    config = json.loads(os.environ.get("TF_CONFIG") or "{}")
    workers = sum(len(config.get("cluster", {}).get(kind, [])) for kind in ("chief", "worker"))
    return config if workers > 1 and "KERASTUNER_TUNER_ID" not in os.environ else {}


def is_chief() -> bool:
    """Whether this process writes what is shared; alone, it does."""
    config = cluster()
    task = config.get("task", {})
    first = "chief" if "chief" in config.get("cluster", {}) else "worker"
    return not config or (task.get("type") == first and int(task.get("index", 0)) == 0)


def own_folder(folder: str) -> str:
    """A folder that only this worker writes to, on the same storage: the chief's is the folder itself."""
    if is_chief():
        return folder
    task = cluster()["task"]
    return f"{folder.rstrip('/')}/{task['type']}-{task['index']}"


def output_folder(folder: str) -> str:
    """Where this worker writes an output: all but the chief into a temporary folder, since all write the same."""
    return folder if is_chief() else os.path.join(tempfile.mkdtemp(), os.path.basename(folder.rstrip("/")))


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Waits until every worker of a cluster has come this far; alone, it returns at once.

    Args:
        strategy: of this process. Its own collective is the meeting point, so a worker that died ends the wait.
    """
    if cluster():
        strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(lambda: tf.constant(1.0)), axis=None)


def wait_for_chief(path: str, *, seconds: float = 1800.0, interval: float = 2.0) -> None:
    """Waits until the chief has written an output; TFX asks every worker whether the model is there.

    Args:
        path: what the chief writes last.
        seconds: at most.
        interval: between two looks.

    Raises:
        TimeoutError: it never came.
    """
    deadline = time.monotonic() + seconds
    while not is_chief() and not tf.io.gfile.exists(path):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the chief has not written {path} in {seconds:.0f} seconds; see its log")
        time.sleep(interval)


def identity() -> Any:
    """What tells one set of devices from another, the same in every worker of a cluster."""
    return cluster().get("cluster") or tf.config.list_logical_devices()


def data_options() -> tf.data.Options:
    """How a data set of global batches is divided: each worker of a cluster reads all of it and keeps its share."""
    options = tf.data.Options()
    policy = tf.data.experimental.AutoShardPolicy
    options.experimental_distribute.auto_shard_policy = policy.DATA if cluster() else policy.OFF
    return options


def resolve_precision(precision: str) -> str:
    """The Keras policy that a configuration's `precision` means on this machine.

    Args:
        precision: `auto`, or the name of a policy, which is taken as it is on any device.

    Returns:
        For `auto`: `mixed_float16` on a GPU, `mixed_bfloat16` on a CPU that computes in it, else `float32`.

    Raises:
        ValueError: there is no such policy.
    """
    if precision in POLICIES:
        return precision
    if precision != "auto":
        raise ValueError(f"precision {precision!r} is none of auto, {', '.join(POLICIES)}")
    if tf.config.list_physical_devices("GPU"):
        return "mixed_float16"
    return cpu.training_policy(cpu.cpu_flags())
