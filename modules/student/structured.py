"""Structured pruning: removes whole feed-forward neurons, attention heads and layers, and builds the smaller network.

Zeros scattered over a kernel make a dense product no faster; fewer rows and columns do. Units are ranked by the
first-order Taylor estimate of how much the loss changes without them (Molchanov et al., 2019,
https://arxiv.org/abs/1906.10771; for heads Michel et al., 2019, https://arxiv.org/abs/1905.10650): the absolute value
of the derivative of the loss by a gate on the unit's output, where the gate is 1. That derivative equals the product
of the unit's outgoing weights with their gradient, so no gate has to be built into the network.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modules.network import anatomy
from modules.network.architecture import Architecture
from modules.network.arrays import Array, LayerWeights, NetworkWeights
from modules.network.model import logits_model

import numpy as np
from numpy.typing import NDArray

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)

if TYPE_CHECKING:
    import tf_keras

# Widths that are a multiple of this fill the vector registers of the kernels that multiply them.
_ROUND_TO = 8


@dataclasses.dataclass(frozen=True)
class Importance:
    """Mean absolute change of the loss by removing a unit, estimated; larger is more important.

    Attributes:
        neurons: for each layer float64 `[width]`.
        heads: for each layer float64 `[heads]`.
        layers: float64 `[num_layers]`.
    """

    neurons: tuple[NDArray[np.float64], ...]
    heads: tuple[NDArray[np.float64], ...]
    layers: NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Plan:
    """What stays of a network.

    Attributes:
        layers: indices of layers, ascending.
        heads: for each kept layer the indices of its heads, ascending.
        neurons: for each kept layer the indices of its feed-forward neurons, ascending.
    """

    layers: tuple[int, ...]
    heads: tuple[tuple[int, ...], ...]
    neurons: tuple[tuple[int, ...], ...]


def measure_importance(
    model: tf_keras.Model,
    batches: Iterable[tuple[Mapping[str, NDArray[Any]], NDArray[Any]]],
    plain_loss: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
) -> Importance:
    """Ranks the units of a trained network by Taylor scores on labelled examples.

    Args:
        model: what `modules.network.model.build_model` returns.
        batches: `(features by name [batch, ...], answers [batch])` of the training split.
            Many small batches say more than one large one: absolute values are taken of each batch.
        plain_loss: of logits and answers, `[batch]`, as `modules.student.distillation.Distillation` has it.

    Returns:
        The scores.

    Raises:
        ValueError: there is no batch.
    """
    logits = logits_model(model)
    layers = anatomy.of(model).layers
    outgoing = [
        variable
        for layer in layers
        for mixing in (layer.heads, layer.neurons)
        for variable in (mixing.kernel, mixing.bias)
    ]

    @tf.function(autograph=False, reduce_retracing=True)
    def products(features: dict[str, tf.Tensor], labels: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            outputs = logits(features, training=False)
            loss = tf.reduce_mean(plain_loss(outputs, labels))
        gradients = tape.gradient(loss, outgoing)
        return [
            tf.cast(weight, tf.float32) * tf.cast(gradient, tf.float32)
            for weight, gradient in zip(outgoing, gradients, strict=True)
        ]

    totals: list[tuple[Any, Any, Any]] = []
    for features, labels in batches:
        values = [value.numpy().astype(np.float64) for value in products(dict(features), tf.constant(labels))]
        scores = []
        for index in range(len(layers)):
            attention, attention_bias, inner, inner_bias = values[4 * index : 4 * index + 4]
            scores.append(
                (
                    np.abs(inner.sum(axis=1)),
                    np.abs(attention.sum(axis=(1, 2))),
                    abs(attention.sum() + attention_bias.sum()) + abs(inner.sum() + inner_bias.sum()),
                )
            )
        totals = (
            scores
            if not totals
            else [tuple(a + b for a, b in zip(old, new, strict=True)) for old, new in zip(totals, scores, strict=True)]
        )
    if not totals:
        raise ValueError("importance needs at least one batch.")
    neurons, heads, whole = zip(*totals, strict=True)
    return Importance(tuple(neurons), tuple(heads), np.array(whole))


def spread_layers(available: int, wanted: int) -> tuple[int, ...]:
    """Evenly spaced layers with the first and the last among them: of six, three are 0, 2 (or 3) and 5.

    Args:
        available: layers that there are.
        wanted: layers to keep.

    Raises:
        ValueError: fewer than one, or more than there are, are wanted.
    """
    if not 1 <= wanted <= available:
        raise ValueError(f"{wanted} layers are wanted of {available}.")
    if wanted == 1:
        return (available - 1,)
    return tuple(int(index) for index in np.floor(np.linspace(0, available - 1, wanted)))


def make_plan(
    importance: Importance,
    *,
    layers: Sequence[int] | int,
    heads: float = 1.0,
    neurons: float = 1.0,
    allocation: str = "uniform",
    by_importance: bool = False,
) -> Plan:
    """Decides which units stay.

    Args:
        importance: scores of the whole network.
        layers: which layers, or how many.
        heads: share of the heads of the kept layers, at least one of each.
        neurons: share of the feed-forward neurons of the kept layers.
        allocation: `uniform` keeps the same share in each layer, `global` ranks the units of all kept layers together
            (scores of a layer divided by their norm, since layers differ in scale) so that layers get different widths.
        by_importance: with a number of layers, keep the most important instead of evenly spaced ones.

    Returns:
        The units that stay.

    Raises:
        ValueError: layers that do not exist, a share outside (0, 1], an unknown allocation.
    """
    available = len(importance.layers)
    if isinstance(layers, int):
        chosen = spread_layers(available, layers)
        if by_importance:
            chosen = tuple(sorted(int(index) for index in np.argsort(-importance.layers, kind="stable")[:layers]))
    else:
        chosen = tuple(layers)
    if not chosen or sorted(set(chosen)) != list(chosen) or not 0 <= chosen[0] <= chosen[-1] < available:
        raise ValueError(f"layers {list(chosen)}: ascending numbers from 0 to {available - 1} are needed.")
    if not (0 < heads <= 1 and 0 < neurons <= 1):
        raise ValueError(f"the shares of heads ({heads}) and neurons ({neurons}) must be above 0 and at most 1.")
    if allocation not in ("uniform", "global"):
        raise ValueError(f"allocation is {allocation!r}; known are uniform and global.")
    return Plan(
        chosen,
        _select([importance.heads[index] for index in chosen], heads, allocation, 1),
        _select([importance.neurons[index] for index in chosen], neurons, allocation, _ROUND_TO),
    )


def _select(
    scores: list[NDArray[np.float64]], share: float, allocation: str, round_to: int
) -> tuple[tuple[int, ...], ...]:
    if allocation == "uniform":
        counts = [len(score) * share for score in scores]
    else:
        relative = [score / max(float(np.linalg.norm(score)), 1e-30) for score in scores]
        pooled = np.sort(np.concatenate(relative))[::-1]
        bound = pooled[max(round(len(pooled) * share), 1) - 1]
        counts = [float((score >= bound).sum()) for score in relative]
    kept = []
    for score, count in zip(scores, counts, strict=True):
        rounded = min(len(score), max(round_to * round(count / round_to), min(round_to, len(score))))
        kept.append(tuple(int(index) for index in np.sort(np.argsort(-score, kind="stable")[:rounded])))
    return tuple(kept)


def rebuild(weights: NetworkWeights, architecture: Architecture, plan: Plan) -> tuple[NetworkWeights, Architecture]:
    """Cuts the arrays of a network down to a plan.

    Args:
        weights: of the whole network.
        architecture: its shapes.
        plan: what stays.

    Returns:
        Arrays and shapes of the smaller network; the function is the same if the removed units contributed nothing.
    """
    layers = tuple(
        _cut(weights.layers[layer], list(heads), list(neurons))
        for layer, heads, neurons in zip(plan.layers, plan.heads, plan.neurons, strict=True)
    )
    smaller = dataclasses.replace(
        architecture,
        num_layers=len(plan.layers),
        head_dim=architecture.key_dim,
        layer_heads=tuple(len(heads) for heads in plan.heads),
        layer_intermediate_dims=tuple(len(neurons) for neurons in plan.neurons),
    )
    return dataclasses.replace(weights, layers=layers), smaller


def _cut(layer: LayerWeights, heads: list[int], neurons: list[int]) -> LayerWeights:
    def pick(array: Array, indices: list[int], axis: int) -> Array:
        return np.take(array, indices, axis=axis)

    return dataclasses.replace(
        layer,
        query_kernel=pick(layer.query_kernel, heads, 1),
        query_bias=pick(layer.query_bias, heads, 0),
        key_kernel=pick(layer.key_kernel, heads, 1),
        key_bias=pick(layer.key_bias, heads, 0),
        value_kernel=pick(layer.value_kernel, heads, 1),
        value_bias=pick(layer.value_bias, heads, 0),
        output_kernel=pick(layer.output_kernel, heads, 0),
        intermediate_kernel=pick(layer.intermediate_kernel, neurons, 1),
        intermediate_bias=pick(layer.intermediate_bias, neurons, 0),
        feedforward_kernel=pick(layer.feedforward_kernel, neurons, 0),
    )
