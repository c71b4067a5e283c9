"""`pipeline.ingest.rows`: the hash that decides the split, and counts."""

from __future__ import annotations

import pytest

from pipeline.ingest.rows import Layout, Row, count_rows, text_hash

LAYOUT = Layout("text", "label", ("source",), ("negative", "positive"))


def test_rows_are_counted_by_label_and_by_slice() -> None:
    rows = [
        Row(*values, "my.csv", 2)
        for values in (("a", "positive", ("web",)), ("b", "positive", ("shop",)), ("c", "negative", ("web",)))
    ]
    assert count_rows(rows, LAYOUT) == {"label": {"positive": 2, "negative": 1}, "source": {"web": 2, "shop": 1}}
    assert count_rows([], LAYOUT) == {"label": {}, "source": {}}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Good film", "good  FILM"),
        ("good film", "  good\tfilm\n"),
        ("good\u00a0film", "good film"),
        ("ﬁne", "fine"),
        ("cafe\u0301", "café"),
        ("ＡＢＣ", "abc"),
        ("Straße", "STRASSE"),
    ],
)
def test_texts_that_look_the_same_are_duplicates(one: str, other: str) -> None:
    assert text_hash(one) == text_hash(other)


@pytest.mark.parametrize(
    ("one", "other"), [("good film", "good film!"), ("cafe", "café"), ("goodfilm", "good film"), ("a", "b")]
)
def test_texts_that_differ_are_no_duplicates(one: str, other: str) -> None:
    assert text_hash(one) != text_hash(other)


def test_the_hash_is_the_same_on_every_machine_and_day() -> None:
    """A changed hash moves every row into another split."""
    assert text_hash(" Good  Film") == "952317a5f018c6712fd295b83d0ca244dc3fe72da22440b2f578cf6f8cc2d050"
    assert len(text_hash("\ud800")) == 64
