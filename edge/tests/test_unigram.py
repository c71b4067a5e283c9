"""Unigram by itself and in a bundle; that it equals TensorFlow's: `tests/unit/modules/text/test_unigram_parity.py`."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from edgeline_edge import Bundle, BundleError, Classifier, archive, parse_bundle, read_bundle, write_bundle
from edgeline_edge.normalization import Normalization, nmt_nfkc
from edgeline_edge.pieces import SPEC, is_table, read_pieces, written
from edgeline_edge.unigram import Unigram

DATA = Path(__file__).parent / "data" / "unigram"
SPECIAL = ["<s>\t0", "<pad>\t0", "</s>\t0", "<unk>\t0"]
MANIFEST = {"task": "hotels", "recipe": "dynamic_wi8_afp32", "run_id": "r1", "licence": "MIT"}
LABELS = ("negative", "neutral", "positive")


@pytest.fixture(scope="module")
def table() -> list[str]:
    return (DATA / "pieces.tsv").read_text("utf-8").split("\n")[:-1]


@pytest.fixture(scope="module")
def bundle_path(tiny: bytes, table: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("unigram") / "model.tflite"
    write_bundle(tiny, path, vocabulary=table[:300], labels=LABELS, manifest=MANIFEST)
    return path


def test_ids_are_those_of_tensorflow_text(table: list[str]) -> None:
    tokenizer = Unigram(table, 16)
    vectors = [json.loads(line) for line in (DATA / "vectors.jsonl").read_text("ascii").splitlines()]
    assert len(vectors) > 250
    assert [tokenizer.pieces(vector["text"]) for vector in vectors] == [vector["ids"] for vector in vectors]
    used = {number for vector in vectors for number in vector["ids"]}
    assert 3 in used
    assert not used & {0, 1, 2}, "a text never holds a control piece"


def cut(tokenizer: Unigram, text: str) -> list[str]:
    return [tokenizer.vocabulary[number].partition("\t")[0] for number in tokenizer.pieces(text)]


def test_the_best_sum_wins_and_runs_of_unknown_code_points_are_one() -> None:
    tokenizer = Unigram([*SPECIAL, "▁\t-2", "a\t-1", "b\t-1", "ab\t-3", "▁a\t-2.5", "<s>b\t-1"], 8)
    assert cut(tokenizer, "ab") == ["▁a", "b"]
    assert cut(tokenizer, "aab") == ["▁a", "a", "b"]
    assert cut(tokenizer, "xyz a") == ["▁", "<unk>", "▁a"]
    assert cut(tokenizer, "x a y") == ["▁", "<unk>", "▁a", "▁", "<unk>"]
    assert cut(tokenizer, "<s>b") == ["▁", "<s>b"], "a piece may look like a control piece"
    assert cut(tokenizer, "<s>") == ["▁", "<unk>"]
    assert cut(tokenizer, "a\ud800b") == ["▁a", "▁", "b"]
    assert tokenizer.pieces("ab ab", 3) == tokenizer.pieces("ab ab")[:3]


@pytest.mark.parametrize("score", [-3.0, -30.0])
def test_an_unknown_code_point_costs_ten_more_than_the_worst_piece(score: float) -> None:
    tokenizer = Unigram([*SPECIAL, "▁\t-1", "a\t-2", "x\t0", f"xy\t{score}", "z\t-4"], 8)
    worst = min(score, -4)
    assert tokenizer._unknown_score == pytest.approx(worst - 10)
    assert cut(tokenizer, "xya") == ["▁", "xy", "a"], "a piece is better than an unknown code point"
    assert cut(tokenizer, "yxa") == ["▁", "<unk>", "x", "a"]


def test_rows_are_framed_by_the_special_pieces(table: list[str]) -> None:
    tokenizer = Unigram(table, 6)
    ids, mask = tokenizer.encode(["a", "这家酒店非常好,下次还来", ""])
    assert ids[0].tolist() == [0, *tokenizer.pieces("a"), 2, *[1] * (4 - len(tokenizer.pieces("a")))]
    assert (ids[1, 0], ids[1, 5]) == (0, 2)
    assert ids[2].tolist() == [0, 2, 1, 1, 1, 1]
    assert mask.sum(axis=1).tolist() == [len(tokenizer.pieces("a")) + 2, 6, 2]


def test_a_bundle_carries_pieces_and_says_so(bundle_path: Path, table: list[str]) -> None:
    bundle = read_bundle(bundle_path)
    _, members = archive.split(bundle.content)
    assert list(members) == ["manifest.json", "labels.txt", "pieces.tsv"]
    said = json.loads(members["manifest.json"])
    assert said["tokenizer"] == SPEC == {"kind": "unigram", "first": 0, "pad": 1, "last": 2, "unk": 3}
    assert said["normalization"]["name"] == "nmt-nfkc"
    classifier = Classifier.load(bundle_path)
    assert isinstance(classifier.tokenizer, Unigram)
    assert classifier.tokenizer.vocabulary == tuple(table[:300])
    assert classifier.predict(["这家酒店非常好"])[0].label in LABELS


def altered(bundle: Bundle, **changes: object) -> bytes:
    """The bundle with another manifest and with other members, sealed anew."""
    end, members = archive.split(bundle.content)
    manifest = {**json.loads(members["manifest.json"]), **changes}
    members["manifest.json"] = json.dumps({k: v for k, v in manifest.items() if v is not None}).encode()
    return archive.append(bundle.content[:end], members)


def test_a_bundle_whose_parts_ask_for_two_tokenizers_is_refused(bundle_path: Path) -> None:
    bundle = read_bundle(bundle_path)
    with pytest.raises(BundleError, match="normalises text by nmt-nfkc"):
        parse_bundle(altered(bundle, tokenizer=None))
    with pytest.raises(BundleError, match=r"'kind': 'bpe'.*upgrade it"):
        parse_bundle(altered(bundle, tokenizer={**SPEC, "kind": "bpe"}))
    with pytest.raises(BundleError, match="'pad': 7"):
        parse_bundle(altered(bundle, tokenizer={**SPEC, "pad": 7}))


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (SPECIAL, "no piece behind"),
        ([*SPECIAL, "a\t-1", "b\t-2", "a\t-3"], "line 7 repeats the piece 'a' of line 5"),
        ([*SPECIAL, "a"], "line 5"),
        ([*SPECIAL, "\t-1"], "line 5"),
        ([*SPECIAL, "a\tmuch"], "'much' is no finite number"),
        ([*SPECIAL, "a\t1_0"], "'1_0' is no finite number"),
        ([*SPECIAL, "a\t1e99"], "'1e99' is no finite number"),
        ([*SPECIAL, "a\tnan"], "'nan' is no finite number"),
        ([*SPECIAL, "a\t1\t2"], "no finite number"),
        ([*SPECIAL, "a" * 1001 + "\t1"], "1,001 characters"),
        (["<s>\t0", "a\t1"], "first lines must be"),
    ],
)
def test_an_unusable_table_is_refused(lines: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Unigram(lines, 8)


def test_a_table_is_told_by_its_first_lines(table: list[str], vocabulary: list[str]) -> None:
    assert is_table(table)
    assert not is_table(vocabulary)
    assert not is_table([])


def test_a_score_is_written_in_the_fewest_digits_that_give_it_back() -> None:
    assert written("a", -3.4635426998138428) == "a\t-3.4635427"
    assert written("a", 0.0) == "a\t0"
    chance = random.Random(1)
    for _ in range(200):
        *_, (piece, score) = read_pieces([*SPECIAL, f"a\t{chance.uniform(-25, 0)!r}"])
        line = written(piece, score)
        assert len(line) <= len("a\t-12.3456789")
        assert read_pieces([*SPECIAL, line])[-1] == (piece, score)


def test_sequences_are_composed_from_left_to_right() -> None:
    table = Normalization(b"# head\n41 61\n61+301 E1\n61+323+302 1EAD\njamo\n", "own")
    assert table.apply("Aa\u0301a\u0323\u0302a\u0323") == "a\xe1\u1eada\u0323"
    assert table.apply("A\u0301") == "a\u0301", "what a code point became begins no sequence"
    assert table.apply("\u1112\u1161\u11ab\ud558\u11ab\u1112\u1161") == "\ud55c\ud55c\ud558"
    assert table.apply("\u0301a") == "\u0301a"


def test_no_rule_leaves_what_another_one_changes() -> None:
    table = nmt_nfkc()
    rules = dict(table.rules())
    assert len(rules) > 28_000
    assert {table.apply(source) for source in rules if len(source) > 1} <= set(rules.values())
    again = [image for image in set(rules.values()) if table.apply(image) != image]
    assert not again, again[:10]
