"""The device's tokenizer gives the ids of Transform's graph: for ugly texts, all code points, noise, and real data."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import modules  # noqa: F401
from modules.machine import packages
from modules.network.backbones.minilm.source import SOURCE, VOCABULARY
from modules.text.tokenization import SPECIAL_TOKENS, load_vocabulary, wordpiece

import pytest

from edgeline_edge.normalization import bert_uncased
from edgeline_edge.tokenizer import Tokenizer
from tests.unit.token_parity import LENGTH, assert_same_ids, assert_same_in_a_saved_graph, assert_same_windows, ugly

REAL_TEXTS = [
    f"additional_resources/hutto_ICWSM_2014.tar.gz!/{name}_GroundTruth.txt"
    for name in ("movieReviewSnippets", "amazonReviewSnippets", "nytEditorialSnippets", "tweets")
]
WORDS = (  # noqa: SIM905 (a list would take a line for each)
    "good great bad film movie the a an is was not never i it this that don t can s cafe naive facade strasse "
    "angstrom cls sep pad unk mask hash tag html amp lt gt quot nbsp bold br script super word number text"
).split()
SUFFIXES = ["##s", "##ed", "##ing", "##ness", "##cali", "##fragil", "##ab", "##on"]


def characters(texts: Sequence[str]) -> list[str]:
    """The distinct characters of the normalised texts: as tokens, they make every difference visible."""
    found = {c for text in texts for c in bert_uncased().apply(text)} - {" "}
    return sorted(c for c in found if not 0xD800 <= ord(c) < 0xE000)


@pytest.fixture(scope="module")
def ugly_texts() -> list[str | bytes]:
    return ugly()


@pytest.fixture(scope="module")
def ugly_vocabulary(ugly_texts: list[str | bytes]) -> list[str]:
    """Specials in an unusual place, some words, and half of the characters, so that `[UNK]` happens as well."""
    letters = characters([text for text in ugly_texts if isinstance(text, str)])
    singles = [c for c in letters if len(c.encode()) == 1 or ord(c) % 2]
    tokens = [*WORDS, *SUFFIXES, *singles, "[CLS]", "[SEP]", *(f"##{c}" for c in singles), "[PAD]", "[UNK]"]
    return list(dict.fromkeys(tokens))


@pytest.fixture(scope="session")
def real_vocabulary() -> list[str]:
    return load_vocabulary(str(SOURCE.file(VOCABULARY)))


@pytest.fixture(scope="session")
def real_texts() -> list[bytes]:
    """Every row of the default data, as bytes, before any cleaning."""
    files = packages.fetch_members(packages.VADER, REAL_TEXTS)
    return [
        line.split(b"\t", 2)[2].rstrip(b"\r")
        for name in REAL_TEXTS
        for line in files[name].read_bytes().split(b"\n")
        if line.count(b"\t") >= 2
    ]


def test_the_corpus_is_large_and_ugly(ugly_texts: list[str | bytes]) -> None:
    assert len(ugly_texts) >= 300
    assert max(len(text) for text in ugly_texts) >= 10_000
    text = "".join(text for text in ugly_texts if isinstance(text, str))
    for needle in ("\0", "\ud800", "\ufffd", "[CLS]", "&amp;", "\u200d", "\u0301", "中", "ש", "\U0001f3fd"):
        assert needle in text


@pytest.mark.parametrize("length", [3, 16, 64, 512])
def test_ugly_texts(ugly_texts: list[str | bytes], ugly_vocabulary: list[str], length: int) -> None:
    assert_same_ids(ugly_texts, ugly_vocabulary, length)


@pytest.mark.parametrize("length", [3, 4, 15, 64])
def test_beginning_and_end_of_ugly_texts(
    ugly_texts: list[str | bytes], ugly_vocabulary: list[str], length: int
) -> None:
    assert_same_ids(ugly_texts, ugly_vocabulary, length, "head_tail")


@pytest.mark.parametrize(("length", "most"), [(3, 2), (15, 5), (64, 3)])
def test_windows_of_ugly_texts(
    ugly_texts: list[str | bytes], ugly_vocabulary: list[str], length: int, most: int
) -> None:
    assert assert_same_windows(ugly_texts, ugly_vocabulary, length, most) == set(range(1, most + 1))


def test_ugly_texts_in_a_saved_graph(ugly_texts: list[str | bytes], ugly_vocabulary: list[str], tmp_path: Path) -> None:
    strings = [text for text in ugly_texts if isinstance(text, str)]
    assert_same_in_a_saved_graph(strings, ugly_vocabulary, LENGTH, tmp_path / "model")


def test_special_tokens_in_a_text_are_ordinary_words(ugly_vocabulary: list[str]) -> None:
    import tensorflow as tf

    ids = wordpiece(tf.constant(["[CLS] [SEP] [PAD] [UNK]"]), ugly_vocabulary, LENGTH)[0].numpy()[0]
    names = [ugly_vocabulary[number] for number in ids[:14]]
    assert names == ["[CLS]", *["[", "cls", "]", "[", "sep", "]", "[", "pad", "]", "[", "unk", "]"], "[SEP]"]


def test_only_spaces_give_only_the_frame(ugly_vocabulary: list[str]) -> None:
    import tensorflow as tf

    token_ids, mask = wordpiece(tf.constant([" \t\n", "", "\u3000\x00"]), ugly_vocabulary, 5)
    frame = [ugly_vocabulary.index(token) for token in ("[CLS]", "[SEP]", "[PAD]", "[PAD]", "[PAD]")]
    assert token_ids.numpy().tolist() == [frame] * 3
    assert mask.numpy().tolist() == [[1, 1, 0, 0, 0]] * 3


def check_code_points(first: int, last: int) -> None:
    for start in range(first, last, 1 << 15):
        points = [chr(c) for c in range(start, min(last, start + (1 << 15)))]
        letters = characters([*points, "ab"])
        vocabulary = [*SPECIAL_TOKENS, *letters, *(f"##{c}" for c in letters)]
        assert_same_ids([*points, *(f"a{c}b" for c in points)], vocabulary, 24)


def test_every_assigned_plane_of_code_points_alone_and_between_letters() -> None:
    check_code_points(0, 0x20000)
    check_code_points(0xE0000, 0xE1000)


@pytest.mark.slow
def test_every_other_code_point_alone_and_between_letters() -> None:
    check_code_points(0x20000, 0xE0000)
    check_code_points(0xE1000, 0x110000)


def test_combining_marks_on_everything() -> None:
    """Normalisation forms reorder and compose marks; a table cannot, so neither side must."""
    generator = random.Random(11)
    every = [chr(c) for c in range(0x20000) if unicodedata.category(chr(c)) in ("Mn", "Mc", "Me")]
    bases = [chr(c) for c in range(0x3000) if unicodedata.category(chr(c))[0] == "L"]
    texts = [a + mark + b for mark in every for a, b in [generator.choices(bases, k=2)]]
    texts += ["".join(generator.choices(bases + every, k=12)) for _ in range(5000)]
    letters = characters(texts)
    assert_same_ids(texts, [*SPECIAL_TOKENS, *letters, *(f"##{c}" for c in letters)])


def test_noise(ugly_vocabulary: list[str]) -> None:
    generator = random.Random(12)
    pieces = [token.removeprefix("##") for token in ugly_vocabulary if token not in SPECIAL_TOKENS]

    def point() -> str:
        return chr(generator.randrange(generator.choice([0x80, 0x250, 0x3000, 0x10000, 0x20000, 0x110000])))

    texts = ["".join(point() for _ in range(generator.randrange(1, 40))) for _ in range(20_000)]
    texts += ["".join(generator.choices(pieces, k=generator.randrange(1, 40))) for _ in range(20_000)]
    assert_same_ids(texts, ugly_vocabulary)
    byte = [*range(256), *range(97, 123), *[0x20, 0xC3, 0xE2, 0x80, 0xF0, 0x9F, 0xED, 0xA0] * 8]
    assert_same_ids(
        [bytes(generator.choices(byte, k=generator.randrange(1, 30))) for _ in range(20_000)], ugly_vocabulary
    )


@pytest.mark.slow
def test_every_row_of_the_default_data(real_texts: list[bytes], real_vocabulary: list[str]) -> None:
    assert len(real_texts) == 23_703
    for length in (16, LENGTH):
        assert_same_ids(real_texts, real_vocabulary, length)


@pytest.mark.slow
def test_ugly_texts_with_the_pretrained_vocabulary(ugly_texts: list[str | bytes], real_vocabulary: list[str]) -> None:
    assert_same_ids(ugly_texts, real_vocabulary)


@pytest.mark.slow
def test_an_independent_wordpiece_agrees_on_real_texts(real_texts: list[bytes], real_vocabulary: list[str]) -> None:
    """Hugging Face's tokenizer, configured as for BERT, gives the same ids wherever Unicode leaves no doubt."""
    from tokenizers import BertWordPieceTokenizer

    numbers = {token: number for number, token in enumerate(real_vocabulary)}
    other = BertWordPieceTokenizer(numbers, lowercase=True, strip_accents=True)
    own = Tokenizer(real_vocabulary, LENGTH)
    texts = [text.decode() for text in real_texts if text.isascii()]
    assert len(texts) > 20_000
    for text, encoding in zip(texts, other.encode_batch(texts, add_special_tokens=False), strict=True):
        assert own.pieces(text) == encoding.ids, text


def test_the_edge_package_defines_the_same_constants() -> None:
    from modules.text import tokenization

    from edgeline_edge import tokenizer

    for name in ("PAD", "UNKNOWN", "START", "END", "SPECIAL_TOKENS", "SUFFIX", "MAX_WORD_BYTES"):
        assert getattr(tokenizer, name) == getattr(tokenization, name)


def test_a_text_that_is_one_row_has_no_windows(ugly_vocabulary: list[str]) -> None:
    with pytest.raises(ValueError, match="long_text is 'windows', must be head or head_tail"):
        wordpiece(["a"], ugly_vocabulary, LENGTH, "windows")
