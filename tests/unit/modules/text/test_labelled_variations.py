"""`modules.text.labelled_variations`: what a variation changes, and what it never does."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from modules.text import labelled_variations, negations
from modules.text.labelled_variations import BUNDLED_SYNONYMS, load_callable, operations, read_synonyms, variation

import pytest

TABLE = {"film": ["movie", "picture"], "good": ["fine"]}
OFF = {
    "synonyms": 0.0, "deletion": 0.0, "swap": 0.0, "keyboard": 0.0, "table": TABLE, "negated": negations.of("en"),
}  # fmt: skip
TEXT = "The Film, was (very) GOOD — don't miss it!"


def varied(text: str, seed: int = 1, **rates: Any) -> str | None:
    return variation(text, operations(**{**OFF, **rates}), random.Random(seed))


def test_a_synonym_keeps_the_case_and_everything_around_the_word() -> None:
    found = {varied(TEXT, seed, synonyms=1.0) for seed in range(20)}
    assert found == {f"The {word}, was (very) FINE — don't miss it!" for word in ("Movie", "Picture")}


def test_a_text_without_a_known_word_has_no_synonym_variation() -> None:
    assert varied("nothing known here", synonyms=1.0) is None


def test_a_low_rate_changes_one_word_at_least() -> None:
    text = "good " * 20
    changed = varied(text.strip(), synonyms=0.0001)
    assert changed is not None
    assert changed.split().count("fine") == 1


def test_deletion_leaves_words_out_in_order_and_never_all_of_them() -> None:
    for seed in range(30):
        words = (varied("one two three four", seed, deletion=0.9) or "").split()
        assert 0 < len(words) < 4
        assert words == [word for word in ["one", "two", "three", "four"] if word in words]
    assert varied("alone", deletion=0.9) is None


def test_deletion_never_takes_a_negation_away() -> None:
    for seed in range(30):
        found = varied("It is not good, I don’t like it, no", seed, deletion=0.9)
        assert found is not None
        assert [word for word in found.replace(",", "").split() if word in ("not", "don’t", "no")] == [
            "not", "don’t", "no",
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "text", "negation"),
    [("de", "Das war nicht schlecht, keine Frage", "nicht keine"), ("zh", "房间很大但是床不舒服没有窗", "不 没")],
)
def test_no_operation_touches_a_negation_of_the_texts_language(language: str, text: str, negation: str) -> None:
    rates = {"deletion": 0.5, "swap": 0.5, "keyboard": 0.5}
    for seed, (name, rate) in enumerate([*rates.items()] * 10):
        found = varied(text, seed, negated=negations.of(language), **{name: rate})
        if language != "zh" or name != "keyboard":  # a keyboard has no Chinese
            assert found is not None
            assert all(word in found for word in negation.split())


def test_a_chinese_text_loses_characters_and_no_clause() -> None:
    text = "房间很大，但是早餐一般。服务员很热情，下次还会来"
    for seed in range(20):
        found = varied(text, seed, deletion=0.1, negated=negations.of("zh"))
        assert found is not None
        assert 0.6 * len(text) < len(found) < len(text)
        left = iter(text)
        assert all(character in left for character in found), "what stays is in its order"
        swapped = varied(text, seed, swap=0.01, negated=negations.of("zh"))
        assert swapped is not None
        places = [place for place, (old, new) in enumerate(zip(text, swapped, strict=True)) if old != new]
        assert len(places) in (2, 3), places
        assert places[-1] - places[0] <= 2, "characters change places with a neighbour"


def test_what_is_not_known_of_a_language_is_left_out() -> None:
    assert varied("one two three", deletion=0.9, negated=None) is None
    assert varied("a good film", synonyms=1.0, table={}) is None
    assert varied("one two three", swap=0.5, negated=None) is not None


def test_a_swap_keeps_every_word_and_the_punctuation_in_its_place() -> None:
    found = varied("one, two. three!", swap=0.1)
    assert found is not None
    assert found != "one, two. three!"
    assert Counter(found.replace(",", "").replace(".", "").replace("!", "").split()) == Counter(["one", "two", "three"])
    assert [found[place] for place in range(len(found)) if found[place] in ",.!"] == [",", ".", "!"]
    assert varied("alone!", swap=0.5) is None


def test_a_typing_mistake_hits_a_neighbouring_key_in_the_same_case() -> None:
    for seed in range(20):
        found = varied("Go 123", seed, keyboard=0.01)
        assert found is not None
        [(old, new)] = [(old, new) for old, new in zip("Go 123", found, strict=True) if old != new]
        assert new.lower() in {"g": "ftyhvb", "o": "ipkl"}[old.lower()]
        assert new.isupper() == old.isupper()


def test_all_neighbours_are_mutual() -> None:
    neighbours = labelled_variations._neighbours()
    assert len(neighbours) == 26
    for key, others in neighbours.items():
        assert all(key in neighbours[other] for other in others), key


def test_back_translation_is_the_users_function_and_must_give_a_text() -> None:
    assert variation("a b", operations(**OFF, back_translation=str.upper), random.Random(1)) == "A B"  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="gave NoneType"):
        variation("a b", operations(**OFF, back_translation=lambda text: None), random.Random(1))  # type: ignore[arg-type,return-value]


def test_a_translation_that_changes_nothing_or_says_nothing_is_no_variation() -> None:
    for translate in (str, lambda text: "  "):
        assert variation("a b", operations(**OFF, back_translation=translate), random.Random(1)) is None  # type: ignore[arg-type]


def test_another_operation_takes_over_where_one_finds_nothing() -> None:
    every = {"synonyms": 0.5, "deletion": 0.5, "swap": 0.5, "keyboard": 0.5}
    assert all(varied("unknown", seed, **every) not in (None, "unknown") for seed in range(10))


def test_the_same_state_of_chance_gives_the_same_variation() -> None:
    every = {"synonyms": 0.3, "deletion": 0.3, "swap": 0.3, "keyboard": 0.1}
    assert [varied(TEXT, seed, **every) for seed in range(20)] == [varied(TEXT, seed, **every) for seed in range(20)]
    assert len({varied(TEXT, seed, **every) for seed in range(20)}) > 10


@pytest.mark.parametrize("text", ["", "  ", "!?", "🙂🙂", "\x00"])
def test_a_text_without_words_has_no_variation(text: str) -> None:
    assert varied(text, synonyms=1.0, deletion=0.5, swap=0.5, keyboard=0.5) is None


def test_the_table_says_which_line_is_wrong() -> None:
    assert read_synonyms("# all\nGood, fine # praise\n\nfine, decent", "t") == {
        "good": ["fine"], "fine": ["good", "decent"], "decent": ["fine"],
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"t:2: 'lonely' stands alone"):
        read_synonyms("a, b\nlonely\n", "t")
    with pytest.raises(ValueError, match=r"t: there are no synonyms"):
        read_synonyms("# nothing\n", "t")


def test_the_bundled_table_never_replaces_praise_by_blame() -> None:
    content = BUNDLED_SYNONYMS.read_text(encoding="utf-8")
    table = read_synonyms(content, BUNDLED_SYNONYMS.name)
    praise, blame = content.split("# praise")[1].split("# blame")
    sides = [set(read_synonyms(part.split("# size")[0], "part")) for part in (praise, blame)]
    assert len(table) > 400
    assert not sides[0] & sides[1]
    assert not [word for word in sides[0] if set(table[word]) & sides[1]]
    assert not [word for word in sides[1] if set(table[word]) & sides[0]]


def test_a_function_that_is_not_there_is_named() -> None:
    assert load_callable("textwrap:dedent")("  a") == "a"
    with pytest.raises(ValueError, match=r"nowhere_at_all:f: nowhere_at_all cannot be imported"):
        load_callable("nowhere_at_all:f")
    with pytest.raises(ValueError, match=r"textwrap has no function 'nothing'"):
        load_callable("textwrap:nothing")
