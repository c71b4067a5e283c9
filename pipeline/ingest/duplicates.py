"""Which of several rows with one text stay, and which texts are nearly one. Imports neither Beam nor TensorFlow.

All decisions go by content alone: neither the order of the rows nor the number of workers changes them.
"""

from __future__ import annotations

import functools
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from pipeline.config.rows.cleaning import CleaningConfig
from pipeline.ingest.cleaning import CONFLICTING, DUPLICATE, NEAR_DUPLICATE, Quarantined
from pipeline.ingest.rows import Layout, Row, normalised

_PERMUTATIONS = 128
_SHINGLE = 5  # characters
_MOST_COMPARED = 50  # of the candidates in one bucket: a bucket of thousands would be compared for hours


def resolve(rows: Iterable[Row], config: CleaningConfig, layout: Layout) -> Iterator[Row | Quarantined]:
    """Decides about all rows of one text.

    Rows that differ in what another input reads are different rows: a text may be rated at two prices.

    Args:
        rows: rows with equal `text_hash`, in any order.
        config: the policies.
        layout: which of the further columns are pictures.

    Yields:
        Every row: as it is, or kept back.
    """
    alike: dict[tuple[str, ...], list[Row]] = {}
    for row in sorted(rows):  # by content first, so that the one that stays is the same from any file
        alike.setdefault(layout.compared(row.others), []).append(row)
    for members in alike.values():
        yield from _of_equals(members, config)


def _of_equals(members: list[Row], config: CleaningConfig) -> Iterator[Row | Quarantined]:
    votes = Counter(row.label for row in members)
    if len(votes) > 1 and config.conflicting_labels != "keep":
        winner = _majority(votes) if config.conflicting_labels == "majority" else None
        shown = ", ".join(f"{label} {count}" for label, count in sorted(votes.items()))
        for row in members:
            if row.label != winner:
                yield _kept_back(
                    row,
                    CONFLICTING,
                    f"rows of this text have different labels ({shown}); data.cleaning.conflicting_labels is "
                    f"{config.conflicting_labels}.",
                )
        members = [row for row in members if row.label == winner]
    first: dict[str, Row] = {}
    for row in members:
        kept = first.setdefault(row.label, row)
        if kept is row or config.duplicates == "keep":
            yield row
        else:
            yield _kept_back(row, DUPLICATE, f"the text is that of {kept.file}:{kept.line}.")


class Candidate(NamedTuple):
    """A row among those that may be nearly equal.

    Attributes:
        key: identity of text and label; the smaller of two wins.
        text: the normalised text.
        where: file and line, for the reason.
    """

    key: str
    text: str
    where: str


def buckets(candidate: Candidate, threshold: float) -> Iterator[bytes]:
    """The MinHash-LSH buckets of a text; texts as similar as the threshold most likely share one.

    Args:
        candidate: the row.
        threshold: Jaccard similarity of their character 5-grams.
    """
    minhash = _empty_minhash().copy()
    minhash.update_batch(item.encode("utf-8", "surrogatepass") for item in _shingles(candidate.text))
    for number, (begin, end) in enumerate(_index(threshold).hashranges):
        yield bytes([number]) + minhash.hashvalues[begin:end].tobytes()


def losers(candidates: Iterable[Candidate], threshold: float) -> Iterator[tuple[str, str]]:
    """The rows of one bucket that are too similar to a row with a smaller key.

    Args:
        candidates: what shares a bucket, in any order.
        threshold: Jaccard similarity from which a row goes.

    Yields:
        The key of each such row, and where the other row is.
    """
    unique = sorted({candidate.key: candidate for candidate in sorted(candidates, reverse=True)}.values())
    before: list[tuple[Candidate, set[str]]] = []
    for candidate in unique:
        shingles = _shingles(candidate.text)
        for other, others in before:
            if len(shingles & others) >= threshold * len(shingles | others):
                yield candidate.key, other.where
                break
        if len(before) < _MOST_COMPARED:
            before.append((candidate, shingles))


def near_duplicate(row: Row, where: str) -> Quarantined:
    """A row that `losers` named, kept back."""
    return _kept_back(row, NEAR_DUPLICATE, f"the text is nearly that of {where}.")


def candidate_of(row: Row, key: str) -> Candidate:
    """What near duplicates are looked for by: rows of different labels are none, for the difference then matters."""
    return Candidate(f"{key}\0{row.label}", normalised(row.text), f"{row.file}:{row.line}")


def _majority(votes: Counter[str]) -> str | None:
    (label, most), (_, second) = votes.most_common(2)
    return label if most > second else None


def _kept_back(row: Row, reason: str, detail: str) -> Quarantined:
    return Quarantined(reason, row.file, row.line, detail, row.text, row.label)


def _shingles(text: str) -> set[str]:
    return {text[begin : begin + _SHINGLE] for begin in range(max(1, len(text) - _SHINGLE + 1))}


@functools.cache
def _index(threshold: float) -> Any:
    from datasketch import MinHashLSH

    # A pair that meets is compared exactly, so a needless meeting costs little, a missed one a duplicate.
    return MinHashLSH(threshold=threshold, num_perm=_PERMUTATIONS, weights=(0.1, 0.9))


@functools.cache
def _empty_minhash() -> Any:
    from datasketch import MinHash

    return MinHash(num_perm=_PERMUTATIONS, seed=1, hashfunc=zlib.crc32)  # its default, SHA-1, is slower
