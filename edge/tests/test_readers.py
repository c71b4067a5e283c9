"""The readers in other languages make of a bundle and its records what the Python package does.

The page's sources run in Node.js without a model, the C++ headers are compiled; `test_web.py` answers in a browser.
The Kotlin reader needs a compiler that no test fetches: with EDGELINE_KOTLIN, the command of a program that somebody
compiled of it and `edge/tools/kotlin/Try.kt`, it is asked all that C++ is.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeline_edge import Classifier, archive
from edgeline_edge.inputs import kinds
from edgeline_edge.long_text import LongText
from edgeline_edge.normalization import nmt_nfkc
from edgeline_edge.pieces import SPEC
from edgeline_edge.rows import Rows
from edgeline_edge.targets.one_label import answered
from edgeline_edge.tokenizer import Tokenizer
from edgeline_edge.unigram import Unigram
from tests.readers import Native, in_node, resealed

EDGE = Path(__file__).parent.parent
UNIGRAM = Path(__file__).parent / "data" / "unigram"
LENGTH, BATCH = 9000, 4096  # of a row, and code points in a text
UGLY = EDGE.parent / "tests" / "data" / "ugly_texts.jsonl"
PRICES = [
    *(0.1, 0.7, -3, 16777217, 3.1300000000000003, 1e-45, 1e300, -1e300, 0, None, 123456789012345678),
    *np.random.default_rng(7).normal(0.1, 2.0, 200).tolist(),
]
SHOPS = ["web", "WEB", "köln", "ko\u0308ln", "a\nb", "a", "", None, "constructor", "__proto__"]
RECORDS: list[dict[str, Any]] = [
    *({"review": "a good film", "price": price} for price in PRICES),
    *({"review": "bad", "größe": shop} for shop in SHOPS),
    {"review": "good film " * 60 + "BAD!", "price": 1, "größe": "web"},
]
WRONG: list[tuple[Any, str]] = [
    ({"price": 3.5}, "review"),
    ({"review": ""}, "review"),
    ({"review": 7}, "review"),
    ({"review": "a", "prize": 3.5}, "prize"),
    ({"review": "a", "price": "3.5"}, "price must be a number"),
    ({"review": "a", "größe": 3}, "größe must be a string"),
    ({"review": "a", "constructor": 3}, "constructor"),
]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def expected(offers_path: Path) -> list[dict[str, list[Any]]]:
    """Of each record: ids and masks of its windows, scaled number and flag, number of the category."""
    offers = Classifier.load(offers_path)
    price, shop = kinds.table(offers.manifest.inputs or ())
    found = []
    for record in RECORDS:
        ids, mask = offers.tokenizer.rows(offers.tokenizer.cut(record["review"], "windows", 3))
        tensors = {**price.encode(record.get("price")), **shop.encode(record.get("größe"))}
        others = {name: value.ravel().tolist() for name, value in tensors.items()}
        found.append({"ids": ids.tolist(), "mask": mask.tolist(), **others})
    assert len(found[-1]["ids"]) == 3
    assert {row["shop"][0] for row in found} == {0, 1, 2, 3, 4}
    return found


def test_node_makes_of_records_what_python_does(
    offers_path: Path, expected: list[dict[str, list[Any]]], tmp_path: Path
) -> None:
    odd = [{"review": "a", "price": {"float": name}} for name in ("NaN", "Infinity", "-Infinity")]
    rows = [*RECORDS, *odd, *(row for row, _ in WRONG), "a good film", None, ["a"]]
    answers = in_node(tmp_path, {"offers": offers_path}, {"offers": rows})["offers"]
    assert answers[: len(RECORDS)] == expected
    answers = answers[len(RECORDS) :]
    assert [row["price"] for row in answers[:3]] == [[0, 1], [10, 0], [-10, 0]]
    for (row, says), answer in zip(WRONG, answers[3:-3], strict=True):
        assert says in answer, row
    assert {answer.split(": ")[1] for answer in answers[-3:]} == {
        "the row must be a record with the fields price, review, größe"
    }


def test_native_makes_of_records_what_python_does(
    offers_path: Path, expected: list[dict[str, list[Any]]], native: Native
) -> None:
    rows = [*RECORDS, *(row for row, _ in WRONG)]
    for escape in (True, False):
        done = native("records", offers_path, lines=[json.dumps(row, ensure_ascii=escape) for row in rows])
        lines = done.stdout.split("\n")[:-1]
        assert len(lines) == len(rows), done.stderr
        for wanted, line in zip(expected, lines, strict=False):
            found: dict[str, list[list[float]]] = {}
            for tensor in line.split(";")[:-1]:
                name, *values = tensor.split(" ")
                found.setdefault(name, []).append([float(value) for value in values])
            assert found.pop("token_ids") == wanted["ids"]
            assert found.pop("padding_mask") == wanted["mask"]
            for name, values in found.items():
                assert all(np.array_equal(np.float32(value), np.float32(wanted[name])) for value in values), line
        for (row, says), line in zip(WRONG, lines[len(RECORDS) :], strict=True):
            assert line.startswith("error: "), row
            assert says in line


def test_a_record_may_lack_a_text_that_is_optional(offers_path: Path, tmp_path: Path, native: Native) -> None:
    path = resealed(offers_path, tmp_path / "optional.tflite", of_input(1, optional=True))
    rows: list[dict[str, Any]] = [{"price": 3.5}, {"review": None}, {"review": ""}, {"review": 7}]
    tokenizer = Classifier.load(path).tokenizer
    wanted = tokenizer.rows(tokenizer.cut("", "windows", 3))[0].tolist()
    *pages, wrong_page = in_node(tmp_path, {"optional": path}, {"optional": rows})["optional"]
    *lines, wrong_line = native("records", path, lines=[json.dumps(row) for row in rows]).stdout.splitlines()
    assert [page["ids"] for page in pages] == [wanted] * 3
    for line in lines:
        [ids] = [part.split(" ")[1:] for part in line.split(";") if part.startswith("token_ids ")]
        assert [[int(number) for number in ids]] == wanted
    assert "review must be a string" in wrong_page
    assert "review must be a string" in wrong_line


def test_native_answers_with_the_label_and_the_scores_of_python(
    offers_path: Path, tmp_path: Path, native: Native
) -> None:
    offers = Classifier.load(offers_path)
    asked = [*RECORDS[::20], RECORDS[-1]]
    expected = offers.predict(asked)
    # What the model itself gives, without calibration: what a device reads from LiteRT.
    raw = Classifier.load(resealed(offers_path, tmp_path / "raw.tflite", lambda manifest: manifest.pop("calibration")))
    windows = []
    for record in asked:
        rows = raw.tokenizer.cut(record["review"], "windows", 3)
        others = {name: value for part in kinds.table(raw.manifest.inputs or ())
                  for name, value in part.encode(record.get(part.column)).items()}  # fmt: skip
        windows.append([scores.tolist() for scores in raw._run(*raw.tokenizer.rows(rows), None, others)])
    done = native("answers", offers_path, lines=[json.dumps(row) for row in windows])
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for line, answer in zip(lines, expected, strict=True):
        label, *scores = line.split(" ")
        assert label == answer.label
        np.testing.assert_allclose([float(score) for score in scores], list(answer.scores.values()), atol=1e-6)


def test_native_decides_to_the_last_bit_of_a_threshold(bundle_path: Path, tmp_path: Path, native: Native) -> None:
    labels = ("ham", "spam")
    for threshold in (0.3, 1 / 3):
        decision = {"label": "spam", "threshold": threshold}

        def decided(manifest: dict[str, Any], decision: dict[str, Any] = decision) -> None:
            manifest |= {"labels": list(labels), "decision": decision}

        bundle = resealed(bundle_path, tmp_path / "decided.tflite", decided, labels=("labels.txt", "ham\nspam\n"))
        at = np.float32(threshold)
        scores = [np.nextafter(at, np.float32(0)), at, np.nextafter(at, np.float32(1))]
        rows = [np.array([1 - score, score], np.float32) for score in scores]
        lines = native("answers", bundle, lines=[json.dumps([row.tolist()]) for row in rows]).stdout.splitlines()
        assert [line.split(" ")[0] for line in lines] == [labels[answered(row, labels, decision)] for row in rows]


def test_native_gives_the_ids_of_python(bundle_path: Path, classifier: Classifier, native: Native) -> None:
    texts: list[bytes] = []
    for line in UGLY.read_text("ascii").splitlines():
        record = json.loads(line)
        if "bytes" in record:
            texts.append(bytes.fromhex(record["bytes"]))
        else:
            texts.append((record["text"] * record.get("times", 1)).encode("utf-8", "surrogatepass"))
    tokenizer = classifier.tokenizer
    cuts: list[LongText] = ["head", "head_tail", "windows"]
    for how in cuts:
        rows = native("ids", bundle_path, how, "3", lines=[text.hex() for text in texts]).stdout.splitlines()
        assert len(rows) == len(texts) >= 300
        for text, row in zip(texts, rows, strict=True):
            ids = tokenizer.rows(tokenizer.cut(text.decode("utf-8", "replace"), how, 3))[0]
            assert [int(number) for number in row.split()] == ids.ravel().tolist(), (how, text[:60])


@pytest.fixture(scope="module")
def unigram_path(pieces_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with the whole committed table of pieces and a window for long texts."""
    target = tmp_path_factory.mktemp("unigram") / "model.tflite"
    pieces = ("pieces.tsv", (UNIGRAM / "pieces.tsv").read_text("utf-8"))
    return resealed(pieces_path, target, lambda said: said.update({"sequence_length": LENGTH}), vocabulary=pieces)


@pytest.fixture(scope="module")
def wordpiece_path(bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wordpiece") / "model.tflite"
    return resealed(bundle_path, target, lambda said: said.update({"sequence_length": LENGTH}))


def odd_texts() -> list[str]:
    """Every code point by itself between spaces, and mixtures of what can be put together.

    Of the planes that Unicode has not begun, every 31st: all with EDGELINE_EVERY_CODE_POINT=1.
    """
    step = 1 if os.environ.get("EDGELINE_EVERY_CODE_POINT") else 31
    ranges = (range(0xD800), range(0xE000, 0x40000), range(0x40000, 0xE0000, step), range(0xE0000, 0x110000))
    points = [chr(point) for some in ranges for point in some]
    mixtures = []
    chance = random.Random(18)
    sources = [source for source, _ in nmt_nfkc().rules()]
    parts = sorted({c for source in sources if len(source) > 1 for c in source} - set(map(chr, range(0xAC00, 0xD7A4))))
    around_jamo = (range(0x10FE, 0x1116), range(0x115F, 0x1179), range(0x11A5, 0x11C6))
    jamo = [chr(point) for some in around_jamo for point in some]
    for pool in (parts, jamo, [*jamo, "\uac00", "\uac01", "\ud788"], [*parts[:60], *"ab ~!▁\u3000"]):
        mixtures += ["".join(chance.choices(pool, k=chance.randrange(1, 40))) for _ in range(400)]
    mixtures += ["".join(chance.choices(sources, k=20)) for _ in range(400)]
    whole = [(points, BATCH), (mixtures, BATCH // 40)]  # few long texts: each takes a row of the window's length
    texts = [" ".join(some[first : first + most]) for some, most in whole for first in range(0, len(some), most)]
    return [*texts, "~" * 4000, "好" * 3000 + "!"]


@pytest.mark.parametrize("kind", ["unigram", "wordpiece"])
def test_ids_are_equal_on_all_code_points(
    kind: str, unigram_path: Path, wordpiece_path: Path, vocabulary: list[str], tmp_path: Path, native: Native
) -> None:
    bundle = unigram_path if kind == "unigram" else wordpiece_path
    pieces = (UNIGRAM / "pieces.tsv").read_text("utf-8").split("\n")[:-1]
    tokenizer: Rows = Unigram(pieces, LENGTH) if kind == "unigram" else Tokenizer(vocabulary, LENGTH)
    texts = odd_texts()
    expected = [[int(number) for number in tokenizer.encode([text])[0][0]] for text in texts]
    assert all(row[-1] == expected[0][-1] for row in expected[1:]), "the window is long enough for each"
    in_page = in_node(tmp_path, {kind: bundle}, {kind: texts})[kind]
    in_native = native("ids", bundle, "head", "1", lines=[text.encode().hex() for text in texts]).stdout.splitlines()
    for text, wanted, page, line in zip(texts, expected, in_page, in_native, strict=True):
        assert page["ids"] == [wanted], text[:80]
        assert [int(number) for number in line.split()] == wanted, text[:80]


def test_unigram_gives_the_committed_ids(unigram_path: Path, tmp_path: Path, native: Native) -> None:
    vectors = [json.loads(line) for line in (UNIGRAM / "vectors.jsonl").read_text("ascii").splitlines()]
    asked = [vector for vector in vectors if vector["text"]]  # a classifier takes no empty text
    in_page = in_node(tmp_path, {"vectors": unigram_path}, {"vectors": [vector["text"] for vector in asked]})["vectors"]
    lines = native("ids", unigram_path, "head", "1", lines=[vector["text"].encode().hex() for vector in vectors]).stdout
    rest = iter(in_page)
    for vector, line in zip(vectors, lines.splitlines(), strict=True):
        wanted = [0, *vector["ids"], 2]
        wanted += [1] * (LENGTH - len(wanted))
        assert [int(number) for number in line.split()] == wanted, vector["text"]
        assert not vector["text"] or next(rest)["ids"] == [wanted], vector["text"]


def of_input(number: int, **changes: Any) -> Callable[[dict[str, Any]], object]:
    return lambda manifest: manifest["inputs"][number].update(changes)


def without(number: int, field: str) -> Callable[[dict[str, Any]], object]:
    return lambda manifest: manifest["inputs"][number].pop(field)


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "smell": (of_input(0, kind="smell"), "the input price is of kind smell"),
    "prototype": (of_input(0, kind="constructor"), "the input price is of kind constructor"),
    "rank": (lambda manifest: manifest["target"].update(kind="rank"), "target"),
    "number": (lambda manifest: manifest["target"].update(kind="number"), "target"),
    "another output": (lambda manifest: manifest["target"].update(output="number"), "output"),
    "another decision": (lambda manifest: manifest.update(decision={"label": "good", "threshold": 0.5}), "decision"),
    "no mean": (without(0, "mean"), "says nothing of its mean"),
    "no values": (without(2, "values"), "says nothing of its values"),
    "zero": (of_input(0, factor=1e-60), "scaled"),
    "beyond float32": (of_input(0, mean=1e60), "scaled"),
    "tokenizer": (of_input(1, tokenizer={**SPEC, "kind": "bpe"}), "tokenizer"),
    "its ids": (of_input(1, tokenizer={**SPEC, "pad": 7}), "tokenizer"),
    "another member": (of_input(1, tokenizer=SPEC), "pieces.tsv|nmt-nfkc"),
    "another table": (of_input(1, normalization={"name": "nfd", "version": 1}), "normalises text by nfd"),
    "tensors": (of_input(1, kind="category", values=[]), "tensor"),
    "two texts": (of_input(0, kind="text"), "2 inputs of kind text|several inputs of kind text"),
}


def test_what_a_reader_does_not_know_is_refused_by_name(offers_path: Path, tmp_path: Path, native: Native) -> None:
    bundles = {
        name: resealed(offers_path, tmp_path / f"{name}.tflite", change) for name, (change, _) in REFUSED.items()
    }
    in_pages = in_node(tmp_path, bundles, {})
    for name, (_, says) in REFUSED.items():
        done = native("records", bundles[name], lines=[])
        assert done.returncode == 1, name
        for told in (in_pages[name], done.stderr):
            assert any(part in told for part in says.split("|")), (name, told)
    newer = archive.split(offers_path.read_bytes())
    later = tmp_path / "later.tflite"
    later.write_bytes(archive.append(offers_path.read_bytes()[: newer[0]], newer[1], 3))
    assert "format version 3, this page reads 1 and 2" in in_node(tmp_path, {"later": later}, {})["later"]
    assert "format version 1 or 2" in native("records", later, lines=[]).stderr
