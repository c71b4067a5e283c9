"""WordPiece on the device: the same ids as `modules.text.tokenization.wordpiece`, with nothing but NumPy.

Words come out of the normalised text by splitting at spaces; each is cut greedily into the longest pieces of the
vocabulary. Texts repeat their words, so the pieces of a word are remembered: most words cost one look-up.
"""

from __future__ import annotations

import collections
import sys
from collections.abc import Sequence

from edgeline_edge.normalization import Normalization, bert_uncased
from edgeline_edge.rows import Rows

PAD, UNKNOWN, START, END = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
SPECIAL_TOKENS = (PAD, UNKNOWN, START, END)
SUFFIX = "##"
MAX_WORD_BYTES = 100
# Some 50,000 words of a language, or fewer strange ones: whoever sends the texts must not decide on the memory.
_REMEMBERED_BYTES = 12 << 20
_ENTRY_BYTES = 100  # a dictionary's own, for each


class Tokenizer(Rows):
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
        special = tuple(vocabulary.index(token) for token in (PAD, START, END))
        super().__init__(vocabulary, sequence_length, special)
        self._normalization = bert_uncased() if normalization is None else normalization
        self._heads = {token: number for number, token in enumerate(self.vocabulary)}
        self._tails = {
            token[len(SUFFIX) :]: number for token, number in self._heads.items() if token.startswith(SUFFIX)
        }
        self._longest = max(map(len, self.vocabulary))
        self._unknown = self._heads[UNKNOWN]
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
