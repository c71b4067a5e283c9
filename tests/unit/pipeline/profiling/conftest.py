"""A vocabulary at hand: the default one would be fetched. These words, and every letter alone and within a word."""

from __future__ import annotations

import string

import pytest

from pipeline.profiling import token_counts
from pipeline.profiling.sections import encoders
from pipeline.profiling.token_counts import Vocabulary

WORDS = ("the", "a", "film", "plot", "song", "was", "were", "really", "and", "but", "so", "week", "room", "for", "in")


def small_vocabulary() -> Vocabulary:
    letters = [*string.ascii_lowercase, *string.digits, *string.punctuation]
    return Vocabulary(
        "a small vocabulary",
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *(f"##{letter}" for letter in letters), *WORDS[:1], *WORDS[2:]],
        ("en",),
    )


@pytest.fixture
def vocabulary() -> Vocabulary:
    return small_vocabulary()


@pytest.fixture(autouse=True)
def _vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_counts, "default_vocabulary", small_vocabulary)
    monkeypatch.setattr(encoders, "multilingual", _nothing)


def _nothing() -> Vocabulary:
    raise token_counts.UnavailableError("no index")
