"""Magnitude pruning with TF-MOT's schedules and masks, on networks that TF-MOT's own wrapper refuses.

`prune_low_magnitude` does not know KerasNLP's composite layers, rounds float32 masters to the compute type under mixed
precision, and crashes under MirroredStrategy with mixed_float16. Here TF-MOT's `Pruning` works on (master variable,
mask, threshold) triples directly, after the optimizer's step; nothing wraps the network, so nothing has to be
stripped: applying the masks once more leaves exact zeros in the weights that are saved.

Sources: Zhu and Gupta, 2017 (https://arxiv.org/abs/1710.01878) for the schedule; Pool, 2021
(https://arxiv.org/abs/2104.08378) for m zeros out of n.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modules.network import anatomy
from modules.student.settings import PruningSettings
from modules.tf_gaps.matrix_pruning import MatrixPruning

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)
from tensorflow_model_optimization.python.core.sparsity.keras import pruning_schedule

if TYPE_CHECKING:
    import tf_keras


class SparsityShortfallError(RuntimeError):
    """A kernel of the exported network has fewer zeros than its schedule promised."""


class MagnitudePruner:
    """Masks for some kernels and the schedule that tightens them.

    Make it inside `strategy.scope()`, call `update` in every replica after the optimizer's step, and `apply` once at
    the end. Save `variables` beside the network to be able to continue.

    Args:
        model: the network to prune.
        settings: pattern, schedule and targets.
        total_steps: optimizer steps of the whole run.

    Raises:
        ValueError: a pattern that matches nothing, a pattern that does not fit a kernel's shape, or too few steps.
    """

    def __init__(self, model: tf_keras.Model, settings: PruningSettings, *, total_steps: int) -> None:
        self.kernels = anatomy.of(model).kernels(settings.targets)
        self.settings = settings
        self._check_shapes()
        begin = int(settings.begin * total_steps)
        frequency = max(1, min(settings.frequency, int((settings.end - settings.begin) * total_steps)))
        # Updates happen at begin + k * frequency: the last of them must be the end, or the target is never reached.
        end = begin + max(1, int((settings.end * total_steps - begin) // frequency)) * frequency
        if end > total_steps - 1:
            raise ValueError(
                f"a training of the student of {total_steps} steps is too short for pruner.pruning, whose last update "
                f"is step {end + 1}: set a larger pruner.epochs, a smaller pruner.batch_size, or take more rows."
            )
        first = tf.VariableAggregation.ONLY_FIRST_REPLICA
        self.step = tf.Variable(0, trainable=False, dtype=tf.int64, name="pruning_step", aggregation=first)
        mean = {"trainable": False, "aggregation": tf.VariableAggregation.MEAN}
        self.masks = [tf.Variable(tf.ones(kernel.variable.shape), name="mask", **mean) for kernel in self.kernels]
        thresholds = [tf.Variable(0.0, name="threshold", **mean) for _ in self.kernels]
        self._thresholds = thresholds
        triples = [
            (kernel.variable, mask, threshold)
            for kernel, mask, threshold in zip(self.kernels, self.masks, thresholds, strict=True)
        ]
        by_shape = {kernel.variable.ref(): kernel.matrix_shape for kernel in self.kernels}
        m_by_n = settings.m_by_n if settings.pattern == "m_by_n" else None

        def step() -> tf.Tensor:
            # TF-MOT chooses an m-by-n mask when its step is 1 and never again.
            return self.step - begin + 1 if m_by_n else self.step + 0

        self._pruning = MatrixPruning(
            step,
            triples,
            pruning_schedule.PolynomialDecay(
                settings.initial_sparsity, settings.final_sparsity, begin, end, frequency=frequency
            ),
            settings.block if settings.pattern == "block" else (1, 1),
            m_by_n,
            by_shape,
        )

    @property
    def variables(self) -> list[tf.Variable]:
        """Everything that a checkpoint must hold to continue: step, masks, thresholds."""
        return [self.step, *self.masks, *self._thresholds]

    def update(self) -> None:
        """One step of the schedule, then zeros in the masters; call in the replica context, in a graph or eagerly."""
        self._pruning.conditional_mask_update()
        self._pruning.weight_mask_op()
        self.step.assign_add(1)

    def apply(self) -> None:
        """Writes the masks into the masters once more; call in the cross-replica context when training is over."""
        for kernel, mask in zip(self.kernels, self.masks, strict=True):
            kernel.variable.assign(tf.cast(mask, kernel.variable.dtype) * kernel.variable)

    def _check_shapes(self) -> None:
        for kernel in self.kernels:
            height, width = kernel.matrix_shape
            # TF-MOT groups n weights along the inputs of an output.
            if self.settings.pattern == "m_by_n" and height % self.settings.m_by_n[1]:
                raise ValueError(f"{kernel.name} has {height} inputs, which {self.settings.m_by_n[1]} does not divide.")
            if self.settings.pattern == "block" and (height % self.settings.block[0] or width % self.settings.block[1]):
                raise ValueError(f"{kernel.name} is {height} x {width}; blocks of {self.settings.block} do not fit.")


def check_sparsity(measured: dict[str, float], wanted: float, *, tolerance: float = 0.01) -> None:
    """Compares what was reached with what was asked for.

    Raises:
        SparsityShortfallError: a kernel is more than `tolerance` short; it is named with both numbers.
    """
    short = {name: value for name, value in measured.items() if value < wanted - tolerance}
    if short:
        told = ", ".join(f"{name} {value:.3f}" for name, value in sorted(short.items()))
        raise SparsityShortfallError(f"sparsity {wanted:.3f} was asked for, on the exported model it is {told}.")
