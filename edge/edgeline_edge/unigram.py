"""Unigram on the device: the same ids as TensorFlow Text's SentencepieceTokenizer, with nothing but Python.

A text is cut into the pieces whose scores add up to most (Kudo, 2018, https://arxiv.org/abs/1804.10959). Spaces are
part of the pieces, as U+2581, and there is one before the text. A code point without a piece counts as one whose score
is that of the worst piece less 10, and a run of them is one `<unk>`. Sums are those of SentencePiece to the last bit,
float32 with a sum in float64 at each comparison: which of two equal ways is taken depends on it.

The table of the pieces is that of `edgeline_edge.pieces`.
"""

from __future__ import annotations

import array
import re
from collections.abc import Sequence

from edgeline_edge.normalization import Normalization, nmt_nfkc
from edgeline_edge.pieces import END, PAD, SPACE, SPECIAL_PIECES, START, UNKNOWN, float32, read_pieces
from edgeline_edge.rows import Rows

_UNKNOWN_PENALTY = 10.0
_SPACES = re.compile(" +")


class Unigram(Rows):
    """Turns texts into rows of ids for one table of pieces and one length.

    Safe to use from several threads.
    """

    def __init__(
        self, vocabulary: Sequence[str], sequence_length: int, normalization: Normalization | None = None
    ) -> None:
        """Prepares the look-up tables.

        Args:
            vocabulary: the lines of the table in the order of their ids.
            sequence_length: length of every row, at least 3.
            normalization: what to do to the text first; the package's own by default.

        Raises:
            ValueError: the table is not usable, or the length is too small.
        """
        pieces = read_pieces(vocabulary)
        special = tuple(SPECIAL_PIECES.index(piece) for piece in (PAD, START, END))
        super().__init__(vocabulary, sequence_length, special)
        self._normalization = nmt_nfkc() if normalization is None else normalization
        self._unknown = SPECIAL_PIECES.index(UNKNOWN)
        # What pieces begin with is there as well, without an id: where it ends, no longer piece can match.
        self._nodes: dict[str, tuple[int, float] | None] = {}
        for number, (piece, score) in enumerate(pieces):
            if number >= len(SPECIAL_PIECES):
                for length in range(1, len(piece)):
                    self._nodes.setdefault(piece[:length])
                self._nodes[piece] = (number, score)
        self._unknown_score = float32(min(score for _, score in pieces[len(SPECIAL_PIECES) :]) - _UNKNOWN_PENALTY)

    def pieces(self, text: str, limit: int | None = None) -> list[int]:
        """Tokenizes one text without special tokens.

        Args:
            text: any string, lone surrogates included.
            limit: how many to return at most; `None` for all. All of the text decides on each of them.

        Returns:
            The ids of the pieces, at most `limit`.
        """
        words = _SPACES.sub(" ", self._normalization.apply(text)).strip(" ")
        if not words:
            return []
        return self.of_normalised(f" {words}".replace(" ", SPACE))[:limit]

    def of_normalised(self, text: str) -> list[int]:
        """The ids of the best way through a text that is normalised, U+2581 for spaces and before it included.

        Args:
            text: the text, or a part of it; an empty one has no pieces.
        """
        size = len(text)
        nodes, unknown, unknown_score = self._nodes, self._unknown, self._unknown_score
        scores = array.array("f", bytes(4 * (size + 1)))  # of the best way to each place; rounds what it is given
        ids, begins = [-1] * (size + 1), [-1] * (size + 1)
        for start in range(size):
            until = scores[start]
            alone = False
            for end in range(start + 1, size + 1):
                part = text[start:end]
                if part not in nodes:
                    break
                node = nodes[part]
                if node is None:
                    continue
                if begins[end] < 0 or until + node[1] > scores[end]:
                    scores[end], ids[end], begins[end] = until + node[1], node[0], start
                alone = alone or end == start + 1
            if not alone:
                end = start + 1
                score = float32(until + unknown_score)
                if begins[end] < 0 or score > scores[end]:
                    scores[end], ids[end], begins[end] = score, unknown, start
        found: list[int] = []
        end = size
        while end > 0:
            if ids[end] != unknown or not found or found[-1] != unknown:
                found.append(ids[end])
            end = begins[end]
        return found[::-1]
