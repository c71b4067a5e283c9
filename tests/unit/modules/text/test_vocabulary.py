"""`modules.text.vocabulary`: what stays, what the same text becomes, and that nothing becomes unknown."""

import random

from modules.text import vocabulary
from modules.text.tokenization import load_vocabulary

import numpy as np
import pytest

from tests.unit import compression_helpers as helpers

VOCABULARY = helpers.VOCABULARY


def _trimmed(**options: object) -> vocabulary.Trimmed:
    train = helpers.examples(200)
    counts = vocabulary.count_tokens(train.token_ids, train.padding_mask, len(VOCABULARY))
    return vocabulary.trim(VOCABULARY, counts, **options)


def test_ids_of_all_training_texts_map_one_to_one() -> None:
    train = helpers.examples(200)
    trimmed = _trimmed()
    ids, mask = vocabulary.Retokenizer(VOCABULARY, trimmed.tokens)(train.token_ids, train.padding_mask)
    assert np.array_equal(ids, trimmed.mapping[train.token_ids])
    assert np.array_equal(mask, train.padding_mask)
    tokens = [[trimmed.tokens[index] for index in row] for row in ids]
    assert tokens == [[VOCABULARY[index] for index in row] for row in train.token_ids]


def test_unused_words_go_and_the_floor_stays() -> None:
    tokens = _trimmed().tokens
    assert "zebra" not in tokens
    assert {*helpers.SPECIAL, *helpers.LETTERS, "##ization", "##stat"} <= set(tokens)


def test_frequent_tokens_come_first_and_padding_stays_0() -> None:
    train = helpers.examples(200)
    found = vocabulary.count_tokens(train.token_ids, train.padding_mask, len(VOCABULARY))
    counts = dict(zip(VOCABULARY, found, strict=True))
    tokens = _trimmed().tokens
    assert tokens[: len(helpers.SPECIAL)] == helpers.SPECIAL
    seen = [counts[token] for token in tokens[len(helpers.SPECIAL) :]]
    assert seen == sorted(seen, reverse=True)


def test_without_trimming_only_placeholders_go() -> None:
    whole = [*VOCABULARY[:10], "[unused7]", *VOCABULARY[10:]]
    kept = vocabulary.trim(whole, np.zeros(len(whole), np.int64), min_count=0)
    assert sorted(kept.tokens) == sorted(VOCABULARY)


def test_only_seen_continuations_stay_if_asked() -> None:
    tokens = _trimmed(continuations="seen").tokens
    assert "##ization" not in tokens
    assert "##z" in tokens


def test_a_removed_word_is_split_into_kept_pieces_and_not_unknown() -> None:
    trimmed = _trimmed()
    row = np.array([["[CLS]", "zebra", "film", "[SEP]", "[PAD]", "[PAD]", "[PAD]", "[PAD]", "[PAD]"]])
    ids = np.vectorize(VOCABULARY.index)(row).astype(np.int32)
    new, mask = vocabulary.Retokenizer(VOCABULARY, trimmed.tokens)(ids, (ids > 0).astype(np.int32))
    told = [trimmed.tokens[index] for index, kept in zip(new[0], mask[0], strict=True) if kept]
    assert told == ["[CLS]", "z", "##e", "##b", "##r", "##a", "film", "[SEP]"]


def test_no_word_that_was_known_becomes_unknown(vocabulary_file) -> None:
    whole = load_vocabulary(str(vocabulary_file))
    chance = random.Random(1)
    counts = np.array([chance.random() < 0.2 for _ in whole], np.int64)
    trimmed = vocabulary.trim(whole, counts, continuations="seen")
    letters = [token for token in whole if len(token) == 1 and f"##{token}" in whole]
    words = {"".join(chance.choices(letters, k=chance.randint(1, 12))) for _ in range(300)}
    words |= {token for token in whole if not token.startswith(("##", "["))}
    for word in words:
        if "[UNK]" not in vocabulary.split_word(word, set(whole)):
            pieces = vocabulary.split_word(word, set(trimmed.tokens))
            uncovered = set(word) & set(trimmed.uncovered)
            assert "[UNK]" not in pieces or uncovered, (word, pieces)


def test_characters_without_a_token_of_their_own_are_named() -> None:
    counts = np.ones(6, np.int64)
    trimmed = vocabulary.trim(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "aß"], counts)
    assert trimmed.uncovered == ["ß"]


def test_a_text_that_grows_beyond_the_window_keeps_its_end_token() -> None:
    trimmed = _trimmed()
    ids = np.array([[VOCABULARY.index(token) for token in ("[CLS]", "zebra", "film", "[SEP]")]], np.int32)
    new, mask = vocabulary.Retokenizer(VOCABULARY, trimmed.tokens)(ids, np.ones_like(ids))
    assert [trimmed.tokens[index] for index in new[0]] == ["[CLS]", "z", "##e", "[SEP]"]
    assert mask.sum() == 4


def test_the_device_splits_words_the_same_way(vocabulary_file) -> None:
    from edgeline_edge import Tokenizer

    whole = load_vocabulary(str(vocabulary_file))
    counts = np.zeros(len(whole), np.int64)
    counts[::3] = 1
    trimmed = vocabulary.trim(whole, counts)
    texts = ["the service was not good", "unbelievable acting", "slowly walking home 42"]
    old = Tokenizer(whole, 32).encode(texts)
    expected = Tokenizer(trimmed.tokens, 32).encode(texts)
    got = vocabulary.Retokenizer(whole, trimmed.tokens)(*old)
    assert np.array_equal(got[0] * got[1], expected[0] * expected[1])


def test_counts_of_another_vocabulary_are_refused() -> None:
    with pytest.raises(ValueError, match="3 counts"):
        vocabulary.trim(VOCABULARY, np.ones(3, np.int64))
    with pytest.raises(ValueError, match="special tokens"):
        vocabulary.Retokenizer(VOCABULARY, ["a", "b"])
