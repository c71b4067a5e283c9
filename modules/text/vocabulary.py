"""Removes words that the training data never uses from a WordPiece vocabulary, without making anything unknown.

On a small encoder the token embedding is most of the weights, and most of its rows belong to words that a task's texts
do not contain. What stays is every token of the training split and a floor: special tokens, single characters, and
pieces that continue a word.

What this does to a text: WordPiece takes the longest token that matches, again and again. All tokens of a training
text stay, so its longest matches stay, and its ids map one to one. In another text, a word whose token went is split
into shorter pieces that stayed (`thermostat` -> `thermo ##stat`), as it would be if it were rarer; at worst into single
characters. It becomes `[UNK]` only if a character has no token of its own, which `Trimmed.uncovered` lists (for BERT's
uncased vocabulary: none). What that costs is not assumed but measured, on held-out text, by EdgeEvaluator.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable, Sequence
from typing import Literal

from modules.text.segments import spaceless
from modules.text.tokenization import END, MAX_WORD_BYTES, SPECIAL_TOKENS, SUFFIX, UNKNOWN
from modules.text.unigram import begins_unit

import numpy as np
from numpy.typing import NDArray

from edgeline_edge.pieces import is_table

Continuations = Literal["all", "seen"]
# Places that BERT's vocabulary keeps free. No text gives them: its brackets are tokens of their own.
_PLACEHOLDER = re.compile(r"\[unused\d+\]")


@dataclasses.dataclass(frozen=True)
class Trimmed:
    """A smaller vocabulary.

    Attributes:
        tokens: in the order of their new ids: special tokens first, then the more frequent before the less, so that
            rare ones can be stored together; equal ones in their old order.
        kept: old id of each new id, int64 `[new]`.
        mapping: new id of each old id, -1 where the token went, int32 `[old]`.
        uncovered: characters of the old vocabulary that have no single token to fall back on, in either position.
    """

    tokens: list[str]
    kept: NDArray[np.int64]
    mapping: NDArray[np.int32]
    uncovered: list[str]


def trim(
    vocabulary: Sequence[str],
    counts: NDArray[np.integer],
    *,
    min_count: int = 1,
    continuations: Continuations = "all",
) -> Trimmed:
    """Chooses the tokens that stay.

    Args:
        vocabulary: tokens in id order.
        counts: occurrences of each token in the training split, int `[vocabulary]`.
        min_count: a word of the training split must occur this often to stay. Above 1, training texts with rarer
            words change their ids; 0 keeps all but the placeholders that no text can give.
        continuations: `all` keeps every piece that continues a word, so that unseen words are split into few pieces;
            `seen` keeps those of the training split and single characters only.

    Returns:
        The smaller vocabulary.

    Raises:
        ValueError: `counts` does not have one entry per token.
    """
    if len(counts) != len(vocabulary):
        raise ValueError(f"{len(counts)} counts for {len(vocabulary)} tokens.")
    counts = np.asarray(counts)
    keep = counts >= min_count
    for index, token in enumerate(vocabulary):
        body = token.removeprefix(SUFFIX)
        continues = token.startswith(SUFFIX) and bool(body)
        if token in SPECIAL_TOKENS or len(body) == 1 or (continues and continuations == "all"):
            keep[index] = True
        elif _PLACEHOLDER.fullmatch(token):
            keep[index] = False
    kept = np.flatnonzero(keep)
    ordinary = np.array([vocabulary[index] not in SPECIAL_TOKENS for index in kept.tolist()])
    kept = kept[np.lexsort((kept, -counts[kept] * ordinary, ordinary))]
    mapping = np.full(len(vocabulary), -1, np.int32)
    mapping[kept] = np.arange(len(kept), dtype=np.int32)
    return Trimmed([vocabulary[index] for index in kept.tolist()], kept, mapping, _uncovered(vocabulary))


def begin_units(vocabulary: Sequence[str]) -> NDArray[np.bool_]:
    """Of each token, whether it begins a unit: a word, or a piece of a script that is written without spaces.

    Args:
        vocabulary: in id order, tokens of WordPiece or a table of pieces.

    Returns:
        bool `[vocabulary]`.
    """
    if is_table(vocabulary):
        return np.array([begins_unit(line.partition("\t")[0]) for line in vocabulary])
    return np.array([token == SUFFIX or not token.startswith(SUFFIX) or spaceless(token) > 0 for token in vocabulary])


def count_tokens(token_ids: NDArray[np.integer], padding_mask: NDArray[np.integer], size: int) -> NDArray[np.int64]:
    """Occurrences of each token: ids and mask `[rows, seq]` -> int64 `[size]`."""
    return np.bincount(token_ids[padding_mask > 0], minlength=size)


class Retokenizer:
    """Turns ids of a large vocabulary into the ids that its smaller one gives to the same text.

    Words are put together again from their pieces, and split anew where a piece has gone. Exact for texts that fitted
    the window; a word that was cut at its end is treated as if it ended there, and a row that grows beyond it is cut
    there, whatever it has of its text (`long_text`). Rows of the training split grow with `min_count` above 1 alone.

    Args:
        old: tokens in the order of the ids that come in.
        new: tokens in the order of the ids that go out; a subset of `old`.

    Raises:
        ValueError: `new` has tokens that `old` lacks, or lacks a special token.
    """

    def __init__(self, old: Sequence[str], new: Sequence[str]) -> None:
        self._old = list(old)
        self._new = {token: index for index, token in enumerate(new)}
        if not set(new) <= set(old) or not set(SPECIAL_TOKENS) <= set(new):
            raise ValueError("the smaller vocabulary must hold the special tokens, and only tokens of the larger one.")
        self._mapping = np.array([self._new.get(token, -1) for token in old], np.int32)
        self._split = functools.lru_cache(maxsize=100_000)(self._split_uncached)

    def __call__(
        self, token_ids: NDArray[np.int32], padding_mask: NDArray[np.int32]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Maps a batch: ids and mask, int32 `[rows, seq]` each, to ids and mask of the same shape."""
        out = self._mapping[token_ids]
        mask = padding_mask.copy()
        for row in np.flatnonzero(((out < 0) & (padding_mask > 0)).any(axis=1)):
            ids = self._row(token_ids[row][padding_mask[row] > 0])
            length = min(len(ids), out.shape[1])
            out[row], mask[row] = 0, 0
            out[row, :length], mask[row, :length] = ids[:length], 1
            # A text that grew beyond the window is cut as Transform would cut it: its end token stays.
            out[row, length - 1] = self._new[END]
        # What padding holds does not matter to the network, but must be a row of the embedding.
        out[mask == 0] = self._new[SPECIAL_TOKENS[0]]
        return out, mask

    def _row(self, ids: NDArray[np.int32]) -> list[int]:
        result: list[int] = []
        word: list[str] = []
        for token in [*(self._old[index] for index in ids), ""]:
            if token.startswith(SUFFIX) and len(token) > len(SUFFIX) and word:
                word.append(token)
                continue
            if word:
                result.extend(self._split(tuple(word)))
            word = [token]
        return result

    def _split_uncached(self, pieces: tuple[str, ...]) -> list[int]:
        if all(piece in self._new for piece in pieces):
            return [self._new[piece] for piece in pieces]
        word = pieces[0] + "".join(piece.removeprefix(SUFFIX) for piece in pieces[1:])
        return [self._new[piece] for piece in split_word(word, self._new)]


def split_word(word: str, vocabulary: Iterable[str]) -> list[str]:
    """Greedy longest-match-first splitting of one word (Schuster and Nakajima, 2012; BERT's variant of it).

    Args:
        word: one normalised word.
        vocabulary: a set or mapping of tokens.

    Returns:
        The pieces, or `[UNK]` alone if a part of the word matches nothing.
    """
    if len(word.encode()) > MAX_WORD_BYTES:
        return [UNKNOWN]
    pieces: list[str] = []
    start = 0
    while start < len(word):
        prefix = SUFFIX if start else ""
        end = next((end for end in range(len(word), start, -1) if prefix + word[start:end] in vocabulary), None)
        if end is None:
            return [UNKNOWN]
        pieces.append(prefix + word[start:end])
        start = end
    return pieces


def _uncovered(vocabulary: Sequence[str]) -> list[str]:
    """Characters that occur in tokens of the vocabulary, at a place in a word where no single-character token fits."""
    tokens = set(vocabulary)
    missing: set[str] = set()
    for token in vocabulary:
        if token in SPECIAL_TOKENS or (token.startswith("[") and token.endswith("]") and len(token) > 2):
            continue  # "[unused7]" is one name, not a word of the language
        continues = token.startswith(SUFFIX) and len(token) > len(SUFFIX)
        body = token.removeprefix(SUFFIX) if continues else token
        first, rest = (body[:0], body) if continues else (body[:1], body[1:])
        missing.update(first if first and first not in tokens else "")
        missing.update(character for character in rest if SUFFIX + character not in tokens)
    return sorted(missing)
