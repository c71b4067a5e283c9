"""The first stage: the student knows the tokens of the training texts."""

from __future__ import annotations

from pathlib import Path

from modules.student.stages.trim import trim

import numpy as np

from tests.unit import compression_helpers as helpers


def test_tokens_that_no_training_text_uses_are_left_out_and_texts_keep_their_words(tmp_path: Path) -> None:
    value = helpers.given(tmp_path)
    trimmed = trim(value)
    assert set(helpers.SPECIAL) <= set(trimmed.words.tokens)
    assert set(trimmed.words.tokens) < set(value.teacher.vocabulary)
    assert "zebra" not in trimmed.words.tokens
    own = trimmed.in_own_words(value.train)
    for before, after in zip(value.train.token_ids, own.token_ids, strict=True):
        assert [value.teacher.vocabulary[item] for item in before] == [trimmed.words.tokens[item] for item in after]
    assert np.array_equal(own.labels, value.train.labels)


def test_without_trimming_only_what_no_text_can_give_goes(tmp_path: Path) -> None:
    trimmed = trim(helpers.given(tmp_path, student={"trim_vocabulary": False}))
    assert {"zebra", *helpers.OTHER} <= set(trimmed.words.tokens)


def test_what_was_given_is_handed_on_unchanged(tmp_path: Path) -> None:
    value = helpers.given(tmp_path)
    trimmed = trim(value)
    for name in ("teacher", "train", "evaluation", "settings", "backup_dir", "policy", "strategy"):
        assert getattr(trimmed, name) is getattr(value, name)
