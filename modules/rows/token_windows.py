"""Rows of which a network reads token windows and nothing else: what students are made from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Self

from modules.rows import batches
from modules.rows.transformed import Examples, Ints
from modules.targets.base import Target
from modules.tensors import Tensor
from modules.text.features import PADDING_MASK, TOKEN_IDS

import numpy as np
from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True, init=False)
class TokenWindows(Examples):
    """Rows of one split."""

    def __init__(
        self, token_ids: Ints, padding_mask: Ints, labels: NDArray[Any], texts: NDArray[np.int64] | None = None
    ) -> None:
        """Puts them together.

        Args:
            token_ids: `[rows, seq]`.
            padding_mask: `[rows, seq]`, 1 for tokens.
            labels: right answers `[rows]`, of one label their ids.
            texts: as of `Examples`.
        """
        names = (TOKEN_IDS, PADDING_MASK)
        super().__init__({TOKEN_IDS: token_ids, PADDING_MASK: padding_mask}, labels, names, PADDING_MASK, texts)

    @property
    def token_ids(self) -> Ints:
        """Ids, int32 `[rows, seq]`."""
        return self.features[TOKEN_IDS]

    @property
    def padding_mask(self) -> Ints:
        """1 for tokens, int32 `[rows, seq]`."""
        return self.features[PADDING_MASK]

    def take(self, rows: NDArray[np.integer]) -> Self:
        """The rows with these numbers."""
        texts = None if self.texts is None else self.texts[rows]
        return type(self)(self.token_ids[rows], self.padding_mask[rows], self.labels[rows], texts)

    @property
    def arrays(self) -> tuple[Ints, Ints]:
        """What a network reads of the rows, the numbers and where a row goes on, `[rows, seq]` each."""
        return self.token_ids, self.padding_mask

    def changed(self, change: Callable[[Ints, Ints], tuple[Ints, Ints]]) -> TokenWindows:
        """The same rows, labels included, with other numbers.

        Args:
            change: from `arrays` to such a pair, as `modules.text.vocabulary.Retokenizer` does it.
        """
        return TokenWindows(*change(*self.arrays), self.labels, self.texts)

    def share_of(self, number: int) -> float:
        """Share of a number among all of the rows, padding left out; 0 where there is no row."""
        there = self.padding_mask > 0
        return float((self.token_ids[there] == number).sum() / max(int(there.sum()), 1))

    def followed_by(self, other: TokenWindows) -> TokenWindows:
        """These rows and then those; the windows must be equal."""
        return TokenWindows(
            np.concatenate([self.token_ids, other.token_ids]),
            np.concatenate([self.padding_mask, other.padding_mask]),
            np.concatenate([self.labels, other.labels]),
        )


def load_windows(
    file_patterns: Sequence[str], *, sequence_length: int, target: Target, windows: int = 1
) -> TokenWindows:
    """Reads a split of Transform's output into memory.

    Args:
        file_patterns: globs of gzip-compressed TFRecords of `tf.Example`.
        sequence_length: tokens of a window.
        target: of the task.
        windows: that a row of the files holds; each becomes a row with the same label.

    Raises:
        FileNotFoundError: no file matches.
        ValueError: the files hold no row.
    """
    row = (windows * sequence_length,)
    tensors = [Tensor(name, "int32", row, window=True) for name in (TOKEN_IDS, PADDING_MASK)]
    found = batches.load_examples(file_patterns, tensors, target.tensor(), mask=PADDING_MASK).apart(windows)
    return TokenWindows(found.features[TOKEN_IDS], found.features[PADDING_MASK], found.labels, found.texts)
