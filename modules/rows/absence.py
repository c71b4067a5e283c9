"""Rows that lack an input: what a network must see in training, if it is to answer without one later.

Modality dropout after Neverova et al. 2016, https://arxiv.org/abs/1501.00102, section 3.3: at random, an input of a row
is taken for missing, as its kind says what that looks like.
"""

from __future__ import annotations

from collections.abc import Mapping

from modules.inputs.kinds import Inputs

import tensorflow as tf

Tensors = Mapping[str, tf.Tensor]


def drawn(inputs: Inputs, rows: tf.Tensor, *, rate: float, seed: int, step: tf.Tensor) -> dict[str, tf.Tensor]:
    """Which inputs of which rows are left out in a step: the same for the same arguments.

    Args:
        inputs: of the task.
        rows: of the batch, an int32 scalar.
        rate: share of the rows in which an input is left out, each input by itself.
        seed: of the choice.
        step: of the training, an int64 scalar.

    Returns:
        By name of the input, bool `[rows]`; no row lacks all inputs.
    """
    seeds = tf.stack([tf.constant(seed, tf.int64), tf.cast(step, tf.int64)])
    chances = tf.random.stateless_uniform([rows, len(inputs)], seeds)
    kept = chances == tf.reduce_max(chances, axis=1, keepdims=True)
    gone = tf.unstack((chances < rate) & ~kept, axis=1)
    return dict(zip(inputs, gone, strict=True))


def without(features: Tensors, inputs: Inputs, gone: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The features of rows that lack some inputs.

    Args:
        features: by name, `[rows, *shape]`; windows may be cut.
        inputs: of the task.
        gone: by name of the input, bool `[rows]`; one that is not named is there.

    Returns:
        All of the features.
    """
    changed = dict(features)
    for name, rows in gone.items():
        part = inputs[name]
        own = {tensor.name: features[tensor.name] for tensor in part.tensors()}
        for tensor, missing in part.absent(own).items():
            there = own[tensor]
            where = tf.reshape(rows, [-1, *(1,) * (len(there.shape) - 1)])
            changed[tensor] = tf.where(where, tf.cast(missing, there.dtype), there)
    return changed
