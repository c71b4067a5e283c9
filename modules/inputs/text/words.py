"""What becomes of token windows where the vocabulary becomes smaller: the role `words`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modules.inputs.base import Input
from modules.inputs.text.input import Text
from modules.rows.transformed import Examples, Ints
from modules.rows.words import Words
from modules.text import pieces, vocabulary
from modules.text.features import PADDING_MASK, TOKEN_IDS
from modules.text.tokenization import UNKNOWN, special_ids

from numpy.typing import NDArray

from edgeline_edge.pieces import is_table

if TYPE_CHECKING:
    import tensorflow as tf


class TextWords(Words):
    """WordPiece tokens, or pieces of Unigram."""

    def trim(
        self, examples: Examples, words: Sequence[str], *, min_count: int, continuations: vocabulary.Continuations
    ) -> vocabulary.Trimmed:
        """By what the rows' tokens are; see `modules.text.vocabulary`.

        Args:
            examples: the train split.
            words: tokens in id order.
            min_count: as of `modules.text.vocabulary.trim`.
            continuations: likewise; of pieces, all single characters stay, whatever it says.
        """
        counts = vocabulary.count_tokens(*_windows(examples), len(words))
        if is_table(words):
            return pieces.trim(words, counts, min_count=min_count)
        return vocabulary.trim(words, counts, min_count=min_count, continuations=continuations)

    def renumbered(self, examples: Examples, old: Sequence[str], new: Sequence[str]) -> Examples:
        """Words whose token went are split anew."""
        cut = pieces.Repiecer(old, new) if is_table(old) else vocabulary.Retokenizer(old, new)
        ids, mask = cut(*_windows(examples))
        return examples.changed(**{TOKEN_IDS: ids, PADDING_MASK: mask})

    def unknown_share(self, examples: Examples, words: Sequence[str]) -> float:
        """Of `[UNK]`, padding left out."""
        ids, mask = _windows(examples)
        there = mask > 0
        return float((ids[there] == special_ids(words)[UNKNOWN]).sum() / max(int(there.sum()), 1))

    def features(self, part: Input, raw: Mapping[str, tf.Tensor], words: Sequence[str]) -> dict[str, tf.Tensor]:
        """Tokenizes `[batch]` texts."""
        assert isinstance(part, Text)
        return part.tokenized(raw, words)


def token_windows(token_ids: Ints, padding_mask: Ints, labels: NDArray[Any]) -> Examples:
    """Rows of which a network reads a text and nothing else.

    Args:
        token_ids: int32 `[rows, seq]`.
        padding_mask: int32 `[rows, seq]`, 1 for tokens.
        labels: right answers `[rows]`, of one label their ids.
    """
    names = (TOKEN_IDS, PADDING_MASK)
    return Examples({TOKEN_IDS: token_ids, PADDING_MASK: padding_mask}, labels, names, PADDING_MASK)


def _windows(examples: Examples) -> tuple[Ints, Ints]:
    return examples.features[TOKEN_IDS], examples.features[PADDING_MASK]
