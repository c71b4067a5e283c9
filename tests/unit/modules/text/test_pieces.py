"""Which pieces a task needs, and rows whose pieces go."""

from __future__ import annotations

import random
from pathlib import Path

import modules  # noqa: F401
from modules.inputs.text.unlabelled import augment
from modules.inputs.text.words import TextWords, token_windows
from modules.text import pieces
from modules.text.vocabulary import begin_units

import numpy as np
import pytest

from edgeline_edge.pieces import SPECIAL_PIECES
from edgeline_edge.unigram import Unigram

UNIGRAM = Path(__file__).parents[4] / "edge" / "tests" / "data" / "unigram"
TEXTS = ["这家酒店非常好,下次还来。", "服务也不错!房间很干净", "the film is great", "𐎀 unknown 𐎁𐎁 酒店"]


@pytest.fixture(scope="module")
def table() -> list[str]:
    return (UNIGRAM / "pieces.tsv").read_text("utf-8").split("\n")[:-1]


def bare(lines: list[str]) -> list[str]:
    return [line.partition("\t")[0] for line in lines]


def test_a_task_keeps_its_pieces_and_single_characters_of_its_scripts(table: list[str]) -> None:
    kept = bare(pieces.choose(TEXTS[:2], table, most=1000))
    assert kept[:4] == list(SPECIAL_PIECES)
    han = {piece for piece in bare(table) if len(piece) == 1 and "\u4e00" <= piece <= "\u9fff"}
    assert {"▁", "a", "~", "酒店", *han} <= set(kept)
    assert len(han) > 5
    assert not any(letter in "".join(kept) for letter in "жरホ호"), "scripts of other texts"
    assert len(kept) < len(table)
    whole, trimmed = Unigram(table, 16), Unigram(pieces.choose(TEXTS[:2], table, most=1000), 16)
    for text in TEXTS[:2]:
        cut = [bare(list(one.vocabulary))[number] for one in (whole, trimmed) for number in one.pieces(text)]
        assert cut[: len(cut) // 2] == cut[len(cut) // 2 :], "a text of the task is cut as before"


def test_of_too_many_pieces_the_most_frequent_stay(table: list[str]) -> None:
    few = pieces.choose(["酒店 酒店 酒店 非常"], table, most=2)
    assert "酒店" in bare(few)
    assert "非常" not in bare(few)


def rows(table: list[str], texts: list[str], length: int = 24) -> tuple[np.ndarray, np.ndarray]:
    return Unigram(table, length).encode(texts)


def test_a_student_keeps_what_is_seen_and_all_single_characters(table: list[str]) -> None:
    examples = token_windows(*rows(table, TEXTS), np.zeros(len(TEXTS), np.int64))
    trimmed = TextWords().trim(examples, table, min_count=1, continuations="seen")
    assert bare(trimmed.tokens)[:4] == list(SPECIAL_PIECES)
    assert {piece for piece in bare(table) if len(piece) == 1} <= set(bare(trimmed.tokens))
    assert [table[number] for number in trimmed.kept] == trimmed.tokens
    everything = TextWords().trim(examples, table, min_count=0, continuations="all")
    assert sorted(everything.tokens) == sorted(table)
    again = TextWords().renumbered(examples, table, trimmed.tokens)
    expected = rows(trimmed.tokens, TEXTS)
    np.testing.assert_array_equal(again.features["token_ids"], expected[0])
    np.testing.assert_array_equal(again.features["padding_mask"], expected[1])
    assert TextWords().unknown_share(again, trimmed.tokens) == TextWords().unknown_share(examples, table) > 0


def test_rows_whose_pieces_go_are_cut_anew_as_the_smaller_table_cuts_them(table: list[str]) -> None:
    chance = random.Random(3)
    letters = [piece for piece in bare(table) if len(piece) == 1 and piece not in "▁"]
    texts = ["".join(chance.choices([*letters, " ", "𐎀"], k=chance.randrange(1, 30))) for _ in range(300)] + TEXTS
    gone = {line for line in table[4:] if len(line.partition("\t")[0]) > 1 and chance.random() < 0.6}
    gone |= {line for line in table[4:] if line.partition("\t")[0] in letters and chance.random() < 0.05}
    smaller = [line for line in table if line not in gone]
    ids, mask = pieces.Repiecer(table, smaller)(*rows(table, texts, 80))
    expected = rows(smaller, texts, 80)
    np.testing.assert_array_equal(mask, expected[1])
    np.testing.assert_array_equal(ids, expected[0])


def test_a_row_that_grows_beyond_the_window_is_cut_there_and_keeps_its_end(table: list[str]) -> None:
    smaller = [line for number, line in enumerate(table) if number < 4 or len(line.partition("\t")[0]) == 1]
    ids, mask = pieces.Repiecer(table, smaller)(*rows(table, ["酒店酒店酒店酒店"], 8))
    assert mask.tolist() == [[1] * 8]
    assert (ids[0, 0], ids[0, -1]) == (0, 2)


def test_a_table_that_is_no_part_of_the_other_is_refused(table: list[str]) -> None:
    with pytest.raises(ValueError, match="only pieces of the larger one"):
        pieces.Repiecer(table, [*table, "neu\t-1"])
    with pytest.raises(ValueError, match="2 counts for"):
        pieces.trim(table, np.zeros(2, np.int64))


def test_varied_copies_are_made_of_words_and_of_pieces_where_there_are_no_spaces(table: list[str]) -> None:
    begins = dict(zip(bare(table), begin_units(table).tolist(), strict=True))
    assert begins["酒店"]
    assert not begins["s"]
    assert begins["▁the"] if "▁the" in begins else begins["▁"]
    examples = token_windows(*rows(table, TEXTS), np.zeros(len(TEXTS), np.int64))
    varied = augment(examples, table, copies=4, seed=1)
    assert len(varied) == 4 * len(TEXTS)
    ids, mask = varied.features["token_ids"], varied.features["padding_mask"]
    assert set(ids[:, 0]) == {0}
    assert {int(row[keep.sum() - 1]) for row, keep in zip(ids, mask, strict=True)} == {2}
    assert set(ids[mask == 0]) == {1}
    assert set(ids.ravel()) <= set(examples.features["token_ids"].ravel())
