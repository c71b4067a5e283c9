"""One answer for a row of several windows: a network's answers to them, averaged.

The windows of all rows go through the network as one batch. The mean is of probabilities (of numbers, where a target is
one), so that a window that is sure counts more than one that knows nothing, and none decides alone; the device does the
same (`edge/edgeline_edge/long_text.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.tensors import Tensor

import tensorflow as tf

Tensors = Mapping[str, tf.Tensor]


def answer(
    network: Callable[[Tensors], tf.Tensor],
    tensors: Tensors,
    specs: tuple[Tensor, ...],
    *,
    mask: str | None,
    windows: int,
) -> tf.Tensor:
    """Asks a network about rows, of one window or of several.

    Args:
        network: from tensors by name, `[batch, …]`, to its output, `[batch, …]`.
        tensors: by name, `[batch, *shape]`; those that hold windows hold them side by side,
            `[batch, windows * length]`.
        specs: which of them those are.
        mask: the one that is 1 where a window goes on; a window without one is left out. None: there are no windows.
        windows: of a row.

    Returns:
        Of each row the mean over its windows, `[batch, …]`; zeros where it has none.
    """
    if mask is None or windows == 1:
        return network(tensors)
    rows, row_length = tf.unstack(tf.shape(tensors[mask]))
    shape = [-1, windows, row_length // windows]
    apart = {spec.name: tf.reshape(tensors[spec.name], shape) for spec in specs if spec.window}
    there = tf.reduce_any(apart[mask] > 0, axis=-1)  # [batch, windows]
    row = tf.where(there)[:, 0]
    asked = {
        name: tf.boolean_mask(apart[name], there) if name in apart else tf.gather(values, row)
        for name, values in tensors.items()
    }
    return tf.math.unsorted_segment_mean(network(asked), row, rows)
