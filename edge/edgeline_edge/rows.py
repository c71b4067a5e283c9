"""Pieces of a text to rows of ids of one length: what every tokenizer does alike, whatever its pieces are."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from edgeline_edge.long_text import LongText, head_tail, starts


class Rows(abc.ABC):
    """Turns texts into rows of ids for one vocabulary and one length.

    Attributes:
        vocabulary: the lines of the vocabulary's file, in the order of the ids.
        sequence_length: length of every row.
    """

    def __init__(self, vocabulary: Sequence[str], sequence_length: int, special: tuple[int, ...]) -> None:
        """Keeps what a row is framed with.

        Args:
            vocabulary: the lines of the vocabulary's file, in the order of the ids.
            sequence_length: length of every row, at least 3.
            special: ids of what fills a row up, stands first, and stands last.

        Raises:
            ValueError: the length is too small.
        """
        if sequence_length < 3:
            raise ValueError(f"sequence_length is {sequence_length}, must be at least 3")
        self.vocabulary = tuple(vocabulary)
        self.sequence_length = sequence_length
        self._pad, self._start, self._end = special

    @abc.abstractmethod
    def pieces(self, text: str, limit: int | None = None) -> list[int]:
        """Tokenizes one text without special tokens.

        Args:
            text: any string, lone surrogates included.
            limit: stop once there are this many pieces; `None` for all.

        Returns:
            The ids of the pieces, at most `limit`.
        """

    def encode(
        self, texts: Iterable[str], long_text: LongText = "head"
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Tokenizes texts to rows of equal length, one for each.

        Args:
            texts: the texts.
            long_text: what to keep of a text that does not fit, `head` or `head_tail`; the bundle's manifest says
                what its model was trained for. `cut` makes windows.

        Returns:
            `token_ids` and `padding_mask`, both int32 `[texts, sequence_length]`: `[CLS] pieces [SEP] [PAD] …`, and 1
            where a row holds a token other than padding.

        Raises:
            ValueError: `long_text` is neither.
        """
        if long_text not in ("head", "head_tail"):
            raise ValueError(f"long_text is {long_text!r}, must be head or head_tail where a text is one row")
        return self.rows([self.cut(text, long_text)[0] for text in texts])

    def rows(self, pieces: Sequence[Sequence[int]]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Wraps lists of pieces into rows.

        Args:
            pieces: per row at most `sequence_length - 2` ids.

        Returns:
            `token_ids` and `padding_mask`, both int32 `[rows, sequence_length]`.
        """
        token_ids = np.full((len(pieces), self.sequence_length), self._pad, np.int32)
        padding_mask = np.zeros((len(pieces), self.sequence_length), np.int32)
        for row, ids in enumerate(pieces):
            used = len(ids) + 2
            token_ids[row, :used] = (self._start, *ids, self._end)
            padding_mask[row, :used] = 1
        return token_ids, padding_mask

    def cut(self, text: str, long_text: LongText, most: int | None = None) -> list[list[int]]:
        """The pieces of a text that a model reads.

        Args:
            text: the text.
            long_text: what to read of a text that does not fit; see `edgeline_edge.long_text`.
            most: windows that there may be; `None` for any number.

        Returns:
            The pieces of each window, at most `sequence_length - 2`; one window, where `long_text` is not `windows`.
        """
        room = self.sequence_length - 2
        if long_text == "head":
            return [self.pieces(text, room)]
        pieces = self.pieces(text)
        if long_text == "head_tail":
            return [head_tail(pieces, room)]
        return [pieces[start : start + room] for start in starts(len(pieces), room, most)]
