"""Which of an encoder's pieces a task needs, and what becomes of rows where pieces go: the vocabulary of Unigram.

An encoder of a hundred languages has a quarter of a million pieces, nine tenths of its weights. A task needs those of
its training texts, and single characters for what these do not hold. The pieces of a training text stay the best way to
cut it, since all ways that are left were there before. Another text is cut into shorter pieces where its own went.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from modules.text.vocabulary import Trimmed

import numpy as np
from numpy.typing import NDArray

from edgeline_edge.pieces import END, PAD, SPACE, SPECIAL_PIECES, UNKNOWN, read_pieces
from edgeline_edge.unigram import Unigram

_RARE_SCRIPT = 0.001  # share of the letters, below which a script is none of the texts'
_SHORTEST = 3  # tokens of a row
_SPECIAL = len(SPECIAL_PIECES)


def choose(texts: Iterable[str], table: Sequence[str], *, most: int) -> list[str]:
    """The pieces that texts need.

    Args:
        texts: of the train split.
        table: the lines of all pieces in the order of their ids.
        most: pieces of the texts that stay at most, the most frequent ones.

    Returns:
        Some of the lines in their order: the special ones, ASCII, single characters of the scripts that the texts are
        written in, and the pieces that the texts are cut into.
    """
    tokenizer = Unigram(table, _SHORTEST)
    counts: Counter[int] = Counter()
    letters: Counter[str] = Counter()
    for text in texts:
        counts.update(tokenizer.pieces(text))
        letters.update(text)
    scripts: Counter[str] = Counter()
    for letter, count in letters.items():
        scripts[_script(letter)] += count
    written = {name for name, count in scripts.items() if name and count >= _RARE_SCRIPT * scripts.total()}
    kept = {number for number, _ in counts.most_common(most)}
    for number, (piece, _) in enumerate(read_pieces(table)):
        single = piece if len(piece) == 1 else ""
        if number < _SPECIAL or (single and (single.isascii() or single == SPACE or _script(single) in written)):
            kept.add(number)
    return [table[number] for number in sorted(kept)]


def trim(table: Sequence[str], counts: NDArray[np.integer], *, min_count: int = 1) -> Trimmed:
    """Chooses the pieces that stay, as `modules.text.vocabulary.trim` does.

    Args:
        table: the lines in the order of their ids.
        counts: occurrences of each piece in the training split, int `[table]`.
        min_count: a piece must occur this often to stay; single characters and special pieces always do.

    Returns:
        The smaller table: special pieces first, then the more frequent before the less.

    Raises:
        ValueError: `counts` does not have one entry a line.
    """
    if len(counts) != len(table):
        raise ValueError(f"{len(counts)} counts for {len(table)} pieces.")
    counts = np.asarray(counts)
    pieces = [piece for piece, _ in read_pieces(table)]
    ordinary = np.arange(len(table)) >= _SPECIAL
    keep = (counts >= min_count) | ~ordinary | np.array([len(piece) == 1 for piece in pieces])
    kept = np.flatnonzero(keep)
    kept = kept[np.lexsort((kept, -counts[kept] * ordinary[kept], ordinary[kept]))]
    mapping = np.full(len(table), -1, np.int32)
    mapping[kept] = np.arange(len(kept), dtype=np.int32)
    singles = {piece for piece in pieces if len(piece) == 1}
    uncovered = sorted({letter for piece in pieces[_SPECIAL:] for letter in piece if letter not in singles})
    return Trimmed([table[number] for number in kept.tolist()], kept, mapping, uncovered)


class Repiecer:
    """Turns ids of a large table into the ids that its smaller one gives to the same text.

    The pieces of a row are its normalised text, put together; it is cut anew where one of them has gone. What was
    unknown stays unknown. A row that grows beyond the window is cut there.

    Args:
        old: lines in the order of the ids that come in.
        new: lines in the order of the ids that go out; a subset of `old`.

    Raises:
        ValueError: `new` has pieces that `old` lacks, or is no table.
    """

    def __init__(self, old: Sequence[str], new: Sequence[str]) -> None:
        if not set(new) <= set(old):
            raise ValueError("the smaller table must hold only pieces of the larger one.")
        numbers = {line: number for number, line in enumerate(new)}
        self._pieces = [piece for piece, _ in read_pieces(old)]
        self._mapping = np.array([numbers.get(line, -1) for line in old], np.int32)
        self._tokenizer = Unigram(new, _SHORTEST)

    def __call__(
        self, token_ids: NDArray[np.int32], padding_mask: NDArray[np.int32]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Maps a batch: ids and mask, int32 `[rows, seq]` each, to ids and mask of the same shape."""
        pad, end = SPECIAL_PIECES.index(PAD), SPECIAL_PIECES.index(END)
        out, mask = self._mapping[token_ids], padding_mask.copy()
        for row in np.flatnonzero(((out < 0) & (padding_mask > 0)).any(axis=1)):
            ids = self._row(token_ids[row][padding_mask[row] > 0].tolist())
            length = min(len(ids), out.shape[1])
            out[row], mask[row] = pad, 0
            out[row, :length], mask[row, :length] = ids[:length], 1
            out[row, length - 1] = end
        out[mask == 0] = pad
        return out, mask

    def _row(self, ids: Sequence[int]) -> list[int]:
        """A row without padding, its special pieces at their places."""
        unknown = SPECIAL_PIECES.index(UNKNOWN)
        found, text = [ids[0]], ""
        for number in ids[1:]:
            if number >= _SPECIAL:
                text += self._pieces[number]
                continue
            cut = self._tokenizer.of_normalised(text)
            # Runs of unknown code points are one, also where a piece beside them has gone.
            found += cut[1:] if cut[:1] == [unknown] == found[-1:] else cut
            text = ""
            if not (number == unknown == found[-1]):
                found.append(number)
        return found


def _script(letter: str) -> str:
    """The script of a letter by its name in Unicode, such as `CJK`; empty for what is no letter or sign on one."""
    return unicodedata.name(letter, "").partition(" ")[0] if unicodedata.category(letter)[0] in "LM" else ""
