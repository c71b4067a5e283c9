"""Transformed examples as `tf.data`: read once, bucket by length, batch, resume."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modules.examples import BUCKET_WIDTH
from modules.preprocessing import LABEL_ID, PADDING_MASK, TOKEN_IDS

import numpy as np
import tensorflow as tf


def read_split(file_patterns: Sequence[str], *, sequence_length: int) -> tf.data.Dataset:
    """Reads one split of Transform's output.

    Args:
        file_patterns: globs of gzip-compressed TFRecord files of `tf.Example`.
        sequence_length: window of the preprocessing, in tokens.

    Returns:
        Unbatched `({"token_ids": int32 [sequence_length], "padding_mask": int32 [sequence_length]}, label int32 [])`,
        always in the same order.

    Raises:
        FileNotFoundError: no file matches.
    """
    files = sorted(name for pattern in file_patterns for name in tf.io.gfile.glob(pattern))
    if not files:
        raise FileNotFoundError(f"no transformed examples match {', '.join(file_patterns)}; did Transform run?")
    spec = {
        TOKEN_IDS: tf.io.FixedLenFeature([sequence_length], tf.int64),
        PADDING_MASK: tf.io.FixedLenFeature([sequence_length], tf.int64),
        LABEL_ID: tf.io.FixedLenFeature([], tf.int64),
    }

    def parse(batch: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        parsed = tf.io.parse_example(batch, spec)
        features = {name: tf.cast(parsed[name], tf.int32) for name in (TOKEN_IDS, PADDING_MASK)}
        return features, tf.cast(parsed[LABEL_ID], tf.int32)

    # Parsing 512 at a time is several times faster than one by one.
    return tf.data.TFRecordDataset(files, compression_type="GZIP").batch(512).map(parse).unbatch()


class TrainingStream:
    """Length-bucketed, shuffled batches over several epochs, the same sequence for the same seed.

    Short texts share a batch with short texts and are cut to the longest of their bucket, which saves most of the
    padding (mean pooling and the attention mask make the result independent of it).

    Attributes:
        rows: examples per epoch.
        steps_per_epoch: batches per epoch.
        label_counts: examples by label id, int64 `[num_classes]`.
    """

    def __init__(self, dataset: tf.data.Dataset, *, batch_size: int, seed: int, num_classes: int) -> None:
        """Reads `dataset` (as `read_split` gives it) once to count, and keeps it in memory.

        Args:
            dataset: unbatched examples.
            batch_size: rows per batch, over all replicas.
            seed: of the shuffle.
            num_classes: labels.

        Raises:
            ValueError: there are no examples.
        """
        self._dataset, self._batch_size, self._seed = dataset.cache(), batch_size, seed
        lengths, labels = [], []
        for features, label in self._dataset.batch(4096):
            lengths.append(features[PADDING_MASK].numpy().sum(axis=1))
            labels.append(label.numpy())
        if not lengths:
            raise ValueError("the train split holds no examples; check data.train_fraction and the input file")
        all_lengths = np.concatenate(lengths)
        self.rows = len(all_lengths)
        self.label_counts = np.bincount(np.concatenate(labels), minlength=num_classes)
        self._longest = int(dataset.element_spec[0][TOKEN_IDS].shape[0])
        self._boundaries = list(range(BUCKET_WIDTH, self._longest, BUCKET_WIDTH))
        per_bucket = np.bincount(np.searchsorted(self._boundaries, all_lengths - 1, side="right"))
        self.steps_per_epoch = int(np.ceil(per_bucket / batch_size).sum())

    def batches(self, epochs: int, *, skip_steps: int = 0) -> tf.data.Dataset:
        """All batches of some epochs.

        Args:
            epochs: passes over the data.
            skip_steps: batches at the start that a killed training had already done.

        Returns:
            `({"token_ids": int32 [batch, seq], "padding_mask": int32 [batch, seq]}, int32 [batch])`, `seq` a
            multiple of the bucket width.
        """
        stream: tf.data.Dataset | None = None
        for epoch in range(epochs):
            shuffled = self._dataset.shuffle(
                min(self.rows, 100_000), seed=self._seed + epoch, reshuffle_each_iteration=False
            )
            # The buckets' leftovers come last and all sorted: a second, small shuffle spreads them.
            batches = self._bucketed(shuffled).shuffle(64, seed=self._seed + epoch, reshuffle_each_iteration=False)
            stream = batches if stream is None else stream.concatenate(batches)
        assert stream is not None
        return stream.skip(skip_steps).prefetch(4)

    def _bucketed(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        buckets = len(self._boundaries) + 1
        batched = dataset.bucket_by_sequence_length(
            lambda features, _: tf.reduce_sum(features[PADDING_MASK]),
            bucket_boundaries=[boundary + 1 for boundary in self._boundaries],
            bucket_batch_sizes=[self._batch_size] * buckets,
            no_padding=True,
        )
        return batched.map(trim, num_parallel_calls=2)


def evaluation_batches(dataset: tf.data.Dataset, *, batch_size: int, limit: int | None = None) -> tf.data.Dataset:
    """Batches, each cut to its longest row, for evaluation.

    Args:
        dataset: unbatched examples, as `read_split` gives them.
        batch_size: rows per batch.
        limit: at most this many batches, of rows drawn from all over the split: files are often sorted by class.
    """
    if limit is not None:
        dataset = dataset.shuffle(100_000, seed=0, reshuffle_each_iteration=False)
    batches = dataset.batch(batch_size).map(trim)
    return (batches if limit is None else batches.take(limit)).cache().prefetch(2)


def trim(features: dict[str, tf.Tensor], label: tf.Tensor) -> tuple[dict[str, tf.Tensor], Any]:
    """Cuts a batch to its longest row, rounded up to a multiple of the bucket width."""
    longest = tf.reduce_max(tf.reduce_sum(features[PADDING_MASK], axis=1))
    width = (longest + BUCKET_WIDTH - 1) // BUCKET_WIDTH * BUCKET_WIDTH
    return {name: value[:, :width] for name, value in features.items()}, label
