"""The second stage: the student's shape, and the teacher's weights that it starts from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modules.network.weights import read_weights
from modules.student.stages.cut import cut, make_plan
from modules.student.stages.trim import trim
from modules.student.stages.values import TrimmedVocabulary
from modules.tflite.packed_embedding import Storage, embedding_table

import numpy as np
import pytest

from tests.unit import compression_helpers as helpers


def trimmed(folder: Path, **student: Any) -> TrimmedVocabulary:
    return trim(helpers.given(folder, student={"importance_rows": 32, **student}))


def test_what_stays_are_the_teachers_own_weights(tmp_path: Path) -> None:
    value = trimmed(tmp_path, layers=[1], heads=0.5, intermediate=0.5)
    made = cut(value)
    assert (made.architecture.num_layers, made.architecture.heads, made.architecture.intermediate_dims) == (
        1, (2,), (32,),
    )  # fmt: skip
    assert made.architecture.vocabulary_size == len(value.words.tokens) == len(made.weights.token)
    teacher = read_weights(value.teacher.model)
    rows = [value.teacher.vocabulary.index(token) for token in value.words.tokens]
    assert np.array_equal(made.weights.token, teacher.token[rows])
    kept = teacher.layers[1].intermediate_kernel[:, list(made.plan.neurons[0])]
    assert np.array_equal(made.weights.layers[0].intermediate_kernel, kept)


def test_an_embedding_that_will_be_stored_is_what_its_storage_gives_back(tmp_path: Path) -> None:
    storage = {"bits": "int4", "block": 32}
    value = trimmed(tmp_path, layers=None, embedding=storage)
    exact = read_weights(value.teacher.model).token[value.words.kept]
    stored = cut(value).weights.token
    assert np.array_equal(stored, embedding_table(exact, Storage(**storage)).dequantized())
    assert not np.array_equal(stored, exact)


@pytest.mark.parametrize(("layers", "kept"), [(None, (0, 1)), (9, (0, 1)), (1, (1,)), ([0], (0,))])
def test_a_teacher_with_fewer_layers_than_asked_for_keeps_those_it_has(tmp_path: Path, layers: Any, kept: Any) -> None:
    assert make_plan(trimmed(tmp_path, layers=layers)).layers == kept


def test_a_layer_that_the_teacher_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"layers \[5\]: ascending numbers from 0 to 1 are needed"):
        make_plan(trimmed(tmp_path, layers=[5]))
