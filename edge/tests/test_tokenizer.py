"""The tokenizer by itself; that it equals TensorFlow's: `tests/unit/modules/text/test_tokenizer_parity.py`."""

from __future__ import annotations

import sys

import pytest

from edgeline_edge.normalization import Normalization, bert_uncased
from edgeline_edge.tokenizer import Tokenizer

SMALL = (  # noqa: SIM905 (a list would take a line for each)
    "x [SEP] [CLS] a b ##b ##c ab ##bc [UNK] ! 中 [PAD] cafe [ ] cls"
).split()


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(SMALL, 8)


def tokens(tokenizer: Tokenizer, text: str) -> list[str]:
    return [tokenizer.vocabulary[number] for number in tokenizer.pieces(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc", ["ab", "##c"]),
        ("abbc", ["ab", "##bc"]),
        ("ac d", ["a", "##c", "[UNK]"]),
        ("CAFÉ", ["cafe"]),
        ("cafe\u0301", ["cafe"]),
        ("a!b", ["a", "!", "b"]),
        ("a中b", ["a", "中", "b"]),
        ("[CLS]", ["[", "cls", "]"]),
        ("a\x00b", ["a", "b"]),
        ("a\u200bb", ["ab"]),
        ("a\ud800b", ["a", "b"]),
        ("a\ufffdb", ["a", "b"]),  # noqa: PT014 (ruff takes a lone surrogate for U+FFFD)
        ("   ", []),
        ("", []),
        ("\u2028a\u3000b\n", ["a", "b"]),
        ("a" + "b" * 99, ["ab"] + ["##b"] * 98),
        ("a" + "b" * 100, ["[UNK]"]),
    ],
)
def test_pieces(tokenizer: Tokenizer, text: str, expected: list[str]) -> None:
    assert tokens(tokenizer, text) == expected


def test_a_word_is_limited_in_bytes_not_in_characters() -> None:
    tokenizer = Tokenizer([*SMALL, "ж", "##ж"], 8)
    assert tokens(tokenizer, "ж" * 50) == ["ж"] + ["##ж"] * 49
    assert tokens(tokenizer, "ж" * 51) == ["[UNK]"]


def test_rows_are_cut_and_padded_with_the_ids_of_this_vocabulary(tokenizer: Tokenizer) -> None:
    token_ids, padding_mask = tokenizer.encode(["a b", "a " * 100, " "])
    assert token_ids.dtype == padding_mask.dtype == "int32"
    assert token_ids.tolist() == [
        [2, 3, 4, 1, 12, 12, 12, 12],
        [2, 3, 3, 3, 3, 3, 3, 1],
        [2, 1, 12, 12, 12, 12, 12, 12],
    ]
    assert padding_mask.tolist() == [[1] * 4 + [0] * 4, [1] * 8, [1] * 2 + [0] * 6]


def test_windows_cover_the_text_evenly_and_are_full(tokenizer: Tokenizer) -> None:
    text = " ".join(["ab", "a", "b", "cafe", "x", "!", "a", "b", "a", "b", "a", "b", "a"])
    pieces = tokenizer.pieces(text)
    assert tokenizer.cut(text, "windows") == [pieces[0:6], pieces[3:9], pieces[7:13]]
    assert tokenizer.cut(text, "windows", 2) == [pieces[:6], pieces[-6:]]
    assert tokenizer.cut(text, "windows", 1) == tokenizer.cut(text, "head") == [pieces[:6]]
    assert tokenizer.cut(text, "head_tail") == [pieces[:3] + pieces[-3:]]
    for how in ("head", "head_tail", "windows"):
        assert tokenizer.cut("a b", how) == [tokenizer.pieces("a b")]  # type: ignore[arg-type]
        assert tokenizer.cut(" ", how) == [[]]  # type: ignore[arg-type]


def test_an_odd_window_keeps_one_piece_more_of_the_beginning() -> None:
    pieces = Tokenizer(SMALL, 7).pieces("a b x a b cafe !")
    assert Tokenizer(SMALL, 7).cut("a b x a b cafe !", "head_tail") == [pieces[:3] + pieces[-2:]]
    assert Tokenizer(SMALL, 3).cut("a b x", "head_tail") == [pieces[:1]]


def test_a_row_a_text_and_windows_contradict_each_other(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode(["a b " * 9], "head_tail")[0].tolist() == [[2, 3, 4, 3, 4, 3, 4, 1]]
    with pytest.raises(ValueError, match="long_text is 'windows', must be head or head_tail"):
        tokenizer.encode(["a"], "windows")


def test_the_memory_of_words_and_code_points_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeline_edge.tokenizer._REMEMBERED_BYTES", 4000)
    tokenizer = Tokenizer(SMALL, 8)
    for number in range(100):
        tokenizer.pieces(f"w{number}")
        tokenizer.pieces("w" * number)
        held = sum(sys.getsizeof(word) + sys.getsizeof(pieces) for word, pieces in tokenizer._words.items())
        assert 0 < held < 4000
    tokenizer.pieces("w" * 1_000_000)
    assert max(map(len, tokenizer._words)) <= 100, "what is [UNK] by its length is not kept"
    table = bert_uncased()
    table.apply("".join(map(chr, range(0x110000))))
    assert len(table) <= 40_000
    assert table.apply("ÄÖ 한") == "ao \u1112\u1161\u11ab"


def test_no_other_white_space_is_left_after_normalisation() -> None:
    table = bert_uncased()
    left = {c for point in range(0x110000) for c in table.apply(chr(point)) if c.isspace() and c != " "}
    assert not left


@pytest.mark.parametrize(
    ("vocabulary", "problem"),
    [
        (["a", *SMALL], "'a' occurs 2 times"),
        ([*SMALL, ""], "empty"),
        ([*SMALL, "##"], "suffix"),
        (["[PAD]", "[UNK]", "[CLS]"], r"\[SEP\] missing"),
    ],
)
def test_an_unusable_vocabulary_is_refused(vocabulary: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Tokenizer(vocabulary, 8)


@pytest.mark.parametrize("line", ["ZZ -", "110000 -", "41-40 -", "41-5A/3 61", "41-5A 61 62", "41 ", "41"])
def test_a_broken_table_names_its_line(line: str) -> None:
    with pytest.raises(ValueError, match="line 2"):
        Normalization(f"# head\n{line}\n".encode())
