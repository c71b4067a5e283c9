"""What `validate` tells of rows that can be used, but hardly well."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from modules.network.backbones.scratch.backbone import Scratch

import pytest

from pipeline.profiling import task_notes
from pipeline.profiling.token_counts import Vocabulary


@pytest.fixture
def backbone(tmp_path: Path, vocabulary: Vocabulary) -> Scratch:
    path = tmp_path / "vocabulary.txt"
    path.write_text("\n".join(vocabulary.tokens) + "\n")
    return Scratch(kind="scratch", vocabulary=str(path))


def test_values_that_are_not_shown_are_counted() -> None:
    many = Counter({f"label {number:02}": 100 - number for number in range(77)})
    assert task_notes.values(many).endswith("label 11 89 and 65 more")
    assert task_notes.values(Counter(a=2, b=1)) == "a 2, b 1"
    assert task_notes.values(Counter({"": 3, " ": 2, "[/b]": 1})) == "(empty) 3, (blank) 2, [/b] 1"


def test_numbers_are_told_by_what_they_are_like() -> None:
    assert task_notes.numbers(Counter({"4.0": 3, "1.5": 1})) == "4 numbers from 1.5 to 4, mean 3.375"
    [told] = task_notes.of_numbers("stars", {"4.0": 60})
    assert told == "'stars' is 4.0 in every row: there is nothing to learn; is it the right column?"


def test_labels_without_rows_are_told() -> None:
    [told] = task_notes.of_labels(["only", "other"], {"only": 100})
    assert told.startswith('"other" has no rows: it would never be learned')


def test_so_few_rows_that_a_split_may_be_empty_are_told() -> None:
    [told] = task_notes.of_labels(["a", "b"], {"a": 6, "b": 4})
    assert told.startswith("10 rows are so few that the eval or the test split may be empty")


def test_a_vocabulary_that_does_not_fit_the_texts_is_told(backbone: Scratch) -> None:
    [told] = task_notes.of_texts(["房间很脏空调坏了"] * 9, backbone)
    assert "does not fit these texts: 100% of the tokens are [UNK]" in told
    assert task_notes.of_texts(["a film"] * 9, backbone) == []
