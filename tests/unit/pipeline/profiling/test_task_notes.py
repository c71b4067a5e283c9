"""What `validate` tells of rows that can be used, but hardly well."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from modules.network.backbones.minilm.backbone import Minilm
from modules.network.backbones.preset.backbone import Preset
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


def test_labels_of_one_row_and_names_that_are_alike_are_told_by_validate_too() -> None:
    told = task_notes.of_labels(["Good", "good ", "odd"], {"Good": 60, "good ": 40, "odd": 1})
    assert told[0].startswith('the labels "Good", "good " differ by case, blanks')
    assert told[1].startswith('labels with fewer than 3 rows cannot stand in train, eval and test: "odd" 1; nothing')


def test_so_few_rows_that_a_split_may_be_empty_are_told() -> None:
    [told] = task_notes.of_labels(["a", "b"], {"a": 6, "b": 4})
    assert told.startswith("10 rows are so few that the eval or the test split may be empty")
    assert task_notes.of_labels(["a", "b"], {"a": 16, "b": 16}, share=0.2) == []


def test_a_language_that_the_encoder_does_not_know_is_told_though_its_vocabulary_is_not_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(task_notes.packages, "cached", lambda *args: False)
    dutch, english = ["het was niet goed en erg duur"] * 20, ["this was not good and very dear"] * 20
    [told] = task_notes.of_texts(dutch, Minilm())
    assert told.startswith("the texts seem to be in another language (nl ")
    assert task_notes.of_texts(english, Minilm()) == []
    assert task_notes.of_texts(dutch[:19], Minilm()) == [], "of so few texts the language is a guess"
    assert task_notes.of_texts(dutch, Preset(kind="preset", preset="bert_tiny_en_uncased")) == [told]
    assert task_notes.of_texts(dutch, Preset(kind="preset", preset=str(Path(__file__).parent))) == []


def test_a_vocabulary_that_does_not_fit_the_texts_is_told(backbone: Scratch) -> None:
    [told] = task_notes.of_texts(["房间很脏空调坏了"] * 9, backbone)
    assert "does not fit these texts: 100% of the tokens are [UNK]" in told
    assert task_notes.of_texts(["a film"] * 9, backbone) == []
