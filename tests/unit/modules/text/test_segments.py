"""`modules.text.segments`, `languages` and `negations`: what a word is, and which of them a text cannot lose."""

from __future__ import annotations

from modules.text import languages, negations, segments

import pytest


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("It isn't  bad, at all!", ["It", "isn't", "bad", "at", "all"]),
        ("这家酒店不好。Wi-Fi很慢", ["这", "家", "酒", "店", "不", "好", "Wi", "Fi", "很", "慢"]),
        ("テレビがない", ["テレビ", "が", "な", "い"]),
        ("นี้ดี", ["นี้", "ดี"]),
        ("यह नहीं है", ["यह", "नहीं", "है"]),
        ("안 좋아요", ["안", "좋아요"]),
    ],
)
def test_a_word_is_what_its_script_makes_one(text: str, units: list[str]) -> None:
    assert [found[0] for found in segments.unit().finditer(text)] == units


@pytest.mark.parametrize(
    ("language", "text", "kept"),
    [
        ("en", "He doesn’t know nothing, nota bene", ["doesn’t", "nothing"]),
        ("de", "Keine Ahnung, nicht wahr? Nichte", ["Keine", "nicht"]),
        ("fr", "je n'aime pas le passé", ["n'aime", "pas"]),
        ("zh", "房间不干净，没有人打扫", ["不", "没"]),
        ("ja", "良くないです。使えません", ["ない", "ません"]),
        ("ko", "좋지 않아요", ["않아요"]),
        ("th", "อาหารไม่อร่อย", ["ไม่"]),
    ],
)
def test_negations_are_found_in_their_language(language: str, text: str, kept: list[str]) -> None:
    find = negations.of(language)
    assert find is not None
    assert [text[start:end] for start, end in find(text)] == kept


def test_every_language_of_the_table_is_one_that_can_be_told() -> None:
    table = negations.read(negations.TABLE.read_text(encoding="utf-8"), negations.TABLE.name)
    assert set(table) <= set(languages.identifier().labels)
    assert len(table) > 10
    assert negations.of("eo") is None


def test_a_line_of_the_table_that_cannot_be_read_is_named() -> None:
    assert negations.read("# all\nde, nl: Nicht, kein*  # two", "t") == {
        "de": ["nicht", "kein*"],
        "nl": ["nicht", "kein*"],
    }
    with pytest.raises(ValueError, match=r"t:2: write `code: word, word`"):
        negations.read("de: nicht\nnicht", "t")
    with pytest.raises(ValueError, match=r"t:2: de has a line already"):
        negations.read("de: nicht\nnl, de: niet", "t")


def test_short_texts_are_not_taken_for_many_languages() -> None:
    words = ("good", "fine", "film", "movie", "big", "large", "old", "new")
    found = languages.shares(f"{one} {other}" for one in words for other in words)
    assert languages.spoken(found) == ["en"]
    assert languages.spoken({"en": 0.5, "de": 0.4, "da": 0.05}) == ["de", "en"]
    assert languages.spoken(languages.shares([])) == []


def test_a_text_is_in_one_of_the_languages_that_are_spoken() -> None:
    assert languages.language_of("war is not good", ["de", "en"]) == "en"
    assert languages.language_of("das war nicht gut", ["de", "en"]) == "de"
    assert languages.language_of("war", ["de"]) == "de"
    with pytest.raises(ValueError, match=r"\['xx'\] are not among: .*de"):
        languages.language_of("war", ["de", "xx"])
