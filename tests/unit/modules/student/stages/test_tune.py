"""The fourth stage: the cut network learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modules.network.weights import read_weights
from modules.student.distillation import score
from modules.student.stages.cut import cut
from modules.student.stages.label import label
from modules.student.stages.trim import trim
from modules.student.stages.tune import tune
from modules.student.stages.values import LabelledRows

import numpy as np
import pytest

from tests.unit import compression_helpers as helpers


def labelled(folder: Path, *, student: dict[str, Any] | None = None, **settings: Any) -> LabelledRows:
    shape = {"layers": 1, "importance_rows": 32, **(student or {})}
    learning = {"epochs": 4, "batch_size": 16, "learning_rate": 5e-3, "distillation": {"alpha": 0.0}}
    return label(cut(trim(helpers.given(folder, student=shape, **{**learning, **settings}))))


def test_a_student_learns_the_labels_and_says_how_it_was_before(tmp_path: Path) -> None:
    value = labelled(tmp_path)
    tuned = tune(value)
    own = value.in_own_words(value.evaluation)
    assert score(tuned.student, own, "one_label") > tuned.score_before + 0.2
    assert (tuned.run["steps"], tuned.run["resumed_at"]) == (24, 0)
    assert not np.array_equal(read_weights(tuned.student).token, value.weights.token)


def test_a_stored_embedding_is_left_as_it_is_stored(tmp_path: Path) -> None:
    value = labelled(tmp_path, student={"embedding": {"bits": "int4", "block": 32}}, epochs=1)
    after = read_weights(tune(value).student)
    assert np.array_equal(after.token, value.weights.token)
    assert not np.array_equal(after.layers[0].query_kernel, value.weights.layers[0].query_kernel)


def test_a_run_that_is_over_is_not_run_again(tmp_path: Path) -> None:
    value = labelled(tmp_path, epochs=1)
    first, again = tune(value), tune(value)
    assert again.run["resumed_at"] == again.run["steps"] == 6
    for one, other in zip(first.student.get_weights(), again.student.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_settings_that_do_not_fit_the_network_are_refused(tmp_path: Path) -> None:
    value = labelled(tmp_path, pruning={"pattern": "block", "block": [7, 1]})
    with pytest.raises(ValueError, match=r"blocks of .* do not fit"):
        tune(value)
