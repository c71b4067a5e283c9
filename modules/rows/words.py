"""What an input with a backbone does where its words become fewer: a student knows those of its task alone.

An input's numbers stand for words of a vocabulary. Who makes a student, converts it or serves it asks the kind of the
input what becomes of the numbers, and need not know what a word is.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from modules.inputs.base import Input
from modules.inputs.kinds import INPUTS
from modules.registry import load
from modules.rows.transformed import Examples
from modules.text.vocabulary import Continuations, Trimmed

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf


class Words(abc.ABC):
    """The words of one kind of input: `words` of its parts is a class of this one."""

    @abc.abstractmethod
    def trim(
        self, examples: Examples, words: Sequence[str], *, min_count: int, continuations: Continuations
    ) -> Trimmed:
        """Chooses the words that stay.

        Args:
            examples: the train split, in the numbers of `words`.
            words: in the order of their numbers.
            min_count: how often a word must occur to stay; 0 keeps all that rows can hold.
            continuations: `all` keeps what an unseen word may be made of, `seen` what the split has of it.
        """

    @abc.abstractmethod
    def renumbered(self, examples: Examples, old: Sequence[str], new: Sequence[str]) -> Examples:
        """The same rows in the numbers of fewer words; other inputs' features stay as they are.

        Args:
            examples: in the numbers of `old`.
            old: words in the order of their numbers.
            new: some of them, likewise.

        Raises:
            ValueError: `new` holds other words, or lacks one that every vocabulary needs.
        """

    @abc.abstractmethod
    def unknown_share(self, examples: Examples, words: Sequence[str]) -> float:
        """Share of what a vocabulary has no word for among all that the rows hold; 0 without rows.

        Args:
            examples: in the numbers of `words`.
            words: in the order of their numbers.
        """

    @abc.abstractmethod
    def features(self, part: Input, raw: Mapping[str, tf.Tensor], words: Sequence[str]) -> dict[str, tf.Tensor]:
        """As `modules.inputs.base.Input.features`, with other words than the input's own.

        Args:
            part: the input.
            raw: by column, `[batch]`.
            words: in the order of their numbers.
        """


class NoWords(Words):
    """Of a network without a backbone, whose rows hold no words at all."""

    def trim(
        self, examples: Examples, words: Sequence[str], *, min_count: int, continuations: Continuations
    ) -> Trimmed:
        """Nothing stays of nothing.

        Args:
            examples: the rows, without words.
            words: none.
            min_count: as the kinds have it.
            continuations: as the kinds have it.
        """
        return Trimmed([], np.zeros(0, np.int64), np.zeros(0, np.int32), [])

    def renumbered(self, examples: Examples, old: Sequence[str], new: Sequence[str]) -> Examples:
        """The very rows."""
        return examples

    def unknown_share(self, examples: Examples, words: Sequence[str]) -> float:
        """Nothing is unknown."""
        return 0.0

    def features(self, part: Input, raw: Mapping[str, tf.Tensor], words: Sequence[str]) -> dict[str, tf.Tensor]:
        """No input is encoded by words."""
        return {}


def of(kind: str) -> Words:
    """What becomes of the words of an input.

    Args:
        kind: of the input that the backbone encodes, as `modules.network.architecture.Architecture` has it; empty where
            there is none.

    Raises:
        ValueError: the kind does not say.
    """
    if not kind:
        return NoWords()
    path = INPUTS[kind].parts.get("words")
    if path is None:
        raise ValueError(f"no student can be made of an input of kind {kind}: `words` of its parts is missing")
    made: Words = load(path)()
    return made
