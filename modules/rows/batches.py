"""Transformed examples as `tf.data`: read, batch by length, resume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modules.rows.features import LABEL_ID, PADDING_MASK, TOKEN_IDS
from modules.rows.transformed import BUCKET_WIDTH, Examples, epoch_plan, steps_per_epoch, width_of

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


def read_split(file_patterns: Sequence[str], *, sequence_length: int) -> tf.data.Dataset:
    """Reads one split of Transform's output.

    Args:
        file_patterns: globs of gzip-compressed TFRecord files of `tf.Example`.
        sequence_length: window of the preprocessing, in tokens.

    Returns:
        `({"token_ids": int32 [rows, sequence_length], "padding_mask": int32 [rows, sequence_length]}, labels int32
        [rows])`, some hundred rows at a time, always in the same order.

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
    return tf.data.TFRecordDataset(files, compression_type="GZIP").batch(512).map(parse)


def load_examples(file_patterns: Sequence[str], *, sequence_length: int) -> Examples:
    """Reads a split of Transform's output into memory.

    Args:
        file_patterns: globs of gzip-compressed TFRecords of `tf.Example`.
        sequence_length: tokens of a row.

    Returns:
        All rows in the order of the files.

    Raises:
        FileNotFoundError: no file matches.
        ValueError: the files hold no row.
    """
    parts = [
        (features[TOKEN_IDS].numpy(), features[PADDING_MASK].numpy(), labels.numpy())
        for features, labels in read_split(file_patterns, sequence_length=sequence_length)
    ]
    if not parts:
        raise ValueError(f"{', '.join(file_patterns)} hold no examples; check data.train_fraction and the input file")
    token_ids, padding_mask, labels = (np.concatenate(column).astype(np.int32) for column in zip(*parts, strict=True))
    return Examples(token_ids, padding_mask, labels)


def training_batches(
    windows: Mapping[str, NDArray[np.int32]],
    columns: Mapping[str, NDArray[Any]],
    *,
    batch_size: int,
    seed: int,
    epochs: int,
    skip_steps: int = 0,
) -> tf.data.Dataset:
    """Length-bucketed, shuffled batches over several epochs, the same sequence for the same arguments.

    Short texts share a batch with short texts and are cut to its longest, which saves most of the padding (mean
    pooling and the attention mask make the result independent of it).

    Args:
        windows: int32 `[rows, seq]` each, `padding_mask` among them.
        columns: what else a batch has of each row, `[rows, ...]`.
        batch_size: rows of a batch, over all replicas.
        seed: of the order.
        epochs: passes over the data.
        skip_steps: batches at the start that a killed training had already done.

    Returns:
        Dictionaries of both, `[batch_size, ...]`; the windows' width is a multiple of the bucket width, or `seq`.
    """
    lengths, longest = windows[PADDING_MASK].sum(axis=1, dtype=np.int32), windows[PADDING_MASK].shape[1]
    plans = [epoch_plan(lengths, batch_size=batch_size, seed=seed, epoch=epoch) for epoch in range(epochs)]
    rows = np.concatenate(plans)[skip_steps:]
    widths = [width_of(lengths[batch], longest) for batch in rows]
    with tf.device("CPU"):  # the rows would fill a GPU's memory
        tensors = {name: tf.constant(values) for name, values in {**windows, **columns}.items()}
        dataset = tf.data.Dataset.from_tensor_slices((rows, np.asarray(widths, np.int32)))

    def take(batch: tf.Tensor, width: tf.Tensor) -> dict[str, tf.Tensor]:
        taken = {name: tf.gather(values, batch) for name, values in tensors.items()}
        return taken | {name: taken[name][:, :width] for name in windows}

    return dataset.map(take).prefetch(4)


class TrainingStream:
    """The train split as Keras wants it: `training_batches` with the labels beside the features.

    Attributes:
        rows: examples per epoch.
        steps_per_epoch: batches per epoch.
        label_counts: examples by label id, int64 `[num_classes]`.
    """

    def __init__(self, examples: Examples, *, batch_size: int, seed: int, num_classes: int) -> None:
        """Counts steps and labels.

        Args:
            examples: the rows.
            batch_size: rows per batch, over all replicas.
            seed: of the shuffle.
            num_classes: labels.
        """
        self._examples, self._batch_size, self._seed = examples, batch_size, seed
        self.rows = len(examples)
        self.label_counts = np.bincount(examples.labels, minlength=num_classes)
        self.steps_per_epoch = steps_per_epoch(self.rows, batch_size)

    def batches(self, epochs: int, *, skip_steps: int = 0) -> tf.data.Dataset:
        """All batches of some epochs.

        Args:
            epochs: passes over the data.
            skip_steps: batches at the start that a killed training had already done.

        Returns:
            `({"token_ids": int32 [batch, seq], "padding_mask": int32 [batch, seq]}, int32 [batch])`.
        """
        windows = self._examples.features
        batches = training_batches(
            windows,
            {LABEL_ID: self._examples.labels},
            batch_size=self._batch_size,
            seed=self._seed,
            epochs=epochs,
            skip_steps=skip_steps,
        )
        return batches.map(lambda batch: ({name: batch[name] for name in windows}, batch[LABEL_ID]))


def evaluation_batches(examples: Examples, *, batch_size: int, limit: int | None = None) -> tf.data.Dataset:
    """Batches, each cut to its longest row, for evaluation.

    Args:
        examples: the rows.
        batch_size: rows per batch.
        limit: at most this many batches, of rows drawn from all over the split: files are often sorted by class.

    Returns:
        `({"token_ids": int32 [batch, seq], "padding_mask": int32 [batch, seq]}, int32 [batch])`, in the rows' order.
    """
    if limit is not None:
        examples = examples.take(np.random.default_rng(0).permutation(len(examples))[: limit * batch_size])
    dataset = tf.data.Dataset.from_tensor_slices((examples.features, examples.labels))
    return dataset.batch(batch_size).map(trim).cache().prefetch(2)


def trim(features: dict[str, tf.Tensor], label: tf.Tensor) -> tuple[dict[str, tf.Tensor], Any]:
    """Cuts a batch to its longest row, rounded up to a multiple of the bucket width."""
    longest = tf.reduce_max(tf.reduce_sum(features[PADDING_MASK], axis=1))
    width = (longest + BUCKET_WIDTH - 1) // BUCKET_WIDTH * BUCKET_WIDTH
    return {name: value[:, :width] for name, value in features.items()}, label
