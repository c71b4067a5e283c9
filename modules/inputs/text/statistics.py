"""What statistics by column cannot say about texts: lengths, words, unknown tokens; and how far two samples are apart.

A profile is a summary of a bounded sample, drawn by the hash of the texts, so that it depends neither on the order of
the rows nor on their number.
"""

from __future__ import annotations

import dataclasses
import hashlib
import heapq
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from modules.inputs.base import BackboneInput
from modules.inputs.distances import divergence, shares
from modules.inputs.profiles import Comparison, Distance
from modules.text import languages, tokenization

import numpy as np

CHARACTERS, TOKENS, UNKNOWN = "length_characters", "length_tokens", "unknown_token_rate"
VOCABULARY, LABELS = "vocabulary", "label_prior"
DIVERGENCE, NORM = "jensen_shannon_divergence", "infinity_norm"
DIFFERENCE, NEW_WORDS = "absolute_difference", "new_word_share"
_LONGEST = 512  # tokens that are counted of a text
_MOST_WORDS = 100_000
_TOLD = 5_000  # texts whose language is told
_BATCH = 512
_WORD = re.compile(r"[^\W_]+")


@dataclasses.dataclass(frozen=True)
class TextProfile:
    """A sample of texts, summarised.

    Attributes:
        rows: texts in all.
        sampled: texts in the sample.
        characters: texts by length in characters, in bins of half an octave.
        tokens: the same by length in tokens.
        unknown_token_rate: share of `[UNK]` among the tokens.
        words: occurrences of each word with a letter in it, case-folded; the most frequent ones.
        labels: rows by label, of all rows; empty where there are no labels.
        languages: shares of the sample's texts by language; empty in a profile that was made before they were told.
    """

    rows: int
    sampled: int
    characters: Mapping[str, int]
    tokens: Mapping[str, int]
    unknown_token_rate: float
    words: Mapping[str, int]
    labels: Mapping[str, int]
    languages: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def to_json(self) -> str:
        """As text."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> TextProfile:
        """Reads what `to_json` gave."""
        return cls(**json.loads(text))


def profile(
    rows: Iterable[tuple[bytes, str | None]], vocabulary: Sequence[str], *, sample: int, longest: int = _LONGEST
) -> TextProfile:
    """Summarises texts.

    Args:
        rows: text, UTF-8, and label or None.
        vocabulary: WordPiece tokens in id order.
        sample: most texts to look into; labels are counted of all.
        longest: tokens that are counted of a text.

    Returns:
        The profile, the same for the same rows in any order.
    """
    labels: Counter[str] = Counter()
    count = 0

    def keyed() -> Iterator[tuple[bytes, bytes]]:
        nonlocal count
        for text, label in rows:
            count += 1
            if label is not None:
                labels[label] += 1
            yield hashlib.blake2b(text, digest_size=16).digest(), text

    texts = [text for _, text in heapq.nsmallest(sample, keyed())]
    lengths, unknown = _tokens(texts, vocabulary, longest)
    decoded = [text.decode("utf-8", errors="replace") for text in texts]
    words = Counter(word for text in decoded for word in _words(text))
    return TextProfile(
        rows=count,
        sampled=len(texts),
        characters=_histogram(len(text) for text in decoded),
        tokens=_histogram(lengths),
        unknown_token_rate=unknown / max(1, sum(lengths)),
        words=dict(words.most_common(_MOST_WORDS)),
        labels=dict(labels),
        languages=languages.shares(decoded[:_TOLD]),
    )


def summarise(part: BackboneInput, file_patterns: Sequence[str], *, label: str | None, sample: int) -> TextProfile:
    """Summarises the texts of a split: the role `statistics`, see `modules.inputs.roles`.

    Args:
        part: the text.
        file_patterns: globs of raw examples.
        label: name of the label feature; None where there is none.
        sample: most texts to look into.
    """
    return profile(read_rows(file_patterns, text=part.column, label=label), part.vocabulary(), sample=sample)


def compare(now: str, before: str) -> Comparison:
    """Compares two profiles as they were written: the role `distances`, see `modules.inputs.roles`."""
    ours, theirs = TextProfile.from_json(now), TextProfile.from_json(before)
    return Comparison(min(ours.sampled, theirs.sampled), distances(ours, theirs))


def distances(now: TextProfile, before: TextProfile) -> list[Distance]:
    """How far a sample is from an earlier one, or training from serving.

    Args:
        now: the sample to judge.
        before: what it is compared with.

    Returns:
        The Jensen-Shannon divergence (base 2, 0 to 1) of both lengths, the absolute difference of the rates of unknown
        tokens, the share of word occurrences in `now` whose word `before` does not have, and, where both have labels,
        the largest difference of a label's share.
    """
    found = [
        Distance(CHARACTERS, DIVERGENCE, divergence(now.characters, before.characters)),
        Distance(TOKENS, DIVERGENCE, divergence(now.tokens, before.tokens)),
        Distance(UNKNOWN, DIFFERENCE, abs(now.unknown_token_rate - before.unknown_token_rate)),
        Distance(VOCABULARY, NEW_WORDS, _new_words(now.words, before.words)),
    ]
    if now.labels and before.labels:
        ours, theirs = shares(now.labels, before.labels)
        found.append(Distance(LABELS, NORM, float(np.abs(ours - theirs).max())))
    return found


def read_rows(file_patterns: Sequence[str], *, text: str, label: str | None) -> Iterator[tuple[bytes, str | None]]:
    """Reads the texts of raw examples.

    Args:
        file_patterns: globs of gzip-compressed TFRecord files of `tf.Example`.
        text: name of the text feature.
        label: name of the label feature; None where there is none.
    """
    import tensorflow as tf

    files = sorted(name for pattern in file_patterns for name in tf.io.gfile.glob(pattern))
    spec: dict[str, Any] = {name: tf.io.FixedLenFeature([], tf.string) for name in (text, label) if name}
    for batch in tf.data.TFRecordDataset(files, compression_type="GZIP").batch(1024):
        parsed = tf.io.parse_example(batch, spec)
        labels = [value.decode("utf-8") for value in parsed[label].numpy()] if label else [None] * len(batch)
        yield from zip(parsed[text].numpy(), labels, strict=True)


def _tokens(texts: Sequence[bytes], vocabulary: Sequence[str], longest: int) -> tuple[list[int], int]:
    """The number of tokens of each text without the special ones, and of unknown ones in all."""
    unknown_id = tokenization.special_ids(vocabulary)[tokenization.UNKNOWN]
    lengths: list[int] = []
    unknown = 0
    for start in range(0, len(texts), _BATCH):
        ids, mask = tokenization.wordpiece(list(texts[start : start + _BATCH]), vocabulary, longest)
        lengths += (mask.numpy().sum(axis=1) - 2).tolist()
        unknown += int((ids.numpy() == unknown_id).sum())
    return lengths, unknown


def _words(text: str) -> Iterator[str]:
    for word in _WORD.findall(text.casefold()):
        if not word.isdigit():
            yield word


def _histogram(lengths: Iterable[int]) -> dict[str, int]:
    """Bins of half an octave: few enough to be full, fine enough to see a shift."""
    return {str(bin_): count for bin_, count in Counter(round(2 * math.log2(1 + n)) for n in lengths).items()}


def _new_words(now: Mapping[str, int], before: Mapping[str, int]) -> float:
    total = sum(now.values())
    return sum(count for word, count in now.items() if word not in before) / total if total else 0.0
