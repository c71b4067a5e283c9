"""The second stage of a training: the network that learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modules.fitting.build import build
from modules.network.architecture import ENCODER

import pytest
import tf_keras

from tests.unit.training_helpers import STEPS, given, loaded


@pytest.mark.parametrize(("policy", "computes"), [("float32", "float32"), ("mixed_bfloat16", "bfloat16")])
def test_the_network_is_compiled_under_the_strategy_and_the_policy(
    transform_settings: dict[str, Any], tmp_path: Path, policy: str, computes: str
) -> None:
    value = given(transform_settings, tmp_path, policy=policy, precision=policy)
    built = build(loaded(value))
    assert built.model.distribute_strategy is value.strategy
    assert built.model.get_layer(ENCODER).layers[-1].compute_dtype == computes
    assert {weight.dtype.name for weight in built.model.weights} == {"float32"}
    assert built.model.count_params() == sum(weight.shape.num_elements() for weight in built.model.weights)
    assert (built.architecture.num_layers, built.architecture.hidden_dim) == (1, 8)


def test_the_learning_rate_falls_over_all_steps_of_all_epochs(
    transform_settings: dict[str, Any], tmp_path: Path
) -> None:
    schedules = [
        build(loaded(given(transform_settings, tmp_path, epochs=epochs))).model.optimizer._learning_rate
        for epochs in (1, 3)
    ]
    assert all(isinstance(one, tf_keras.optimizers.schedules.LearningRateSchedule) for one in schedules)
    floors = [[float(one(step)) for step in (STEPS, 3 * STEPS)] for one in schedules]
    assert floors[0][0] == pytest.approx(floors[0][1]), "after one epoch it has come down"
    assert floors[1][0] > floors[1][1] == pytest.approx(floors[0][1])
