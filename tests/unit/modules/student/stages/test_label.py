"""The third stage: what the teacher says of the training texts, and of variations that nobody labelled."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from modules.network.logits import split_logits
from modules.student.stages.cut import cut
from modules.student.stages.label import LOGITS_FILE, label
from modules.student.stages.trim import trim
from modules.student.stages.values import CutNetwork

import numpy as np
import pytest

from tests.unit import compression_helpers as helpers


def made(folder: Path, **settings: Any) -> CutNetwork:
    return cut(trim(helpers.given(folder, student={"layers": 1, "importance_rows": 32}, **settings)))


def test_the_teacher_is_asked_about_each_row_once_and_its_answers_are_kept(tmp_path: Path) -> None:
    value = made(tmp_path / "work")
    labelled = label(value)
    assert labelled.seen is value.train
    expected = split_logits(value.teacher.model, value.train)
    np.testing.assert_allclose(labelled.signals.logits, expected, atol=1e-5)
    assert labelled.signals.model is None
    kept = tmp_path / "work" / LOGITS_FILE
    np.save(kept, np.full_like(expected, 7.0))
    assert (label(value).signals.logits == 7.0).all(), "a run that goes on does not ask again"


def test_variations_come_behind_the_texts_and_have_no_label(tmp_path: Path) -> None:
    value = made(tmp_path, augmentation={"copies": 2})
    labelled = label(value)
    count = len(value.train)
    assert len(labelled.seen) == len(labelled.signals.logits) == 3 * count
    assert np.array_equal(labelled.seen.labels[:count], value.train.labels)
    assert (labelled.seen.labels[count:] == -1).all()


def test_losses_on_hidden_states_bring_the_teacher_and_say_which_layer_follows_which(tmp_path: Path) -> None:
    value = made(tmp_path, distillation={"hidden": 0.5})
    signals = label(value).signals
    assert signals.model is value.teacher.model
    assert tuple(signals.layer_map) == value.plan.layers == (1,)
    assert np.array_equal(signals.features["token_ids"], value.train.token_ids)


@pytest.mark.usefixtures("float32_policy")
def test_the_teacher_answers_under_the_policy_of_the_fine_tuning(tmp_path: Path) -> None:
    value = made(tmp_path, distillation={"attention": 0.5})
    signals = label(dataclasses.replace(value, policy="mixed_bfloat16", backup_dir=str(tmp_path / "other"))).signals
    assert signals.model.get_layer("encoder").layers[-1].compute_dtype == "bfloat16"
    exact = split_logits(value.teacher.model, value.train)
    assert 0 < np.abs(signals.logits - exact).max() < 0.5
