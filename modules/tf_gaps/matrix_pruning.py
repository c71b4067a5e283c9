"""TF-MOT 0.8: masks for kernels of any rank.

TF-MOT's `Pruning` refuses blocks and m-by-n patterns for kernels that are no matrices, and those of attention have
three axes. Both the check and the mask of one kernel are private methods.
"""

from __future__ import annotations

from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.tf_gaps.guard import Gap

import tensorflow as tf
from tensorflow_model_optimization.python.core.sparsity.keras import pruning_impl, pruning_schedule

_GAP = Gap("tensorflow-model-optimization", __name__)


class MatrixPruning(pruning_impl.Pruning):
    """TF-MOT's masks for kernels of any rank, through their 2-D view."""

    def __init__(
        self,
        step_fn: Any,
        triples: list[tuple[tf.Variable, tf.Variable, tf.Variable]],
        schedule: pruning_schedule.PruningSchedule,
        block: tuple[int, int],
        m_by_n: tuple[int, int] | None,
        matrix_shapes: dict[Any, tuple[int, int]],
    ) -> None:
        """Hands TF-MOT what it takes, and keeps the shapes.

        Args:
            step_fn: gives the training step, an int64 variable.
            triples: master, mask and threshold of each kernel.
            schedule: when to update, and to which sparsity.
            block: rows and columns that are kept or cut together.
            m_by_n: how many zeros in how many weights; None for blocks.
            matrix_shapes: `[inputs, outputs]` by the reference of each master.

        Raises:
            GapError: TF-MOT checks or masks a kernel in another way.
        """
        _GAP.require_use(pruning_impl.Pruning, "__init__", "_validate_block")
        _GAP.require_use(pruning_impl.Pruning, "conditional_mask_update", "_maybe_update_block_mask")
        self._matrix_shapes = matrix_shapes
        super().__init__(step_fn, triples, schedule, block, "AVG", m_by_n)

    def _validate_block(self) -> None:
        """The 2-D view of an attention kernel is as good as a 2-D kernel, so there is nothing to refuse."""

    def _maybe_update_block_mask(self, weights: tf.Variable) -> tuple[Any, tf.Tensor]:
        matrix = tf.reshape(weights, self._matrix_shapes[weights.ref()])
        threshold, mask = super()._maybe_update_block_mask(matrix)
        return threshold, tf.cast(tf.reshape(mask, weights.shape), weights.dtype)
