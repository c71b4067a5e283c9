"""N-grams of words and of characters, and the table beside them, which the linear models learn from; within bounds.

Characters are what languages need that put no spaces between words, and what typing errors need everywhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from modules.machine.progress import tell
from modules.rows.raw import RawSplit

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

LONGEST = 4_000  # characters of a text that are looked at
COMPARED = 4_000_000  # characters of the rows that candidates are compared on
LEARNT = 20_000_000  # characters of the rows that the winner learns from: about 2 GB of memory
FEATURES = {"words": 200_000, "characters": 400_000}  # at most, the most frequent ones
TABLE = "table"
KINDS = (*FEATURES, TABLE)
SHOWN = {
    "words": "words (1-2-grams)",
    "characters": "characters within words (1-5-grams)",
    TABLE: "the table's columns",
}
_RARE_ROWS = 1_000  # with fewer rows than that, an n-gram that occurs once counts as well


class Columns(Protocol):
    """What makes columns of rows."""

    def transform(self, rows: RawSplit) -> Any:
        """A sparse matrix `[rows, columns]`."""


class _Table:
    def transform(self, rows: RawSplit) -> Any:
        return rows.table


@dataclasses.dataclass(frozen=True)
class _Ngrams:
    vectorizer: TfidfVectorizer

    def transform(self, rows: RawSplit) -> Any:
        return self.vectorizer.transform([text[:LONGEST] for text in rows.texts])


def available(kinds: Sequence[str], made: Mapping[str, Columns]) -> tuple[str, ...] | None:
    """What a candidate reads of these rows: its n-grams, where rows have texts, and the table, where they have one.

    Args:
        kinds: n-grams that it wants.
        made: what `features` gave.

    Returns:
        Kinds of `made`; None where the texts hold no such n-grams.
    """
    of_texts = [kind for kind in FEATURES if kind in made]
    if of_texts and not set(kinds) <= set(of_texts):
        return None
    return (*(kinds if of_texts else ()), *([TABLE] if TABLE in made else []))


def told(kinds: Sequence[str]) -> str:
    """What a linear model reads, in words."""
    return " and ".join(SHOWN[kind] for kind in kinds)


def model(what: str, kinds: Sequence[str]) -> str:
    """What a linear model is, in words.

    Args:
        what: it reads, and how it answers.
        kinds: that it reads.
    """
    return f"{'' if tuple(kinds) == (TABLE,) else 'TF-IDF of '}{what}, scikit-learn"


def features(kinds: Iterable[str], rows: RawSplit) -> tuple[dict[str, Columns], dict[str, Any]]:
    """Fits the n-grams; those of which the texts hold none (words, in texts of signs alone) are left out.

    Args:
        kinds: of `KINDS`.
        rows: of the train split, their texts cut to what is looked at.

    Returns:
        By kind, what makes columns of rows, and the sparse matrix of these rows, `[rows, columns]`.

    Raises:
        ValueError: the texts hold no n-grams at all, and there is no table.
    """
    made: dict[str, Columns] = {}
    matrices: dict[str, Any] = {}
    texts = rows.texts
    for kind in kinds:
        if kind == TABLE:
            if rows.table is not None:
                made[kind], matrices[kind] = _Table(), rows.table
            continue
        if not rows.has_texts:
            continue
        vectorizer = TfidfVectorizer(
            analyzer="word" if kind == "words" else "char_wb",
            ngram_range=(1, 2) if kind == "words" else (1, 5),
            sublinear_tf=True,
            min_df=2 if len(texts) >= _RARE_ROWS else 1,
            max_features=FEATURES[kind],
            strip_accents="unicode",
        )
        try:
            matrices[kind] = vectorizer.fit_transform(texts)
        except ValueError as error:  # scikit-learn's word for an empty vocabulary
            tell(f"linear baseline: no {SHOWN[kind]}: {error}")
            continue
        made[kind] = _Ngrams(vectorizer)
    if not made:
        raise ValueError("linear baseline: the texts of the train split hold neither words nor characters")
    return made, matrices


def beside(matrices: Mapping[str, Any], kinds: Sequence[str]) -> Any:
    """The matrices of some kinds as one, `[texts, n-grams]`.

    Args:
        matrices: by kind.
        kinds: which, in this order.
    """
    return sparse.hstack([matrices[kind] for kind in kinds], format="csr")


def part(split: RawSplit, characters: int, seed: int) -> RawSplit:
    """The beginnings of texts, and no more of them than have so many characters together.

    Args:
        split: rows.
        characters: at most, but one text is always taken.
        seed: of the choice.

    Returns:
        The rows in their order, without slices.
    """
    texts = [text[:LONGEST] for text in split.texts]
    order = np.random.default_rng(seed).permutation(len(texts))
    lengths = np.array([len(texts[row]) for row in order], np.int64)
    fit = max(1, int(np.searchsorted(np.cumsum(lengths), characters, side="right")))
    rows = np.sort(order[:fit])
    cut = dataclasses.replace(split, texts=texts)
    return some(cut, rows)


def some(split: RawSplit, rows: Any) -> RawSplit:
    """Some rows of a split, without slices.

    Args:
        split: the rows.
        rows: their numbers, or a slice.
    """
    texts = [split.texts[row] for row in rows] if isinstance(rows, np.ndarray) else split.texts[rows]
    table = None if split.table is None else split.table[rows]
    return RawSplit(list(texts), split.labels[rows], {}, table=table, has_texts=split.has_texts)
