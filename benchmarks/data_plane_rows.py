"""Rows of any number for the benchmark of the data plane: the same rows for the same number and seed.

What a file holds decides what the nodes cost, so it looks like the default data set: words by Zipf's law, of a length
that is log-normal with a mean of 17 words, a few copies and near copies, HTML entities, punctuation and capitals.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

COLUMNS = ("text", "label", "source")
SOURCES = ("amazon", "movie", "nyt", "tweet")
DUPLICATES = 0.01  # share of rows that repeat an earlier text letter by letter
NEAR_DUPLICATES = 0.01  # share that repeat one with its last word replaced
ENTITIES = 0.01  # share that hold an HTML entity; of the default data set it is 1 %
_CHUNK = 10_000
_LENGTH = (2.62, 0.65)  # mean and deviation of the logarithm of the number of words: 17 on average
_LONGEST = 120
_FLAVOURS = {"negative": ("bad", "boring", "poor", "awful"), "positive": ("good", "great", "fine", "lovely")}
_ENDS = (".", ".", ".", "!", "?", "...", "")


def write(path: Path, rows: int, vocabulary: Sequence[str], *, seed: int = 11) -> int:
    """Writes a CSV file with the columns text, label and source.

    Args:
        path: where to; the file is complete or not there.
        rows: how many, header not counted.
        vocabulary: WordPiece tokens, the more frequent first, as BERT's are.
        seed: of everything random.

    Returns:
        Bytes written.
    """
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        for chunk in _chunks(rows, vocabulary, seed):
            writer.writerows(chunk)
    os.replace(partial, path)
    return path.stat().st_size


def words_of(vocabulary: Sequence[str]) -> list[str]:
    """The tokens that are whole words of two letters or more, in their order."""
    return [token for token in vocabulary if len(token) > 1 and token.isalpha()]


def _chunks(rows: int, vocabulary: Sequence[str], seed: int) -> Iterator[list[tuple[str, str, str]]]:
    words = np.array(words_of(vocabulary), dtype=object)
    ranks = np.arange(len(words)) + 2.7  # Mandelbrot's shift: the first words are less dominant than Zipf says
    cumulated = np.cumsum(1.0 / ranks)
    cumulated /= cumulated[-1]
    previous: list[str] = []
    for start in range(0, rows, _CHUNK):
        chance = np.random.default_rng([seed, start])
        count = min(_CHUNK, rows - start)
        texts, labels = _texts(chance, count, words, cumulated)
        kind = chance.random(count)
        sources = chance.choice(SOURCES, count, p=(0.2, 0.42, 0.2, 0.18))
        for row in np.flatnonzero(kind < DUPLICATES + NEAR_DUPLICATES + ENTITIES):
            if kind[row] >= DUPLICATES + NEAR_DUPLICATES:
                texts[row] = texts[row].replace(" ", " &amp; ", 1) + " &#39;" + labels[row] + "&#39;"
            elif previous:
                text = previous[int(chance.integers(len(previous)))]
                texts[row] = text if kind[row] < DUPLICATES else f"{text.rpartition(' ')[0]} {labels[row]}"
        previous = texts
        yield list(zip(texts, labels, sources.tolist(), strict=True))


def _texts(
    chance: np.random.Generator, count: int, words: np.ndarray, cumulated: np.ndarray
) -> tuple[list[str], list[str]]:
    lengths = np.clip(np.exp(chance.normal(*_LENGTH, count)), 3, _LONGEST).astype(int)
    drawn = words[np.searchsorted(cumulated, chance.random(int(lengths.sum())))]
    labels = chance.choice(sorted(_FLAVOURS), count).tolist()
    ends, places = chance.integers(len(_ENDS), size=count), np.cumsum(lengths)
    telling, where = chance.integers(4, size=count), chance.random(count)  # one draw for all rows: a draw each is slow
    texts = []
    for row, (label, end) in enumerate(zip(labels, places, strict=True)):
        text = drawn[end - lengths[row] : end].tolist()
        text[int(where[row] * len(text))] = _FLAVOURS[label][telling[row]]
        if len(text) > 12:
            text[len(text) // 2] += ","
        texts.append(" ".join(text).capitalize() + _ENDS[ends[row]])
    return texts, labels
