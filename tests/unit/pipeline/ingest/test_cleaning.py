"""`pipeline.ingest.cleaning` and `duplicates`: what is repaired, what is kept back and why; nothing vanishes."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from typing import Any

from modules.targets.cell import Cell
from modules.tensors import Column

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.rows.cleaning import CleaningConfig
from pipeline.ingest import cleaning, duplicates
from pipeline.ingest.cleaning import Quarantined, repaired, row_check
from pipeline.ingest.rows import DataError, Layout, Row, count_rows, text_hash
from pipeline.ingest.sources import Record

LAYOUT = Layout("text", "label", ("source",), ("negative", "positive"))


def check(text: str, label: str = "positive", source: str = "web", **config: Any) -> Row | Quarantined:
    record = Record({"text": text, "label": label, "source": source}, "my.csv", 7)
    return row_check(LAYOUT, CleaningConfig(**config))(record)


def kept_back(text: str, label: str = "positive", **config: Any) -> Quarantined:
    found = check(text, label, **config)
    assert isinstance(found, Quarantined)
    return found


def row(text: str, label: str = "positive", line: int = 2, source: str = "web") -> Row:
    return Row(text, label, (source,), "my.csv", line)


# Rows by themselves


def test_a_row_that_can_be_used_stays_as_it_is() -> None:
    assert check("fine") == row("fine", line=7)


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\u00a0\u2003"])
def test_a_row_without_text_is_kept_back(text: str) -> None:
    found = kept_back(text)
    assert (found.reason, found.file, found.line) == ("missing_text", "my.csv", 7)
    assert str(found) == "my.csv:7: column 'text' is empty; remove the row or fill in the text."


@pytest.mark.parametrize(
    ("value", "reason"),
    [("4.5", ""), ("-1e3", ""), ("4,5", "unknown_label"), ("nan", "unknown_label"), ("", "missing_label")],
)
def test_where_the_answer_is_a_number_a_row_without_one_is_kept_back(value: str, reason: str) -> None:
    layout = Layout("text", "stars", (), (), cell=Cell(type="number"))
    found = row_check(layout, CleaningConfig())(Record({"text": "fine", "stars": value}, "my.csv", 7))
    assert (found.reason if isinstance(found, Quarantined) else "") == reason
    if reason:
        assert f"column 'stars' is {value!r}, which is no number" in str(found)


def test_equal_numbers_are_one_answer_however_they_are_written() -> None:
    layout = Layout("text", "stars", (), (), cell=Cell(type="number"))
    rows = [
        row_check(layout, CleaningConfig())(Record({"text": "fine", "stars": value}, "my.csv", line))
        for line, value in enumerate(("4", "4.0", "3.5"))
    ]
    found = list(duplicates.resolve([found for found in rows if isinstance(found, Row)], CleaningConfig(), layout))
    assert [item.reason for item in found if isinstance(item, Quarantined)] == ["conflicting_labels"] * 3
    kept = list(duplicates.resolve([found for found in rows if isinstance(found, Row)],
                                   CleaningConfig(conflicting_labels="keep"), layout))  # fmt: skip
    assert [item.label for item in kept if isinstance(item, Row)] == ["3.5", "4.0"]


@pytest.mark.parametrize(
    ("separator", "value", "lists", "reason", "label"),
    [
        ("|", "slow | late", (), "", "late\nslow"),
        ("|", "slow|sad", (), "unknown_label", ""),
        ("|", "", (), "missing_label", ""),
        ("json", '["slow"]', ("tags",), "", "slow"),
        ("|", '["slow"]', ("tags",), "malformed_row", ""),
        ("json", '["slow"]', ("text",), "malformed_row", ""),
    ],
)
def test_a_cell_of_several_labels_is_checked_label_by_label(
    separator: str, value: str, lists: tuple[str, ...], reason: str, label: str
) -> None:
    layout = Layout("text", "tags", (), ("late", "slow"), cell=Cell(separator=separator))
    found = row_check(layout, CleaningConfig())(Record({"text": "fine", "tags": value}, "my.csv", 7, lists=lists))
    if reason:
        assert isinstance(found, Quarantined)
        assert found.reason == reason
    else:
        assert isinstance(found, Row)
        assert found.label == label
        assert count_rows([found], layout)["tags"] == Counter(label.split("\n"))


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("optional number", "4.5", True), ("optional number", "", True), ("optional number", " ", True),
        ("optional number", "dear", False), ("optional number", "inf", False), ("number", "", False),
        ("optional text", "", True),
    ],
)  # fmt: skip
def test_a_cell_that_may_be_empty_keeps_no_row_back(kind: Any, value: str, kept: bool) -> None:
    layout = Layout("text", "label", (), ("positive",), others=(Column("price", kind),))
    record = Record({"text": "fine", "label": "positive", "price": value}, "my.csv", 7)
    found = row_check(layout, CleaningConfig())(record)
    assert isinstance(found, Row) == kept
    if not kept:
        assert f"column 'price' has {value!r}, which is no number" in str(found)


def test_rows_of_one_text_at_two_prices_are_neither_duplicates_nor_a_contradiction() -> None:
    prices = [("1", "positive"), ("2", "positive"), ("2", "negative"), ("1", "positive")]
    rows = [Row("fine", label, (), "my.csv", line, (price,)) for line, (price, label) in enumerate(prices)]
    layout = Layout("text", "label", (), ("negative", "positive"), others=(Column("price"),))
    found = list(duplicates.resolve(rows, CleaningConfig(), layout))
    assert [row for row in found if isinstance(row, Row)] == [rows[0]]
    assert sorted((row.reason, row.line) for row in found if isinstance(row, Quarantined)) == [
        ("conflicting_labels", 1), ("conflicting_labels", 2), ("duplicate", 3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("label", "reason", "detail"),
    [
        ("positve", "unknown_label", "column 'label' is 'positve'.*Did you mean 'positive'"),
        ("neutral", "unknown_label", "'neutral', which is not among the labels negative, positive.*the schema"),
        ("Positive", "unknown_label", "'Positive'.*the label 'positive' but for case"),
        ("", "missing_label", "column 'label' is ''"),
        (" ", "missing_label", "column 'label' is ' '"),
    ],
)
def test_a_row_without_a_known_label_is_kept_back(label: str, reason: str, detail: str) -> None:
    found = kept_back("fine", label)
    assert (found.reason, found.text, found.label) == (reason, "fine", label)
    with pytest.raises(DataError, match=rf"^my.csv:7: .*{detail}"):
        cleaning.fail_on(found)


def test_a_text_that_is_too_long_is_kept_back() -> None:
    assert check("x" * 20, max_characters=20) == row("x" * 20, line=7)
    found = kept_back("x" * 21, max_characters=20)
    assert found.reason == "text_too_long"
    assert found.detail == "column 'text' has 21 characters; data.cleaning.max_characters allows 20."


def test_a_row_that_could_not_be_read_keeps_what_its_source_said() -> None:
    found = row_check(LAYOUT, CleaningConfig())(Record({}, "my.csv", 3, "5 fields where the header has 4"))
    assert found == Quarantined("malformed_row", "my.csv", 3, "5 fields where the header has 4.")


def test_half_a_character_is_kept_back_where_it_is_not_repaired() -> None:
    assert kept_back("a \ud83d", repair=False).reason == "malformed_row"
    assert kept_back("a", source="\ud83d").reason == "malformed_row"
    assert check("a \ud83d") == row("a \ufffd", line=7)


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("cafÃ© au lait", "café au lait"),
        ("Itâ€™s a â€œgreatâ€\u009d film", "It’s a “great” film"),
        ("fish &amp; chips", "fish & chips"),
        ("&lt;3 &quot;so&quot; good&#33;", '<3 "so" good!'),
        ("twice &amp;amp; over", "twice & over"),
        ("caf&eacute;", "café"),
    ],
)
def test_mojibake_and_entities_are_repaired(broken: str, mended: str) -> None:
    assert check(broken) == row(mended, line=7)
    assert check(broken, repair=False) == row(broken, line=7)


@pytest.mark.parametrize(
    "text",
    [
        "plain", "fish & chips", "‘curly’ “quotes”", "ﬁne", "ＡＢＣ", "e\u0301", "a\r\nb", "R&D; x", "日本語", "🙂",
        "\x07bell", "naïve café – so", "Ünïcödé", "AT&T", "\x1b[31mred\x1b[0m",
    ],
)  # fmt: skip
def test_a_text_without_damage_stays_as_it_is(text: str) -> None:
    assert repaired(text) == text


def test_a_repaired_text_falls_into_the_split_of_the_sound_one() -> None:
    found = check("cafÃ© &amp; bar")
    assert isinstance(found, Row)
    assert text_hash(found.text) == text_hash("café & bar")


def test_texts_of_other_languages_are_kept_back_when_the_detector_is_sure() -> None:
    german = "Dieser Film war leider viel zu lang, und die Schauspieler haben mich nicht überzeugt."
    english = "This film was far too long, and the actors did not convince me at all."
    assert isinstance(check(english, languages=["en"]), Row)
    found = kept_back(german, languages=["en"])
    assert found.reason == "other_language"
    assert "the language is de" in found.detail
    assert isinstance(check(german, languages=["en", "de"]), Row)
    assert isinstance(check("ok", languages=["en"], language_confidence=1.0), Row)
    assert isinstance(check(german), Row)


def test_a_language_that_the_detector_does_not_know_is_refused() -> None:
    with pytest.raises(DataError, match=r"languages: \['klingon'\] are not among: .*\ben\b"):
        row_check(LAYOUT, CleaningConfig(languages=["klingon", "en"]))


# Rows of one text


def resolve(rows: list[Row], **config: Any) -> tuple[list[Row], list[Quarantined]]:
    found = list(duplicates.resolve(rows, CleaningConfig(**config), LAYOUT))
    assert len(found) == len(rows)  # nothing vanishes
    return [r for r in found if isinstance(r, Row)], [r for r in found if isinstance(r, Quarantined)]


def test_one_of_several_equal_rows_stays_and_the_others_name_it() -> None:
    kept, gone = resolve([row("Fine", line=9), row("fine", line=3), row("FINE", line=5)])
    assert kept == [row("FINE", line=5)]  # by content, not by place
    assert [(item.reason, item.line, item.detail) for item in gone] == [
        ("duplicate", 9, "the text is that of my.csv:5."), ("duplicate", 3, "the text is that of my.csv:5."),
    ]  # fmt: skip
    assert resolve([row("a", line=1), row("a", line=2)], duplicates="keep")[1] == []


CONFLICT = [row("so", "positive", 2), row("so", "negative", 3), row("So", "positive", 4)]


@pytest.mark.parametrize(
    ("policy", "lines", "reasons"),
    [
        ("drop", [], {"conflicting_labels": 3}),
        ("majority", [4], {"conflicting_labels": 1, "duplicate": 1}),
        ("keep", [3, 4], {"duplicate": 1}),
    ],
)
def test_conflicting_labels_are_handled_as_the_policy_says(policy: str, lines: list[int], reasons: dict) -> None:
    kept, gone = resolve(CONFLICT, conflicting_labels=policy)
    assert sorted(item.line for item in kept) == lines
    assert Counter(item.reason for item in gone) == reasons


def test_without_a_majority_no_row_stays() -> None:
    kept, gone = resolve(CONFLICT[:2], conflicting_labels="majority")
    assert kept == []
    assert "(negative 1, positive 1)" in gone[0].detail


def test_everything_is_kept_where_both_policies_keep() -> None:
    assert resolve(CONFLICT, conflicting_labels="keep", duplicates="keep") == (sorted(CONFLICT), [])


POLICIES = list(itertools.product(("drop", "keep"), ("drop", "majority", "keep")))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["so", "So"]), st.sampled_from(LAYOUT.labels), st.sampled_from("ab"))),
    st.sampled_from(POLICIES),
    st.randoms(use_true_random=False),
)
def test_neither_order_nor_place_decides_what_stays(
    values: list[tuple[str, str, str]], policy: tuple[str, str], chance: random.Random
) -> None:
    config = {"duplicates": policy[0], "conflicting_labels": policy[1]}
    one = [row(text, label, line, source) for line, (text, label, source) in enumerate(values)]
    chance.shuffle(values)
    other = [row(text, label, line, source) for line, (text, label, source) in enumerate(values)]
    first, second = (sorted(item[:3] for item in resolve(rows, **config)[0]) for rows in (one, other))
    assert first == second


# Texts that are nearly equal


def near(texts: list[str], threshold: float = 0.8, label: str = "positive") -> set[str]:
    """The texts that would go, by the way that Beam takes: buckets, then each bucket by itself."""
    candidates = {text: duplicates.candidate_of(row(text, label), text_hash(text)) for text in texts}
    meeting: dict[bytes, list[duplicates.Candidate]] = {}
    for candidate in candidates.values():
        for bucket in duplicates.buckets(candidate, threshold):
            meeting.setdefault(bucket, []).append(candidate)
    gone = {key for group in meeting.values() for key, _ in duplicates.losers(group, threshold)}
    return {text for text, candidate in candidates.items() if candidate.key in gone}


BASE = "the quick brown fox jumps over the lazy dog and runs into the dark green forest near the river"


def test_a_text_with_one_word_changed_goes_and_another_text_stays() -> None:
    changed, other = BASE.replace("quick", "quiet"), "a completely different sentence about cooking pasta at home"
    assert near([BASE, changed, other]) in ({BASE}, {changed})
    assert near([BASE, changed, other], threshold=0.99) == set()


def test_rows_of_different_labels_are_no_near_duplicates() -> None:
    texts = ("i do like this film very much, it is so good", "i do not like this film very much, it is so good")
    one, other = (
        duplicates.candidate_of(row(text, label), text_hash(text))
        for text, label in zip(texts, LAYOUT.labels, strict=True)
    )
    assert one.key.endswith("\0negative")
    assert other.key.endswith("\0positive")
    assert near(list(texts), threshold=0.7) != set()


def test_the_order_of_the_rows_does_not_decide_which_of_two_goes() -> None:
    chance = random.Random(3)
    words = BASE.split()
    texts = [" ".join([*words[:-1], chance.choice(("river", "sea", "lake")), str(number % 7)]) for number in range(30)]
    texts = sorted(set(texts))
    first = near(texts)
    chance.shuffle(texts)
    assert near(texts) == first
    assert 0 < len(first) < len(texts)


def test_the_smallest_of_a_group_always_stays() -> None:
    texts = [f"{BASE} {number}" for number in range(60)]  # more than are compared in one bucket
    kept = set(texts) - near(texts)
    smallest = min(texts, key=text_hash)
    assert smallest in kept
    assert len(kept) < 6


def test_very_short_texts_are_no_near_duplicates_of_each_other() -> None:
    assert near(["ok", "no", "a", "meh!"]) == set()


# How much is too much


def test_too_many_is_told_with_reasons_and_rows() -> None:
    config = CleaningConfig(max_quarantined=0.1)
    assert cleaning.too_many({"duplicate": 1}, 10, config, []) == ""
    message = cleaning.too_many({"missing_text": 1, "duplicate": 2}, 10, config, [kept_back("")])
    assert "3 of 10 rows (30.0%) would be quarantined (duplicate 2, missing_text 1)" in message
    assert "data.cleaning.max_quarantined allows 10.0%" in message
    assert message.endswith("my.csv:7: column 'text' is empty; remove the row or fill in the text.")


def test_a_run_without_any_row_left_fails_whatever_is_allowed() -> None:
    assert cleaning.too_many({"missing_text": 2}, 2, CleaningConfig(max_quarantined=1.0), []) != ""
