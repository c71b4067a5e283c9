"""Regenerates `pieces.tsv` and `vectors.jsonl`: a small table of pieces, and texts with their ids by TensorFlow Text.

The pieces are those that multilingual-e5-small has for the texts, and what these can be split into. Every tokenizer of
Unigram is tested with the two files: Python, JavaScript, C++, Kotlin. Run in the pipeline's environment, from the
repository's root: `python -m edge.tests.data.unigram.make_vectors`.
"""

from __future__ import annotations

import json
import random
import unicodedata
from pathlib import Path

import modules  # noqa: F401
from modules.network.backbones.multilingual.model_file import ModelFile
from modules.network.backbones.multilingual.source import MODEL, SOURCE
from modules.text import unigram

import tensorflow as tf

from edgeline_edge.normalization import nmt_nfkc
from edgeline_edge.pieces import SPECIAL_PIECES, written

HERE = Path(__file__).parent
TEXTS = [
    "Hello, world! This film is not as bad as they say.",
    "这家酒店非常好，下次还来。房间很干净，服务也不错！",
    "這家酒店的服務很差，我不會再來了。",
    "Das Zimmer war sauber, aber das Frühstück schmeckte überhaupt nicht. Größe: 3½ m²",
    "L'hôtel était très agréable, mais l'accueil laissait à désirer…",
    "Отличный отель, но завтрак был ужасный.",
    "الفندق نظيف والخدمة ممتازة، شكرا لكم",
    "होटल बहुत अच्छा था, लेकिन खाना ठीक नहीं था।",
    "ホテルはとても綺麗でした。ｶﾞｲﾄﾞさんも親切です。",
    "호텔이 정말 좋았어요. 다시 가고 싶습니다!",
    "โรงแรมสะอาดมาก แต่อาหารไม่อร่อย",
    "Khách sạn rất tốt, nhưng bữa sáng không ngon.",
    "Ξενοδοχείο καθαρό, αλλά το πρωινό όχι.",
    "Great!!! 😀👍🏽👨‍👩‍👧 10/10 ❤️",
]
ODD = [
    "",
    " ",
    "\u3000\t\n",
    "a",
    "  two   blanks  ",
    "~~~~~~",
    "~" * 31,
    "!!!!!!!!!!!!! ?????? ......",
    "<s> </s> <pad> <unk> <mask>",
    "▁▁a▁b▁",
    "\x01\x02",
    "\x01 a\x7fb",
    "a\x00b",
    "a\ufffdb\ufeff",
    "¨ a¨ ´b",
    "Ｆｕｌｌ　ｗｉｄｔｈ～ ﬁ ㎏ Ⅷ ①",
    "𝕏𝕐 a𝕏b 𐎀𐎁𐎂 𐎀 𐎁",
    "e\u0301 a\u0302\u0323 a\u0323\u0302 e\u0323\u0301 x\u0301 \u0301",
    "\u1112\u1161\u11ab\u1100\u116e\u11a8 \ud55c\u11ab \ud558\u11ab \u1161\u11ab \u1112",
    "ﾊﾟﾋﾟ か\u3099 ﾞ",
    "zero\u200bwidth\u200djoiner soft\xadhyphen",
    "Ω K Å \u212b \u2126",
]


def texts() -> list[str]:
    """The texts: sentences, decomposed ones, odd ones, and mixtures of all."""
    chance = random.Random(5)
    found = [*TEXTS, *(unicodedata.normalize("NFD", text) for text in TEXTS), *ODD]
    letters = sorted({character for text in found for character in text})
    for _ in range(150):
        found.append("".join(chance.choices(letters, k=chance.randrange(1, 30))))
    for _ in range(100):
        words = [word for text in chance.choices(found, k=4) for word in text.split(" ")]
        found.append(" ".join(chance.sample(words, min(len(words), chance.randrange(1, 12)))))
    return list(dict.fromkeys(found))


def table(found: list[str]) -> list[str]:
    """Special pieces, those of the texts, and most of what their first half can be split into."""
    pieces = ModelFile(SOURCE.file(MODEL)).pieces
    whole = [written(piece, score) for piece, score in pieces]
    used = {number for row in unigram.pieces(tf.constant(found[: len(TEXTS)]), whole).to_list() for number in row}
    parts = {nmt_nfkc().apply(text).replace(" ", "▁") for text in found[: len(TEXTS) + len(ODD)]}
    some = {
        number
        for number, (piece, _) in enumerate(pieces)
        if len(piece) < 4 and number % 3 and any(piece in part for part in parts)
    }
    some |= {number for number, (piece, _) in enumerate(pieces) if len(piece) == 1 and piece.isascii()}
    same = {number for number, (piece, _) in enumerate(pieces) if len(piece) > 1 and set(piece) <= set("~!?.▁")}
    kept = sorted({*range(len(SPECIAL_PIECES)), *used, *some, *same})
    return [whole[number] for number in kept]


if __name__ == "__main__":
    rows = texts()
    lines = table(rows)
    ids = unigram.pieces(tf.constant([row.encode() for row in rows]), lines).to_list()
    (HERE / "pieces.tsv").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    vectors = [json.dumps({"text": row, "ids": found}) for row, found in zip(rows, ids, strict=True)]
    (HERE / "vectors.jsonl").write_text("\n".join([*vectors, ""]), encoding="ascii")
    print(f"{len(lines)} pieces, {len(rows)} texts")
