"""What the texts are like: lengths, duplicates, near duplicates, languages, damage."""

from __future__ import annotations

import dataclasses
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from modules.text import languages

from pipeline.ingest import cleaning, duplicates, rows
from pipeline.profiling import token_counts
from pipeline.profiling.columns import spread
from pipeline.profiling.token_counts import Vocabulary

NEAR = 0.8  # similarity that counts as nearly equal, of `data.cleaning.near_duplicates`
_COMPARED = 20_000  # texts among which near duplicates are looked for
_COMPARED_CHARACTERS = 2_000_000  # of all of them together
_BEGINNING = 1_000  # characters of a text that near duplicates and damage are looked for in
_SAMPLED = 2_000  # texts whose tokens, language and damage are looked at
_WORD = re.compile(r"\w+|[^\w\s]")
_IDEOGRAPH = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")  # each is a word of its own
_LETTERS_A_PIECE = 6  # of a long word; the rest of the words are one token each
_SPECIAL = 2  # [CLS] and [SEP]


Item = TypeVar("Item")


@dataclasses.dataclass(frozen=True)
class Measured:
    """What texts are like.

    Attributes:
        found: JSON values; see `measure`.
        sample: texts, of which every one of the file had the same chance.
    """

    found: dict[str, Any]
    sample: list[str]


class Sample(Generic[Item]):
    """Items of a stream of unknown length, of which every one has the same chance to be kept: a reservoir."""

    def __init__(self, size: int, *, seed: int) -> None:
        """Args: `size`, how many are kept at most; `seed`, of the choice."""
        self._size, self._chance, self._seen = size, random.Random(seed), 0
        self.kept: list[Item] = []

    def add(self, item: Item) -> None:
        """Takes an item."""
        self._seen += 1
        if len(self.kept) < self._size:
            self.kept.append(item)
        elif (place := self._chance.randrange(self._seen)) < self._size:
            self.kept[place] = item


def measure(texts: Iterable[tuple[str, str]], vocabulary: Vocabulary | None = None) -> Measured:
    """Looks at all texts in one pass; what grows with their length is looked at in a sample, or at their beginning.

    Args:
        texts: text and label of each row; empty texts are passed over.
        vocabulary: to count tokens with; without one their number is estimated.

    Returns:
        `found` has `texts` (how many), `duplicates` (rows that repeat an earlier text), `conflicts` (texts with more
        than one label), `near_duplicates` (`{"threshold", "compared", "rows"}`), and from the sample `tokens` (their
        spread), `counted` (what `token_counts.measure` gave; None where they are estimated), `languages` (shares),
        `damaged` (share with mojibake or HTML entities) and `sampled`.
    """
    sample: Sample[str] = Sample(_SAMPLED, seed=0)
    first_label: dict[bytes, str] = {}
    conflicts: set[bytes] = set()
    compared: dict[str, duplicates.Candidate] = {}
    total = repeated = characters = 0
    for text, label in texts:
        if not text or text.isspace():
            continue
        total += 1
        key = bytes.fromhex(rows.text_hash(text))[:16]
        if key in first_label:
            repeated += 1
            if first_label[key] != label:
                conflicts.add(key)
        elif len(compared) < _COMPARED and characters < _COMPARED_CHARACTERS:
            beginning = rows.normalised(text[:_BEGINNING])
            characters += len(beginning)
            compared[key.hex()] = duplicates.Candidate(key.hex(), beginning, str(total))
        first_label.setdefault(key, sys.intern(label))
        sample.add(text)
    sampled = sample.kept
    damaged = sum(cleaning.repaired(text[:_BEGINNING]) != text[:_BEGINNING] for text in sampled)
    counted = token_counts.measure(sampled, vocabulary) if vocabulary else None
    found = {
        "texts": total,
        "tokens": counted["tokens"] if counted else spread(Counter(map(approximate_tokens, sampled))),
        "counted": counted,
        "duplicates": repeated,
        "conflicts": len(conflicts),
        "near_duplicates": {"threshold": NEAR, "compared": len(compared), "rows": _near(compared.values())},
        "languages": languages.shares(sampled),
        "damaged": round(damaged / max(len(sampled), 1), 4),
        "sampled": len(sampled),
    }
    return Measured(found, sampled)


def approximate_tokens(text: str) -> int:
    """About how many WordPiece tokens a text has, [CLS] and [SEP] included, where no vocabulary is at hand."""
    words = _WORD.findall(_IDEOGRAPH.sub(r" \g<0> ", text))
    return _SPECIAL + sum(1 + (len(word) - 1) // _LETTERS_A_PIECE // 2 for word in words)


def _near(candidates: Iterable[duplicates.Candidate]) -> int:
    """Rows that are nearly equal to another, found as the cleaning finds them."""
    buckets: dict[bytes, list[duplicates.Candidate]] = {}
    for candidate in candidates:
        for bucket in duplicates.buckets(candidate, NEAR):
            buckets.setdefault(bucket, []).append(candidate)
    found: set[str] = set()
    for group in buckets.values():
        # Texts that are alike meet in many buckets; where only the one that stays is left, nothing is to be found.
        if len({candidate.key for candidate in group} - found) > 1:
            found.update(key for key, _ in duplicates.losers(group, NEAR))
    return len(found)
