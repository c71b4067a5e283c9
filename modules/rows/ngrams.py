"""N-grams of words and of characters, which the linear models learn from; with bounds on time and memory.

Characters are what languages need that put no spaces between words, and what typing errors need everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from modules.machine.progress import tell
from modules.rows.raw import RawSplit

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

LONGEST = 4_000  # characters of a text that are looked at
COMPARED = 4_000_000  # characters of the rows that candidates are compared on
LEARNT = 20_000_000  # characters of the rows that the winner learns from: about 2 GB of memory
FEATURES = {"words": 200_000, "characters": 400_000}  # at most, the most frequent ones
SHOWN = {"words": "words (1-2-grams)", "characters": "characters within words (1-5-grams)"}
_RARE_ROWS = 1_000  # with fewer rows than that, an n-gram that occurs once counts as well


def features(kinds: Iterable[str], texts: Sequence[str]) -> tuple[dict[str, TfidfVectorizer], dict[str, Any]]:
    """Fits the n-grams; those of which the texts hold none (words, in texts of signs alone) are left out.

    Args:
        kinds: of `FEATURES`.
        texts: of the train split.

    Returns:
        By kind, what makes them of texts, and the sparse matrix of these texts, `[texts, n-grams]`.

    Raises:
        ValueError: the texts hold no n-grams at all.
    """
    made: dict[str, TfidfVectorizer] = {}
    matrices: dict[str, Any] = {}
    for kind in kinds:
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
        made[kind] = vectorizer
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
    return RawSplit([texts[row] for row in rows], split.labels[rows], {})
