"""`modules.training.hyperparameters`: the tuner's values in place of the configuration's, each of its own type."""

from __future__ import annotations

from modules.training.hyperparameters import resolve
from modules.training.settings import TrainerSettings

import pytest

TRAINER = TrainerSettings(learning_rate=1e-4, batch_size=32, dropout=0.1, epochs=3, precision="auto")


@pytest.mark.parametrize("tuned", [None, {}, {"values": None}, {"values": {}}, {"space": []}])
def test_without_a_search_the_configuration_holds(tuned: dict | None) -> None:
    assert resolve(TRAINER, tuned) == TRAINER


def test_the_best_values_replace_the_configured_ones_with_their_types() -> None:
    resolved = resolve(TRAINER, {"space": [], "values": {"learning_rate": 2e-4, "batch_size": 16.0, "dropout": 0}})
    assert resolved == TRAINER.with_values(learning_rate=2e-4, batch_size=16, dropout=0.0)
    assert [type(value) for value in (resolved.batch_size, resolved.dropout)] == [int, float]


def test_what_the_tuner_keeps_for_itself_is_no_setting() -> None:
    assert resolve(TRAINER, {"values": {"tuner/epochs": 2, "tuner/bracket": 1}}) == TRAINER


def test_the_configuration_itself_is_not_changed() -> None:
    before = TRAINER.model_copy()
    resolve(TRAINER, {"values": {"dropout": 0.9}})
    assert before == TRAINER


def test_a_value_that_the_section_would_not_take_is_refused_with_its_name() -> None:
    with pytest.raises(ValueError, match=r"dropout\n.*less than 1"):
        resolve(TRAINER, {"values": {"dropout": 1.5}})
