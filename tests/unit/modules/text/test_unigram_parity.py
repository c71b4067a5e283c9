"""Unigram on the device gives the ids of Transform's graph: for ugly texts, all code points, noise, and real rows."""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import modules  # noqa: F401
from modules.text import unigram
from modules.text.settings import LongText
from modules.text.tokenization import load_vocabulary, piece_spans, special_ids

import pytest

from edgeline_edge.normalization import nmt_nfkc
from edgeline_edge.pieces import SPECIAL_PIECES, written
from tests.unit.token_parity import assert_same_ids, assert_same_in_a_saved_graph, assert_same_windows, ugly

ROOT = Path(__file__).parents[4]
UNIGRAM = ROOT / "edge" / "tests" / "data" / "unigram"
SPECIAL = [f"{piece}\t0" for piece in SPECIAL_PIECES]


@pytest.fixture(scope="module")
def table() -> list[str]:
    return load_vocabulary(str(UNIGRAM / "pieces.tsv"))


@pytest.fixture(scope="module")
def ugly_texts() -> list[str | bytes]:
    return ugly()


def with_letters(texts: Sequence[str], table: Sequence[str]) -> list[str]:
    """A table to which all characters of normalised texts are added, so that every difference is visible."""
    known = {line.partition("\t")[0] for line in table}
    letters = sorted({letter for text in texts for letter in nmt_nfkc().apply(text)} - known - {" ", "\t", "\n"})
    return [*table, *(written(letter, -15 - number % 97 / 8) for number, letter in enumerate(letters))]


@pytest.mark.parametrize(("length", "long_text"), [(3, "head"), (16, "head"), (64, "head"), (15, "head_tail")])
def test_ugly_texts(ugly_texts: list[str | bytes], table: list[str], length: int, long_text: LongText) -> None:
    assert_same_ids(ugly_texts, table, length, long_text)
    assert_same_ids(ugly_texts, with_letters([text for text in ugly_texts if isinstance(text, str)][::2], table))


def test_windows_of_ugly_texts(ugly_texts: list[str | bytes], table: list[str]) -> None:
    assert assert_same_windows(ugly_texts, table, 15, 5) == {1, 2, 3, 4, 5}


def test_a_saved_graph_needs_no_file_and_no_tracking(table: list[str], tmp_path: Path) -> None:
    vectors = [json.loads(line)["text"] for line in (UNIGRAM / "vectors.jsonl").read_text("ascii").splitlines()]
    assert_same_in_a_saved_graph(vectors, table, 32, tmp_path / "model")


def check_code_points(first: int, last: int) -> None:
    for start in range(first, last, 1 << 16):
        points = [chr(c) for c in range(start, min(last, start + (1 << 16))) if not 0xD800 <= c < 0xE000]
        table = with_letters(points, [*SPECIAL, "▁\t-3", "a\t-3.5", "b\t-3.25", "ab\t-5", "▁a\t-6"])
        assert_same_ids([*points, *(f"a{c}b" for c in points[::3])], table, 24)


def test_every_assigned_plane_of_code_points_alone_and_between_letters() -> None:
    check_code_points(0, 0x20000)


@pytest.mark.slow
def test_every_other_code_point_alone_and_between_letters() -> None:
    check_code_points(0x20000, 0x110000)


def test_signs_on_letters_and_jamo_in_every_order() -> None:
    chance = random.Random(11)
    signs = [chr(c) for c in range(0x300, 0x1DFF) if unicodedata.category(chr(c)) in ("Mn", "Mc")]
    bases = [chr(c) for c in range(0x3100) if unicodedata.category(chr(c))[0] == "L"]
    jamo = [chr(c) for c in (*range(0x1100, 0x1120), *range(0x1160, 0x1180), *range(0x11A7, 0x11C8), 0xAC00, 0xD55C)]
    texts = [base + sign + other for sign in signs for base, other in [chance.choices(bases, k=2)]]
    texts += [unicodedata.normalize("NFD", chr(c)) for c in range(0xC0, 0x2000)]
    texts += ["".join(chance.choices(bases[:400] + signs[:120], k=12)) for _ in range(3000)]
    texts += ["".join(chance.choices(jamo, k=8)) for _ in range(3000)]
    assert_same_ids(texts, with_letters(texts, [*SPECIAL, "▁\t-3"]))


def test_equal_sums_and_long_runs(table: list[str]) -> None:
    chance = random.Random(12)
    signs = [line.partition("\t")[0] for line in table if set(line.partition("\t")[0]) <= set("~!?.-")]
    texts = ["".join(chance.choices("~!?.- a", weights=[9, 9, 9, 9, 2, 1, 1], k=chance.randrange(400)))
             for _ in range(1500)]  # fmt: skip
    assert len(signs) > 5
    assert_same_ids(texts, table, 256)
    halves = [*SPECIAL, "▁\t-1", *(f"{'x' * size}\t{-size / 3!r}" for size in range(1, 8))]
    assert_same_ids(["x" * size for size in range(200)], halves, 256)


def test_where_the_pieces_of_a_text_stand(table: list[str]) -> None:
    text = "Hello,  world! 这家酒店\x00好"
    found = piece_spans(text, table)
    assert [number for number, *_ in found] != []
    content = text.encode()
    shown = [(token, content[first:last].decode()) for token, first, last in found]
    assert all(token.removeprefix("##") == part for token, part in shown if part)
    assert "".join(part for _, part in shown).replace(" ", "") == "Hello,world!这家酒店好"
    begins = [token for token, part in shown if part and not token.startswith("##")]
    assert begins[0].startswith("H")
    assert "好" in begins, "a character of a script without spaces is a unit of its own"


def test_special_ids_are_those_of_the_kind(table: list[str]) -> None:
    assert special_ids(table) == {"[PAD]": 1, "[UNK]": 3, "[CLS]": 0, "[SEP]": 2}
    assert special_ids(["x", "[PAD]", "[SEP]", "[CLS]", "[UNK]"]) == {
        "[PAD]": 1, "[UNK]": 4, "[CLS]": 3, "[SEP]": 2
    }  # fmt: skip


def test_an_unusable_table_of_pieces_is_refused_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "pieces.tsv"
    path.write_text("\n".join([*SPECIAL, "a\t1", "a\t2"]) + "\n")
    with pytest.raises(ValueError, match=r"pieces.tsv: line 6 repeats the piece 'a' of line 5"):
        load_vocabulary(str(path))


@pytest.mark.slow
def test_the_encoders_own_pieces_on_real_rows_of_several_scripts() -> None:
    """Needs the package registry, or a cache that has been filled from it."""
    from modules.machine import packages
    from modules.network.backbones.multilingual.backbone import all_pieces

    from benchmarks.any_file.sets import SETS

    table = load_vocabulary(str(all_pieces()))
    texts = [text for name in ("chinese-reviews", "intents-de", "opinions-3") for text, _ in SETS[name].read()[:1500]]
    texts += [json.loads(line)["text"] for line in (UNIGRAM / "vectors.jsonl").read_text("ascii").splitlines()]
    assert packages.cache_dir().is_dir()
    assert_same_ids(texts, table, 256)
    assert len(unigram.model(tuple(table))) > 5_000_000
