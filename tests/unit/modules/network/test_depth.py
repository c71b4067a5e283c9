"""`modules.network.depth`: the deeper a weight lies, the more slowly it learns."""

from __future__ import annotations

import modules  # noqa: F401
from modules.network import anatomy
from modules.network.depth import layer_rates
from modules.network.model import build_model
from modules.training.optimizer import make_optimizer
from modules.training.settings import TrainerSettings

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tests.unit import compression_helpers as helpers


def test_every_weight_of_the_encoder_has_the_rate_of_its_layer_and_the_head_the_full_one() -> None:
    model = build_model(helpers.architecture())
    found = {id(variable): rate for variable, rate in layer_rates(model, 0.5)}
    parts = anatomy.of(model)
    for layer, rate in zip(parts.layers, (0.25, 0.5), strict=True):
        assert {found.pop(id(variable)) for variable in layer.layer.trainable_variables} == {rate}
    for table in parts.embeddings.values():
        assert {found.pop(id(variable)) for variable in table.trainable_variables} == {0.125}
    assert not found, "nothing but the encoder"
    assert layer_rates(model, 1.0) == []


def test_a_network_without_an_encoder_has_no_layers_to_slow_down() -> None:
    model = tf_keras.Sequential([tf_keras.layers.Dense(2, input_shape=(3,))])
    assert layer_rates(model, 1.0) == []
    with pytest.raises(anatomy.AnatomyError, match="but the network has no encoder"):
        layer_rates(model, 0.9)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_step_moves_the_layers_by_their_rates(policy: str) -> None:
    model = build_model(helpers.architecture(), policy=policy)
    before = [variable.numpy() for variable in model.trainable_variables]
    settings = TrainerSettings(
        learning_rate=0.01, schedule="constant", warmup_fraction=0.0, weight_decay=0.0, gradient_clip_norm=1e9
    )
    optimizer = make_optimizer(settings, 10, layer_rates(model, 0.5))
    optimizer.apply_gradients([(tf.ones_like(variable), variable) for variable in model.trainable_variables])
    moved = [
        float(np.abs(variable.numpy() - old).max())
        for variable, old in zip(model.trainable_variables, before, strict=True)
    ]
    by_rate = {round(distance / 0.01, 3) for distance in moved}
    assert by_rate == {0.125, 0.25, 0.5, 1.0}
