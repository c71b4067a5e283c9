"""`modules.fitting.probe`: the head is fitted before anything else, and stays where no epoch is better."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.fitting import fit as fitting
from modules.fitting.build import build
from modules.network.model import head_input

import numpy as np
import pytest

from tests.unit.training_helpers import given, loaded, split


@pytest.fixture
def config(transform_settings: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(transform_settings)


def test_the_head_alone_is_fitted_and_the_encoder_stays(config: dict[str, Any], tmp_path: Path) -> None:
    built = build(loaded(given(config, tmp_path, probe="only")))
    before = [value.copy() for value in built.model.get_layer("encoder").get_weights()]
    fitted = fitting.fit(built)
    assert all(map(np.array_equal, before, fitted.model.get_layer("encoder").get_weights()))
    assert fitted.history == {}
    assert fitted.probe is not None
    assert fitted.probe["val_macro_f1"] > 0.9  # a token of each row tells its label, random weights or not
    found = fitted.model.evaluate(fitted.evaluation, return_dict=True, verbose=0)
    assert found["macro_f1"] == pytest.approx(fitted.probe["val_macro_f1"])
    reads = head_input(fitted.model)({name: value[:3] for name, value in split().features.items()})
    assert reads.shape == (3, built.architecture.hidden_dim)


def test_a_training_that_spoils_the_fitted_head_is_not_kept(config: dict[str, Any], tmp_path: Path) -> None:
    alone = fitting.fit(build(loaded(given(config, tmp_path / "only", probe="only"))))
    spoilt = given(config, tmp_path / "first", probe="first", epochs=2, learning_rate=10.0, early_stopping_patience=1)
    fitted = fitting.fit(build(loaded(spoilt)))
    assert 1 <= len(fitted.history["val_macro_f1"]) <= 2
    assert max(fitted.history["val_macro_f1"]) <= fitted.probe["val_macro_f1"]
    assert all(map(np.array_equal, alone.model.get_weights(), fitted.model.get_weights()))
    [record] = (tmp_path / "first").rglob("best.json")
    assert json.loads(record.read_text())["start"] == fitted.probe
    # As when the process is killed between training and export.
    again = fitting.fit(build(loaded(spoilt)))
    assert again.probe == fitted.probe
    assert all(map(np.array_equal, again.model.get_weights(), fitted.model.get_weights()))
