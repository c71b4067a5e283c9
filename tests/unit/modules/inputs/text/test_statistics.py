"""`modules.inputs.text.statistics`: a profile sees what a user would call a change of the texts, and nothing else."""

from __future__ import annotations

import json
import random
import string
from pathlib import Path

from modules.inputs.text import statistics
from modules.inputs.text.statistics import TextProfile, distances

import pytest

LETTERS = string.ascii_lowercase
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *LETTERS, *(f"##{letter}" for letter in LETTERS), "film", "good"]


def profile(texts: list[str], labels: list[str] | None = None, sample: int = 1000) -> TextProfile:
    names = labels or [None] * len(texts)  # type: ignore[list-item]
    rows = [(text.encode(), label) for text, label in zip(texts, names, strict=True)]
    return statistics.profile(rows, VOCABULARY, sample=sample)


def found(now: TextProfile, before: TextProfile) -> dict[str, float]:
    return {item.feature: item.value for item in distances(now, before)}


def test_lengths_words_and_unknown_tokens_are_counted() -> None:
    made = profile(["good film", "Film 12 ☃"], ["x", "y"])
    assert (made.rows, made.sampled) == (2, 2)
    assert made.words == {"film": 2, "good": 1}  # numbers are new everywhere
    assert made.labels == {"x": 1, "y": 1}
    # good film | film [UNK] [UNK]: the vocabulary has no digits.
    assert made.unknown_token_rate == pytest.approx(2 / 5)
    assert sum(made.tokens.values()) == sum(made.characters.values()) == 2


def test_equal_samples_are_at_distance_zero_whatever_their_order() -> None:
    texts = [f"good film {'very ' * (number % 5)}" for number in range(50)]
    one, other = profile(texts, ["x", "y"] * 25), profile(texts[::-1], ["y", "x"] * 25)
    assert one.to_json() == other.to_json()
    assert set(found(one, other).values()) == {0.0}


def test_longer_texts_move_both_lengths_and_nothing_else() -> None:
    short, long = profile(["good film"] * 50), profile(["good film " * 20] * 50)
    moved = found(long, short)
    assert moved["length_characters"] == moved["length_tokens"] == pytest.approx(1.0)
    assert moved["unknown_token_rate"] == moved["vocabulary"] == 0.0
    assert "label_prior" not in moved  # nobody labelled them


def test_new_words_and_unknown_tokens_are_told_apart() -> None:
    before = profile(["good film"] * 20)
    new_word, new_script = found(profile(["good story"] * 20), before), found(profile(["good 映画"] * 20), before)
    assert new_word["vocabulary"] == pytest.approx(0.5)
    assert new_word["unknown_token_rate"] == 0.0
    assert new_script["unknown_token_rate"] > 0.5


def test_the_label_prior_is_of_all_rows_and_not_of_the_sample() -> None:
    now = profile([f"text {n}" for n in range(100)], ["x"] * 80 + ["y"] * 20, sample=10)
    before = profile([f"text {n}" for n in range(100)], ["x"] * 50 + ["z"] * 50, sample=10)
    assert now.sampled == 10
    assert found(now, before)["label_prior"] == pytest.approx(0.5)


def test_a_sample_does_not_depend_on_the_order() -> None:
    texts = [f"number {n} " + "x" * n for n in range(200)]
    shuffled = random.Random(1).sample(texts, len(texts))
    assert profile(texts, sample=20).to_json() == profile(shuffled, sample=20).to_json()


def test_nothing_and_something_are_far_apart() -> None:
    assert found(profile([]), profile(["good"]))["length_tokens"] == 1.0
    assert set(found(profile([]), profile([])).values()) == {0.0}


def test_the_languages_of_the_sample_are_told() -> None:
    made = profile(["das war nicht gut und sehr teuer"] * 8 + ["this was not good and very expensive"] * 2)
    assert list(made.languages) == ["de", "en"]
    assert made.languages["de"] == pytest.approx(0.8, abs=0.05)
    old = json.loads(made.to_json())
    del old["languages"]
    assert TextProfile.from_json(json.dumps(old)).languages == {}


def test_a_profile_survives_the_way_through_a_file(tmp_path: Path) -> None:
    made = profile(["Schön 🙂 film"], ["x"])
    assert TextProfile.from_json(made.to_json()) == made
