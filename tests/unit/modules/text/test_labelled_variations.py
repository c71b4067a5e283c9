"""`modules.text.labelled_variations`: what a variation changes, and what it never does."""

from __future__ import annotations

import random
from collections import Counter

from modules.text import labelled_variations
from modules.text.labelled_variations import BUNDLED_SYNONYMS, load_callable, operations, read_synonyms, variation

import pytest

TABLE = {"film": ["movie", "picture"], "good": ["fine"]}
OFF = {"synonyms": 0.0, "deletion": 0.0, "swap": 0.0, "keyboard": 0.0, "table": TABLE}
TEXT = "The Film, was (very) GOOD — don't miss it!"


def varied(text: str, seed: int = 1, **rates: float) -> str | None:
    return variation(text, operations(**{**OFF, **rates}), random.Random(seed))  # type: ignore[arg-type]


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
