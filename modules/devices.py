"""Which devices train, and in which precision."""

from __future__ import annotations

from pathlib import Path

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)

import tensorflow as tf

POLICIES = ("float32", "mixed_float16", "mixed_bfloat16")
_BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})


def distribution_strategy() -> tf.distribute.Strategy:
    """`MirroredStrategy` over all GPUs, or over all logical CPU devices where there is no GPU.

    Source: https://www.tensorflow.org/guide/distributed_training#mirroredstrategy.
    """
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


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
    return "mixed_bfloat16" if cpu_flags() & _BFLOAT16_FLAGS else "float32"


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Feature flags of the CPU as Linux names them; empty where the system does not tell."""
    if not cpuinfo.is_file():
        return frozenset()
    for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()
