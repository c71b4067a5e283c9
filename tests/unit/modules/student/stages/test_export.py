"""The last stage: what is saved is float32, has the zeros that were asked for, and is what the report is about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from modules.inputs.text.words import TextWords
from modules.network.model import build_model
from modules.network.weights import read_weights, write_weights
from modules.stages import extend
from modules.student.distillation import score
from modules.student.pruning import SparsityShortfallError
from modules.student.stages.cut import cut
from modules.student.stages.export import export
from modules.student.stages.label import label
from modules.student.stages.trim import trim
from modules.student.stages.values import TunedStudent

import numpy as np
import pytest

from tests.unit import compression_helpers as helpers


def tuned(folder: Path, policy: str = "float32", **settings: Any) -> TunedStudent:
    """A student that nobody trained: the cut network as it is."""
    value = label(cut(trim(helpers.given(folder, student={"layers": 1, "importance_rows": 32}, **settings))))
    student = build_model(value.architecture, dropout=0.1, policy=policy)
    write_weights(student, value.weights)
    return extend(value, TunedStudent, student=student, score_before=0.25, run={"steps": 3})


@pytest.mark.usefixtures("float32_policy")
def test_the_student_is_rebuilt_in_float32_with_the_same_weights(tmp_path: Path) -> None:
    value = tuned(tmp_path, policy="mixed_bfloat16")
    made = export(value).trained
    assert made.model.get_layer("encoder").layers[-1].compute_dtype == "float32"
    for one, other in zip(made.model.get_weights(), value.student.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert (made.vocabulary, made.labels) == (value.words.tokens, ["bad", "good"])


def test_the_report_is_json_about_what_is_saved(tmp_path: Path) -> None:
    value = tuned(tmp_path)
    made = export(value)
    report = json.loads(json.dumps(made.record))
    assert report["eval_accuracy"] == {
        "teacher": score(value.teacher.model, value.evaluation, "one_label"),
        "student_before_fine_tuning": 0.25,
        "student": score(made.trained.model, value.in_own_words(value.evaluation), "one_label"),
    }
    assert report["parameters"]["after"] == read_weights(made.trained.model).count() < report["parameters"]["before"]
    assert report["vocabulary"]["after"] == len(value.words.tokens)
    assert (report["layers_kept"], report["fine_tuning"], report["sparsity_wanted"]) == ([1], {"steps": 3}, 0.0)


def test_zeros_that_got_lost_are_an_error_that_names_the_kernel(tmp_path: Path) -> None:
    value = tuned(tmp_path, pruning={"pattern": "unstructured", "sparsity": 0.5})
    with pytest.raises(SparsityShortfallError, match=r"0\.500 was asked for.*layer_0/attention/key 0\.000"):
        export(value)


def test_unknown_tokens_are_counted_among_those_of_the_texts_alone() -> None:
    rows = helpers.examples(4)
    rows.token_ids[0, 1] = helpers.VOCABULARY.index("[UNK]")
    rows.token_ids[rows.padding_mask == 0] = helpers.VOCABULARY.index("[UNK]")
    assert TextWords().unknown_share(rows, helpers.VOCABULARY) == 1 / rows.padding_mask.sum()
