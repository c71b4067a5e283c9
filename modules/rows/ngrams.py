"""What the linear models learn from: n-grams of words and of characters, and the columns beside a text.

Characters are what languages need that put no spaces between words, and what typing errors need everywhere. Time and
memory are bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from modules.machine.progress import tell
from modules.rows.columns import Columns
from modules.rows.raw import RawSplit

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

LONGEST = 4_000  # characters of a text that are looked at
COMPARED = 4_000_000  # characters of the rows that candidates are compared on
LEARNT = 20_000_000  # characters of the rows that the winner learns from: about 2 GB of memory
FEATURES = {"words": 200_000, "characters": 400_000}  # at most, the most frequent ones
COLUMNS = "columns"  # the kind of feature that is no n-gram
TFIDF = "TF-IDF of "  # how `told` begins, where a model reads n-grams
_SHOWN = {
    "words": f"{TFIDF}words (1-2-grams)",
    "characters": f"{TFIDF}characters within words (1-5-grams)",
    COLUMNS: "the columns beside the text",  # or in its place
}
_SOME = 4096  # rows that are answered at once
Maker = Callable[[RawSplit], Any]
_RARE_ROWS = 1_000  # with fewer rows than that, an n-gram that occurs once counts as well


def features(kinds: Iterable[str], rows: RawSplit) -> tuple[dict[str, Maker], dict[str, Any]]:
    """Fits the features; n-grams of which the texts hold none (words, in texts of signs alone) are left out.

    Args:
        kinds: of `FEATURES`, and `COLUMNS`, which is left out where rows are a text alone.
        rows: of the train split.

    Returns:
        By kind, what makes them of rows, and the sparse matrix of these rows, `[rows, features]`.

    Raises:
        ValueError: the texts hold no n-grams at all, and there is nothing else.
    """
    made: dict[str, Maker] = {}
    matrices: dict[str, Any] = {}
    for kind in kinds:
        if kind == COLUMNS:
            if rows.linear:
                made[kind] = _of_columns(Columns(rows.others, rows.linear))
                matrices[kind] = made[kind](rows)
            continue
        if not rows.has_texts:
            continue
        vectorizer = TfidfVectorizer(
            analyzer="word" if kind == "words" else "char_wb",
            ngram_range=(1, 2) if kind == "words" else (1, 5),
            sublinear_tf=True,
            min_df=2 if len(rows.texts) >= _RARE_ROWS else 1,
            max_features=FEATURES[kind],
            strip_accents="unicode",
        )
        try:
            matrices[kind] = vectorizer.fit_transform(text[:LONGEST] for text in rows.texts)
        except ValueError as error:  # scikit-learn's word for an empty vocabulary
            tell(f"linear baseline: no {_SHOWN[kind]}: {error}")
            continue
        made[kind] = _of_texts(vectorizer)
    if not made:
        raise ValueError("linear baseline: the texts of the train split hold neither words nor characters")
    return made, matrices


def with_columns(kinds: Sequence[str], made: Mapping[str, Maker]) -> list[tuple[str, ...]]:
    """What is tried besides the n-grams that did best: those with the columns beside them, and the columns alone.

    Args:
        kinds: the n-grams that did best.
        made: what there is; nothing is tried without columns.
    """
    return [(*kinds, COLUMNS), (COLUMNS,)] if COLUMNS in made and COLUMNS not in kinds else []


def told(kinds: Sequence[str]) -> str:
    """What a linear model reads, for a person.

    Args:
        kinds: of its features.
    """
    grams = [_SHOWN[kind] for kind in kinds if kind != COLUMNS]
    shown = [grams[0], *(gram.removeprefix(TFIDF) for gram in grams[1:])] if grams else []
    return " and ".join([*shown, *(_SHOWN[kind] for kind in kinds if kind == COLUMNS)])


def answered(split: RawSplit, features: Mapping[str, Maker], answer: Callable[[Any], np.ndarray]) -> np.ndarray:
    """Answers of a linear model to a split, some thousand rows at a time.

    Args:
        split: the rows.
        features: what it reads, by kind.
        answer: of a sparse matrix `[rows, features]`, `[rows, …]`.
    """
    parts = [
        answer(beside({kind: make(rows) for kind, make in features.items()}, list(features))) for rows in _pieces(split)
    ]
    return np.concatenate(parts)


def _pieces(split: RawSplit) -> Iterator[RawSplit]:
    for start in range(0, max(len(split.texts), 1), _SOME):
        yield taken(split, np.arange(start, min(start + _SOME, len(split.texts))))


def taken(split: RawSplit, rows: np.ndarray) -> RawSplit:
    """Some rows of a split, without slices.

    Args:
        split: all rows.
        rows: their numbers.
    """
    others = {name: [values[row] for row in rows] for name, values in split.others.items()}
    texts = [split.texts[row] for row in rows]
    return RawSplit(texts, split.labels[rows], {}, others=others, linear=split.linear, has_texts=split.has_texts)


def _of_texts(vectorizer: TfidfVectorizer) -> Maker:
    return lambda rows: vectorizer.transform(text[:LONGEST] for text in rows.texts)


def _of_columns(columns: Columns) -> Maker:
    return lambda rows: columns.transform(rows.others)


def beside(matrices: Mapping[str, Any], kinds: Sequence[str]) -> Any:
    """The matrices of some kinds as one, `[texts, n-grams]`.

    Args:
        matrices: by kind.
        kinds: which, in this order.
    """
    return sparse.hstack([matrices[kind] for kind in kinds], format="csr")


def part(split: RawSplit, characters: int, seed: int) -> RawSplit:
    """No more rows than have so many characters together, of which the beginnings of texts are counted.

    Args:
        split: rows.
        characters: at most, but one text is always taken.
        seed: of the choice.

    Returns:
        The rows in their order, without slices.
    """
    order = np.random.default_rng(seed).permutation(len(split.texts))
    lengths = np.array([min(len(split.texts[row]), LONGEST) for row in order], np.int64)
    fit = max(1, int(np.searchsorted(np.cumsum(lengths), characters, side="right")))
    return taken(split, np.sort(order[:fit]))
