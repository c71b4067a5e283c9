"""`trainer.contrast`: rows of one label are drawn together, and what comes of it stays only if it is better on eval."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.fitting import contrast
from modules.fitting import fit as fitting
from modules.fitting.build import build
from modules.fitting.values import BuiltModel
from modules.network.model import head_input
from modules.training.contrastive import SupervisedContrast, plan
from modules.training.settings import ContrastSettings, TrainerSettings

import numpy as np
import pytest
import tf_keras

from tests.unit.training_helpers import given, loaded, split

_QUICK = {"steps": 30, "batch_size": 8, "learning_rate": 0.01}


def network(config: dict[str, Any], folder: Path, **changes: Any) -> BuiltModel:
    value = given(copy.deepcopy(config), folder, probe="only", **changes)
    tf_keras.utils.set_random_seed(value.settings.seed)
    return build(loaded(value))


def test_the_loss_is_that_of_the_article() -> None:
    chance = np.random.default_rng(0)
    vectors, labels = chance.normal(size=(7, 5)).astype(np.float32), np.array([0, 1, 0, 2, 1, 0, 3])
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = units @ units.T / 0.2
    expected = np.zeros(7)
    for row in range(7):
        others = [other for other in range(7) if other != row]
        same = [other for other in others if labels[other] == labels[row]]
        total = np.log(np.exp(cosines[row, others]).sum())
        expected[row] = -np.mean([cosines[row, other] - total for other in same]) if same else 0.0
    found = SupervisedContrast(0.2, reduction="none")(labels[:, np.newaxis], vectors)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize(("labels", "batch_size"), [(2, 8), (8, 24), (50, 24), (3, 4)])
def test_a_batch_has_two_rows_or_more_of_each_of_its_labels(labels: int, batch_size: int) -> None:
    answers = np.repeat(np.arange(labels) * 3, 5)
    rows = plan(answers, batch_size=batch_size, steps=60, seed=1)
    assert rows.shape[0] == 60
    assert 4 <= rows.shape[1] <= batch_size
    for batch in rows:
        assert min(np.unique(answers[batch], return_counts=True)[1]) >= 2
    assert set(answers[rows.ravel()]) == set(answers)


def test_a_label_of_one_row_has_it_twice() -> None:
    [batch] = plan(np.array([0, 1, 1, 1]), batch_size=4, steps=1, seed=0)
    assert sorted(batch)[:2] == [0, 0]


def test_rows_of_one_label_come_nearer(transform_settings: dict[str, Any], tmp_path: Path) -> None:
    built = network(transform_settings, tmp_path)
    rows, labels = split().features, split().labels

    def nearness() -> float:
        vectors = head_input(built.model)(rows, training=False).numpy()
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        same = labels[:, np.newaxis] == labels
        cosines = vectors @ vectors.T
        return float(cosines[same].mean() - cosines[~same].mean())

    before = nearness()
    assert contrast.draw_together(built, ContrastSettings(**_QUICK))
    assert nearness() > before + 0.1


def test_what_is_no_better_is_given_up(transform_settings: dict[str, Any], tmp_path: Path) -> None:
    plain = fitting.fit(network(transform_settings, tmp_path / "plain"))
    spoiling = ContrastSettings(steps=5, batch_size=8, learning_rate=1.0)
    spoilt = fitting.fit(network(transform_settings, tmp_path / "spoilt", contrast=spoiling))
    assert spoilt.probe == plain.probe
    assert all(map(np.array_equal, plain.model.get_weights(), spoilt.model.get_weights()))


def test_what_is_better_stays_and_is_recorded(transform_settings: dict[str, Any], tmp_path: Path) -> None:
    plain = fitting.fit(network(transform_settings, tmp_path / "plain"))
    drawn = fitting.fit(network(transform_settings, tmp_path / "drawn", contrast=ContrastSettings(**_QUICK)))
    assert plain.probe is not None
    assert drawn.probe is not None
    assert drawn.probe["contrast_steps"] == _QUICK["steps"]
    assert drawn.probe["val_macro_f1"] > plain.probe["val_macro_f1"]
    [record] = (tmp_path / "drawn").rglob("best.json")
    assert json.loads(record.read_text())["start"] == drawn.probe


def test_contrast_without_a_head_to_judge_it_is_refused() -> None:
    with pytest.raises(ValueError, match="set probe to first or only"):
        TrainerSettings(contrast=ContrastSettings())
