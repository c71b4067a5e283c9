"""Unlabelled variations of training texts, for a teacher to label: a student that sees more texts learns more of it.

A teacher has an opinion on any text, so a distilled student need not be limited to the texts that people labelled
(Jiao et al., 2020, TinyBERT, https://arxiv.org/abs/1909.10351, section 4.2). The variations need no other model: words
are dropped, words are replaced by words of other training texts, and halves of two texts are joined. They are made
from the training split alone, so nothing of another split can leak, and no token appears that the split does not hold.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from modules.rows.transformed import Examples
from modules.text.features import PADDING_MASK, TOKEN_IDS
from modules.text.tokenization import END, PAD, START, special_ids
from modules.text.vocabulary import begin_units

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]


def augment(
    examples: Examples,
    vocabulary: Sequence[str],
    *,
    copies: int,
    unanswered: float = -1,
    drop: float = 0.1,
    replace: float = 0.1,
    join: float = 0.3,
    seed: int = 0,
) -> Examples:
    """Makes variations of every row: the role `unlabelled`, see `modules.inputs.roles`.

    Args:
        examples: rows `[CLS] … [SEP]`, in the ids of `vocabulary`; what other inputs say of a row stays with it.
        vocabulary: tokens in id order.
        copies: variations of each row.
        unanswered: the answer of a row that has none.
        drop: share of words that are left out.
        replace: share of words that another text's word takes the place of.
        join: share of variations whose second half is that of another text.
        seed: of all choices.

    Returns:
        `copies * len(examples)` rows with the answer `unanswered`.
    """
    rng = np.random.default_rng([seed, 7])
    begins = begin_units(vocabulary)
    start, end, pad = (special_ids(vocabulary)[token] for token in (START, END, PAD))
    rows = examples.features[TOKEN_IDS]
    words = [_words(ids[1 : length - 1], begins) for ids, length in zip(rows, examples.lengths, strict=True)]
    pool = [word for text in words for word in text]
    width = rows.shape[1]
    ids = np.full((copies * len(words), width), pad, np.int32)
    mask = np.zeros_like(ids)
    for number in range(len(ids)):
        text = words[number % len(words)]
        if rng.random() < join:
            other = words[int(rng.integers(len(words)))]
            text = [*text[: (len(text) + 1) // 2], *other[len(other) // 2 :]]
        kept = _varied(text, pool, rng, drop=drop, replace=replace)
        body = np.concatenate(kept)[: width - 2] if kept else np.zeros(0, np.int32)
        ids[number, : len(body) + 2] = [start, *body, end]
        mask[number, : len(body) + 2] = 1
    varied = examples.take(np.arange(len(ids)) % max(len(words), 1)).changed(**{TOKEN_IDS: ids, PADDING_MASK: mask})
    return dataclasses.replace(varied, labels=np.full_like(varied.labels, unanswered))


def _words(ids: Ints, begins: NDArray[np.bool_]) -> list[Ints]:
    """Splits a text before each piece that begins a word; one of a script without spaces is a word of its own."""
    if not len(ids):
        return []
    return np.split(ids, np.flatnonzero(begins[ids[1:]]) + 1)


def _varied(text: list[Ints], pool: list[Ints], rng: np.random.Generator, *, drop: float, replace: float) -> list[Ints]:
    chance = rng.random(len(text))
    others = rng.integers(max(len(pool), 1), size=len(text))
    varied = [
        pool[others[place]] if chance[place] < drop + replace else word
        for place, word in enumerate(text)
        if chance[place] >= drop
    ]
    return varied or text[:1]
