"""`modules.student.structured`: which units matter, and that removing what contributes nothing changes nothing."""

import dataclasses

from modules.network.arrays import NetworkWeights
from modules.network.model import build_model
from modules.network.trained import Trained, load_trained, save_trained
from modules.network.weights import read_weights, write_weights
from modules.student import structured
from modules.targets.one_label.distillation import LabelDistillation

import numpy as np
import pytest

from tests.unit import compression_helpers as helpers

LOSS = LabelDistillation().plain_loss


def _silenced(weights: NetworkWeights, heads: list[int], neurons: list[int]) -> NetworkWeights:
    """The outgoing weights of some units set to zero, in every layer."""
    layers = []
    for layer in weights.layers:
        output, feedforward = layer.output_kernel.copy(), layer.feedforward_kernel.copy()
        output[heads], feedforward[neurons] = 0.0, 0.0
        layers.append(dataclasses.replace(layer, output_kernel=output, feedforward_kernel=feedforward))
    return dataclasses.replace(weights, layers=tuple(layers))


def _batches(rows: int = 64) -> list:
    some = helpers.examples(rows)
    return [
        ({"token_ids": part.token_ids, "padding_mask": part.padding_mask}, part.labels)
        for part in (some.take(np.arange(start, start + 8)) for start in range(0, rows, 8))
    ]


def test_removing_silent_heads_and_neurons_preserves_the_function() -> None:
    whole = helpers.random_trained()
    dead_heads, dead_neurons = [1, 3], list(range(0, 64, 2))
    write_weights(whole.model, _silenced(read_weights(whole.model), dead_heads, dead_neurons))
    importance = structured.measure_importance(whole.model, _batches(), LOSS)
    plan = structured.make_plan(importance, layers=2, heads=0.5, neurons=0.5)
    assert plan.heads == ((0, 2), (0, 2)), "the silent ones have no importance"
    assert plan.neurons[0] == tuple(range(1, 64, 2))
    weights, smaller = structured.rebuild(read_weights(whole.model), whole.architecture, plan)
    model = build_model(smaller, dropout=0.0)
    write_weights(model, weights)
    rows = helpers.examples(32, seed=9)
    got = helpers.probabilities(Trained(model, smaller, whole.vocabulary, whole.labels), rows)
    np.testing.assert_allclose(got, helpers.probabilities(whole, rows), atol=1e-6)
    assert model.count_params() < whole.model.count_params()


def test_a_network_of_uneven_layers_survives_saving(tmp_path) -> None:
    whole = helpers.random_trained()
    plan = structured.Plan((0, 1), ((0,), (1, 2, 3)), (tuple(range(8)), tuple(range(40))))
    weights, smaller = structured.rebuild(read_weights(whole.model), whole.architecture, plan)
    model = build_model(smaller, dropout=0.0)
    write_weights(model, weights)
    save_trained(str(tmp_path / "t"), model, smaller, vocabulary=whole.vocabulary, labels=whole.labels)
    again = load_trained(str(tmp_path / "t"), policy="mixed_bfloat16")
    assert again.architecture.heads == (1, 3)
    assert again.architecture.intermediate_dims == (8, 40)
    for saved, loaded in zip(model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(saved, loaded)


def test_importance_is_the_derivative_by_a_gate() -> None:
    """Halving a unit's outgoing weights is moving its gate; the loss must change as the score says."""
    import tensorflow as tf

    whole = helpers.random_trained()
    features, labels = _batches(8)[0]
    score = structured.measure_importance(whole.model, [(features, labels)], LOSS)

    def loss(scale: float) -> float:
        weights = read_weights(whole.model)
        layer = weights.layers[1]
        kernel = layer.feedforward_kernel.copy()
        kernel[5] *= scale
        changed = dataclasses.replace(
            weights, layers=(weights.layers[0], dataclasses.replace(layer, feedforward_kernel=kernel))
        )
        model = build_model(whole.architecture, dropout=0.0)
        write_weights(model, changed)
        return float(tf.reduce_mean(tf.keras.losses.sparse_categorical_crossentropy(labels, model(features))))

    derivative = (loss(1.01) - loss(0.99)) / 0.02
    assert score.neurons[1][5] == pytest.approx(abs(derivative), rel=0.05, abs=1e-5)


def test_global_allocation_gives_layers_different_widths() -> None:
    flat, peaked = np.full(64, 1.0), np.r_[np.full(8, 10.0), np.full(56, 0.01)]
    importance = structured.Importance((flat, peaked), (np.ones(4), np.ones(4)), np.ones(2))
    uniform = structured.make_plan(importance, layers=2, neurons=0.5)
    shared = structured.make_plan(importance, layers=2, neurons=0.5, allocation="global")
    assert [len(kept) for kept in uniform.neurons] == [32, 32]
    assert len(shared.neurons[0]) > len(shared.neurons[1]) >= 8
    assert set(range(8)) <= set(shared.neurons[1])


@pytest.mark.parametrize(("available", "wanted", "expected"), [(6, 3, (0, 2, 5)), (6, 1, (5,)), (3, 3, (0, 1, 2))])
def test_layers_are_spread_from_the_first_to_the_last(available, wanted, expected) -> None:
    assert structured.spread_layers(available, wanted) == expected


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"layers": 3}, "3 layers are wanted of 2"),
        ({"layers": [1, 0]}, r"layers \[1, 0\]: ascending numbers from 0 to 1"),
        ({"layers": 2, "heads": 0.0}, r"the shares of heads \(0.0\) and neurons \(1.0\) must be above 0"),
        ({"layers": 2, "allocation": "fair"}, "allocation is 'fair'; known are uniform and global"),
    ],
)
def test_impossible_plans_are_refused(options, told: str) -> None:
    importance = structured.Importance((np.ones(8),) * 2, (np.ones(4),) * 2, np.ones(2))
    with pytest.raises(ValueError, match=told):
        structured.make_plan(importance, **options)
