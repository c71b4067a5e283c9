"""Transformed examples in memory, and the order in which a training goes over them.

Trainer, Tuner and the compression nodes go over one split several times, some with numbers beside each row (a teacher's
logits), and must be able to continue at any step of it. With the rows as arrays, the order of a run is a plan of row
numbers that depends on nothing but a seed. A million rows of 64 tokens take half a gigabyte.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
BUCKET_WIDTH = 8  # narrower buckets leave more small batches, wider ones more padding
_BATCHES_PER_BUCKET_SORT = 32


@dataclasses.dataclass(frozen=True)
class Examples:
    """Rows of one split.

    Attributes:
        features: what a network takes, by name, `[rows, *shape]` each.
        labels: the right answers as the loss takes them, `[rows, *shape]`.
        windows: those of the features whose second axis may be cut to the longest row of a batch, `[rows, seq]` each.
        mask: the one of them that is 1 where a row goes on; None where rows have no length.
        texts: where the windows of a text are rows by themselves, the number of the text that each is of, int64
            `[rows]`; None where a row is a whole one.
    """

    features: dict[str, NDArray[Any]]
    labels: NDArray[Any]
    windows: tuple[str, ...] = ()
    mask: str | None = None
    texts: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """Rows."""
        return len(self.labels)

    @property
    def whole(self) -> int:
        """Rows of the split that these are, each counted once however many windows it has."""
        return len(self) if self.texts is None else len(np.unique(self.texts))

    @property
    def lengths(self) -> Ints:
        """Length of each row, int32 `[rows]`; 0 where rows have none."""
        return lengths(self.features, self.mask, len(self))

    def take(self, rows: NDArray[np.integer]) -> Self:
        """The rows with these numbers."""
        features = {name: values[rows] for name, values in self.features.items()}
        texts = None if self.texts is None else self.texts[rows]
        return dataclasses.replace(self, features=features, labels=self.labels[rows], texts=texts)

    def apart(self, windows: int) -> Examples:
        """Each window of a row as a row by itself, with the row's answer and whatever else the row has.

        Args:
            windows: that a row holds side by side; those that are padding alone are left out.

        Returns:
            The windows in the rows' order; the same rows where each is one window.
        """
        if windows == 1 or self.mask is None:
            return self
        shape = (len(self), windows, -1)
        there = self.features[self.mask].reshape(shape).any(axis=2)
        texts = np.nonzero(there)[0]
        features = {
            name: values.reshape(shape)[there] if name in self.windows else values[texts]
            for name, values in self.features.items()
        }
        return Examples(features, self.labels[texts], self.windows, self.mask, texts)

    def changed(self, **features: NDArray[Any]) -> Self:
        """The same rows, right answers included, with other values of some features."""
        return dataclasses.replace(self, features={**self.features, **features})

    def followed_by(self, other: Examples) -> Self:
        """These rows and then those; the shapes of a row must be equal."""
        features = {name: np.concatenate([values, other.features[name]]) for name, values in self.features.items()}
        return dataclasses.replace(
            self, features=features, labels=np.concatenate([self.labels, other.labels]), texts=None
        )


def by_text(values: NDArray[Any], texts: NDArray[np.int64] | None) -> NDArray[Any]:
    """What a network gives to texts, as a server answers them: the mean over the windows of each.

    Args:
        values: of each window, float32 `[rows, …]`.
        texts: the number of the text that each is of; None where a row is a whole text.

    Returns:
        float32 `[texts, …]` in the order of the numbers.
    """
    if texts is None:
        return values
    numbers, place, windows = np.unique(texts, return_inverse=True, return_counts=True)
    sums = np.zeros((len(numbers), *values.shape[1:]))
    np.add.at(sums, place, values)
    return (sums / windows.reshape(-1, *(1,) * (values.ndim - 1))).astype(values.dtype)


def first_of_text(values: NDArray[Any], texts: NDArray[np.int64] | None) -> NDArray[Any]:
    """What all windows of a text have alike, as its right answer: `[rows, …]` to `[texts, …]`, as of `by_text`."""
    return values if texts is None else values[np.unique(texts, return_index=True)[1]]


def lengths(features: Mapping[str, NDArray[Any]], mask: str | None, rows: int) -> Ints:
    """Length of each row, int32 `[rows]`; 0 where there is no mask."""
    return features[mask].sum(axis=1, dtype=np.int32) if mask else np.zeros(rows, np.int32)


def stratified(labels: NDArray[Any], count: int, seed: int) -> NDArray[np.int64]:
    """Row numbers of a sample with the split's shares of labels, or with its spread of numbers.

    Args:
        labels: the right answers, `[rows]`; or `[rows, labels]`, of which each combination counts as a label.
        count: rows wanted; all rows if there are no more.
        seed: of the choice.

    Returns:
        At most `count` different row numbers, ascending; every label that occurs is among them if `count` allows it.
    """
    if count >= len(labels):
        return np.arange(len(labels))
    if labels.ndim > 1:
        labels = np.unique(labels, axis=0, return_inverse=True)[1].reshape(-1)
    rng = np.random.default_rng(seed)
    # Shuffle, sort by label, and take every k-th: each label gets its share to within one row.
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    return np.sort(order[np.linspace(0, len(labels) - 1, count).round().astype(int)])


def steps_per_epoch(rows: int, batch_size: int) -> int:
    """Batches of one pass."""
    return -(-rows // batch_size)


def epoch_plan(lengths: Ints, *, batch_size: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """Which rows make up each batch of an epoch.

    Rows are shuffled, sorted by length within groups of some batches, cut, and the batches shuffled: rows of a batch
    have similar lengths, so little of it is padding. The last batch is filled up from the epoch's beginning, so that
    every replica of a distributed step always has rows.

    Args:
        lengths: tokens of each row, int32 `[rows]`.
        batch_size: rows of a batch.
        seed: of the run.
        epoch: number of the pass; each has its own order.

    Returns:
        Row numbers of each batch; the same for the same arguments.
    """
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(lengths))
    missing = -len(order) % batch_size
    order = np.concatenate([order, np.resize(order, missing)])
    batches: list[NDArray[np.int64]] = []
    group = batch_size * _BATCHES_PER_BUCKET_SORT
    for start in range(0, len(order), group):
        part = order[start : start + group]
        part = part[np.argsort(lengths[part], kind="stable")]
        batches.extend(part[at : at + batch_size] for at in range(0, len(part), batch_size))
    return [batches[index] for index in rng.permutation(len(batches))]


def width_of(lengths: Ints, longest: int) -> int:
    """Columns that a batch needs: its longest row, rounded up so that few shapes occur."""
    return min(longest, -(-int(lengths.max(initial=1)) // BUCKET_WIDTH) * BUCKET_WIDTH)


def in_order(examples: Examples, *, batch_size: int) -> Iterator[tuple[NDArray[np.int64], Mapping[str, NDArray[Any]]]]:
    """Batches for inference, by length so that short rows are not padded.

    Yields:
        Row numbers, and the features by name, `[batch, ...]`, the windows cut to the longest row.
    """
    lengths = examples.lengths
    order = np.argsort(lengths, kind="stable")
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        batch = {name: values[rows] for name, values in examples.features.items()}
        if examples.mask:
            width = width_of(lengths[rows], batch[examples.mask].shape[1])
            batch |= {name: batch[name][:, :width] for name in examples.windows}
        yield rows, batch
