"""What the texts are like: lengths, duplicates, near duplicates, languages, damage."""

from __future__ import annotations

import random
import re
import sys
from collections import Counter
from collections.abc import Iterable
from typing import Any

from pipeline.ingest import cleaning, duplicates, rows
from pipeline.profiling.columns import spread

NEAR = 0.8  # similarity that counts as nearly equal, of `data.cleaning.near_duplicates`
_COMPARED = 20_000  # texts among which near duplicates are looked for
_SAMPLED = 2_000  # texts whose language and damage are looked at
_WORD = re.compile(r"\w+|[^\w\s]")
_LETTERS_A_PIECE = 6  # of a long word; the rest of the words are one token each
_SPECIAL = 2  # [CLS] and [SEP]


def measure(texts: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Looks at all texts in one pass.

    Args:
        texts: text and label of each row; empty texts are passed over.

    Returns:
        `texts` (how many), `tokens` (spread of approximate WordPiece tokens), `duplicates` (rows that repeat an
        earlier text), `conflicts` (texts with more than one label), `near_duplicates` (`{"threshold", "compared",
        "rows"}`), and from a sample `languages` (shares), `damaged` (share with mojibake or HTML entities) and
        `sampled`.
    """
    chance = random.Random(0)
    tokens: Counter[int] = Counter()
    first_label: dict[bytes, str] = {}
    conflicts: set[bytes] = set()
    sample: list[str] = []
    compared: dict[str, duplicates.Candidate] = {}
    total = repeated = 0
    for text, label in texts:
        if not text or text.isspace():
            continue
        total += 1
        tokens[approximate_tokens(text)] += 1
        key = bytes.fromhex(rows.text_hash(text))[:16]
        if key in first_label:
            repeated += 1
            if first_label[key] != label:
                conflicts.add(key)
        elif len(compared) < _COMPARED:
            compared[key.hex()] = duplicates.Candidate(key.hex(), rows.normalised(text), str(total))
        first_label.setdefault(key, sys.intern(label))
        if len(sample) < _SAMPLED:
            sample.append(text)
        elif (place := chance.randrange(total)) < _SAMPLED:  # reservoir: every text has the same chance
            sample[place] = text
    return {
        "texts": total,
        "tokens": spread(tokens),
        "duplicates": repeated,
        "conflicts": len(conflicts),
        "near_duplicates": {"threshold": NEAR, "compared": len(compared), "rows": _near(compared.values())},
        "languages": languages(sample),
        "damaged": round(sum(cleaning.repaired(text) != text for text in sample) / max(len(sample), 1), 4),
        "sampled": len(sample),
    }


def approximate_tokens(text: str) -> int:
    """About how many WordPiece tokens a text has, [CLS] and [SEP] included; no vocabulary is needed."""
    words = _WORD.findall(text)
    return _SPECIAL + sum(1 + (len(word) - 1) // _LETTERS_A_PIECE // 2 for word in words)


def languages(texts: list[str]) -> dict[str, float]:
    """The share of each language among texts, the most frequent first, as py3langid tells them; rare ones left out."""
    from py3langid import classify

    found = Counter(classify(text)[0] for text in texts)
    return {name: round(count / len(texts), 3) for name, count in found.most_common() if count / len(texts) >= 0.01}


def _near(candidates: Iterable[duplicates.Candidate]) -> int:
    """Rows that are nearly equal to another, found as the cleaning finds them."""
    buckets: dict[bytes, list[duplicates.Candidate]] = {}
    for candidate in candidates:
        for bucket in duplicates.buckets(candidate, NEAR):
            buckets.setdefault(bucket, []).append(candidate)
    return len({key for group in buckets.values() if len(group) > 1 for key, _ in duplicates.losers(group, NEAR)})
