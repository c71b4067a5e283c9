"""WordPiece on the device: the same ids as `modules.text.tokenization.wordpiece`, with nothing but NumPy.

Words come out of the normalised text by splitting at spaces; each is cut greedily into the longest pieces of the
vocabulary. Texts repeat their words, so the pieces of a word are remembered: most words cost one look-up.
"""

from __future__ import annotations

import collections
import sys
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from edgeline_edge.long_text import LongText, head_tail, starts
from edgeline_edge.normalization import Normalization, bert_uncased

PAD, UNKNOWN, START, END = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
SPECIAL_TOKENS = (PAD, UNKNOWN, START, END)
SUFFIX = "##"
MAX_WORD_BYTES = 100
# Some 50,000 words of a language, or fewer strange ones: whoever sends the texts must not decide on the memory.
_REMEMBERED_BYTES = 12 << 20
_ENTRY_BYTES = 100  # a dictionary's own, for each


class Tokenizer:
    """Turns texts into rows of ids for one vocabulary and one length.

    Safe to use from several threads: what is shared is only ever added to.

    Attributes:
        vocabulary: the tokens in the order of their ids.
        sequence_length: length of every row.
    """

    def __init__(
        self, vocabulary: Sequence[str], sequence_length: int, normalization: Normalization | None = None
    ) -> None:
        """Prepares the look-up tables.

        Args:
            vocabulary: the tokens in the order of their ids; nothing is assumed about which id a token has.
            sequence_length: length of every row, at least 3.
            normalization: what to do to the text first; the package's own by default.

        Raises:
            ValueError: a special token is missing, a token is empty or occurs twice, or the length is too small.
        """
        problem = vocabulary_problem(vocabulary)
        if problem:
            raise ValueError(f"vocabulary: {problem}")
        if sequence_length < 3:
            raise ValueError(f"sequence_length is {sequence_length}, must be at least 3")
        self.vocabulary = tuple(vocabulary)
        self.sequence_length = sequence_length
        self._normalization = bert_uncased() if normalization is None else normalization
        self._heads = {token: number for number, token in enumerate(self.vocabulary)}
        self._tails = {
            token[len(SUFFIX) :]: number for token, number in self._heads.items() if token.startswith(SUFFIX)
        }
        self._longest = max(map(len, self.vocabulary))
        self._pad, self._unknown, self._start, self._end = (self._heads[token] for token in SPECIAL_TOKENS)
        self._words: dict[str, tuple[int, ...]] = {}
        self._words_bytes = 0

    def pieces(self, text: str, limit: int | None = None) -> list[int]:
        """Tokenizes one text without special tokens.

        Args:
            text: any string, lone surrogates included.
            limit: stop once there are this many pieces; `None` for all.

        Returns:
            The ids of the pieces, at most `limit`.
        """
        found: list[int] = []
        remembered = self._words
        for word in self._normalization.apply(text).split(" "):
            if word:
                pieces = remembered.get(word)
                found.extend(self._remember(word) if pieces is None else pieces)
                if limit is not None and len(found) >= limit:
                    return found[:limit]
        return found

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

    def _remember(self, word: str) -> tuple[int, ...]:
        if len(word) * 4 > MAX_WORD_BYTES and len(word.encode("utf-8", "surrogatepass")) > MAX_WORD_BYTES:
            return (self._unknown,)
        pieces = self._cut(word)
        needed = sys.getsizeof(word) + sys.getsizeof(pieces) + _ENTRY_BYTES
        # Threads may count a word too many or too few between them; the bound is not that sharp.
        if self._words_bytes + needed > _REMEMBERED_BYTES:
            self._words, self._words_bytes = {}, 0
        self._words[word] = pieces
        self._words_bytes += needed
        return pieces

    def _cut(self, word: str) -> tuple[int, ...]:
        """Cuts one word into the longest pieces from the left; `[UNK]` for the whole word if that fails."""
        found: list[int] = []
        start, table = 0, self._heads
        while start < len(word):
            for end in range(min(len(word), start + self._longest), start, -1):
                number = table.get(word[start:end])
                if number is not None:
                    break
            else:
                return (self._unknown,)
            found.append(number)
            start, table = end, self._tails
        return tuple(found)


def vocabulary_problem(vocabulary: Sequence[str]) -> str:
    """Says what makes a list of tokens unusable as a WordPiece vocabulary.

    Args:
        vocabulary: the tokens in the order of their ids.

    Returns:
        One sentence, or an empty string if nothing is wrong.
    """
    seen = set(vocabulary)
    if len(seen) < len(vocabulary):
        counted = collections.Counter(vocabulary)
        return f"{counted.most_common(1)[0][0]!r} occurs {counted.most_common(1)[0][1]} times"
    if "" in seen or SUFFIX in seen or "\n" in "".join(vocabulary):
        return f"a token is empty, holds a line feed, or is the bare suffix mark {SUFFIX!r}"
    missing = [token for token in SPECIAL_TOKENS if token not in seen]
    return f"{', '.join(missing)} missing among {len(vocabulary)} tokens" if missing else ""
