"""Transformed examples as `tf.data`: read, batch by length, resume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modules.inputs import kinds as inputs_lib
from modules.rows import absence
from modules.rows.transformed import BUCKET_WIDTH, Examples, epoch_plan, lengths, steps_per_epoch, width_of
from modules.targets.base import Target
from modules.tensors import Tensor

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

_ANSWER = "right answer"  # no feature of the network can have this name


def read_split(file_patterns: Sequence[str], tensors: Sequence[Tensor], answer: Tensor) -> tf.data.Dataset:
    """Reads one split of Transform's output.

    Args:
        file_patterns: globs of gzip-compressed TFRecord files of `tf.Example`.
        tensors: what the network takes.
        answer: the right answer.

    Returns:
        `(features by name [rows, *shape], answers [rows, *shape])`, some hundred rows at a time, always in the same
        order.

    Raises:
        FileNotFoundError: no file matches.
    """
    files = sorted(name for pattern in file_patterns for name in tf.io.gfile.glob(pattern))
    if not files:
        raise FileNotFoundError(f"no transformed examples match {', '.join(file_patterns)}; did Transform run?")
    spec = {tensor.name: tensor.stored() for tensor in (*tensors, answer)}

    def parse(batch: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        parsed = tf.io.parse_example(batch, spec)
        return {tensor.name: tensor.read(parsed[tensor.name]) for tensor in tensors}, answer.read(parsed[answer.name])

    # Parsing 512 at a time is several times faster than one by one.
    return tf.data.TFRecordDataset(files, compression_type="GZIP").batch(512).map(parse)


def load_examples(
    file_patterns: Sequence[str], tensors: Sequence[Tensor], answer: Tensor, *, mask: str | None = None
) -> Examples:
    """Reads a split of Transform's output into memory.

    Args:
        file_patterns: globs of gzip-compressed TFRecords of `tf.Example`.
        tensors: what the network takes.
        answer: the right answer.
        mask: the tensor that says how long a row is, if any.

    Returns:
        All rows in the order of the files.

    Raises:
        FileNotFoundError: no file matches.
        ValueError: the files hold no row.
    """
    parts = [
        ({name: values.numpy() for name, values in features.items()}, answers.numpy())
        for features, answers in read_split(file_patterns, tensors, answer)
    ]
    if not parts:
        raise ValueError(f"{', '.join(file_patterns)} hold no examples; check data.train_fraction and the input file")
    features = {tensor.name: np.concatenate([part[tensor.name] for part, _ in parts]) for tensor in tensors}
    windows = tuple(tensor.name for tensor in tensors if tensor.window)
    return Examples(features, np.concatenate([answers for _, answers in parts]), windows, mask)


def load_split(file_patterns: Sequence[str], inputs: inputs_lib.Inputs, target: Target) -> Examples:
    """Reads what the inputs and the target of a task read of a split, as `load_examples` does.

    Args:
        file_patterns: globs of its files.
        inputs: of the task.
        target: of the task.

    Returns:
        The rows; where a text is read in windows, each window with its row's answer.
    """
    main = inputs_lib.with_backbone(inputs)
    rows = load_examples(file_patterns, inputs_lib.tensors(inputs), target.tensor(), mask=inputs_lib.mask(inputs))
    return rows.apart(main.windows if main else 1)


def training_batches(
    windows: Mapping[str, NDArray[Any]],
    columns: Mapping[str, NDArray[Any]],
    *,
    mask: str | None,
    batch_size: int,
    seed: int,
    epochs: int,
    skip_steps: int = 0,
) -> tf.data.Dataset:
    """Length-bucketed, shuffled batches over several epochs, the same sequence for the same arguments.

    Short texts share a batch with short texts and are cut to its longest, which saves most of the padding (mean
    pooling and the attention mask make the result independent of it).

    Args:
        windows: `[rows, seq]` each, `mask` among them.
        columns: what else a batch has of each row, `[rows, ...]`, one at least.
        mask: the window that is 1 where a row goes on; None where there are no windows.
        batch_size: rows of a batch, over all replicas.
        seed: of the order.
        epochs: passes over the data.
        skip_steps: batches at the start that a killed training had already done.

    Returns:
        Dictionaries of both, `[batch_size, ...]`; the windows' width is a multiple of the bucket width, or `seq`.
    """
    long = lengths(windows, mask, len(next(iter(columns.values()))))
    plans = [epoch_plan(long, batch_size=batch_size, seed=seed, epoch=epoch) for epoch in range(epochs)]
    return _gathered(windows, columns, np.concatenate(plans)[skip_steps:], mask)


def _gathered(
    windows: Mapping[str, NDArray[Any]], columns: Mapping[str, NDArray[Any]], rows: NDArray[np.int64], mask: str | None
) -> tf.data.Dataset:
    """Batches of these rows, `[batches, rows]`, each cut to its longest."""
    long = lengths(windows, mask, len(next(iter(columns.values()))))
    longest = windows[mask].shape[1] if mask else 0
    widths = [width_of(long[batch], longest) for batch in rows]
    with tf.device("CPU"):  # the rows would fill a GPU's memory
        tensors = {name: tf.constant(values) for name, values in {**windows, **columns}.items()}
        dataset = tf.data.Dataset.from_tensor_slices((rows, np.asarray(widths, np.int32)))

    def take(batch: tf.Tensor, width: tf.Tensor) -> dict[str, tf.Tensor]:
        taken = {name: tf.gather(values, batch) for name, values in tensors.items()}
        return taken | {name: taken[name][:, :width] for name in windows}

    return dataset.map(take).prefetch(4)


def lacking(
    batches: tf.data.Dataset,
    inputs: inputs_lib.Inputs,
    names: Sequence[str],
    *,
    rate: float,
    seed: int,
    first: int = 0,
    taught: str = "",
) -> tf.data.Dataset:
    """The same batches, with inputs of some rows left out.

    Args:
        batches: as `training_batches` makes them.
        inputs: of the task.
        names: of the features in a batch; what else it has stays as it is.
        rate: see `modules.rows.absence.drawn`, as of the seed.
        seed: of the choice.
        first: number of the first step, so that a killed training goes on with the choices that it would have made.
        taught: before the names of what a teacher reads in other numbers; it lacks the same.
    """

    def leave_out(step: tf.Tensor, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        own = {name: batch[name] for name in names}
        gone = absence.drawn(inputs, tf.shape(own[names[0]])[0], rate=rate, seed=seed, step=step)
        changed = batch | absence.without(own, inputs, gone)
        of_teacher = {name: batch[f"{taught}{name}"] for name in names if taught and f"{taught}{name}" in batch}
        if of_teacher:
            seen = absence.without(own | of_teacher, inputs, gone)
            changed |= {f"{taught}{name}": seen[name] for name in of_teacher}
        return changed

    return batches.enumerate(first).map(leave_out)


class TrainingStream:
    """The train split as Keras wants it: `training_batches` with the labels beside the features.

    Attributes:
        rows: of the split, each counted once.
        steps_per_epoch: batches per epoch.
        labels: the right answers of all examples; where rows are read in windows, of each window.
    """

    def __init__(
        self,
        examples: Examples,
        *,
        batch_size: int,
        seed: int,
        inputs: inputs_lib.Inputs | None = None,
        modality_dropout: float = 0.0,
    ) -> None:
        """Counts steps.

        Args:
            examples: the rows.
            batch_size: rows per batch, over all replicas.
            seed: of the shuffle, and of what is left out.
            inputs: of the task; needed with `modality_dropout`.
            modality_dropout: share of the rows in which an input is taken for missing, see `modules.rows.absence`.
        """
        self._examples, self._batch_size, self._seed = examples, batch_size, seed
        self._inputs, self._rate = inputs or {}, modality_dropout
        self.rows = examples.whole
        self.labels = examples.labels
        self.steps_per_epoch = steps_per_epoch(len(examples), batch_size)

    def in_order(self, batch_size: int) -> tf.data.Dataset:
        """All rows once, in the order of `labels`.

        Args:
            batch_size: rows per batch.

        Returns:
            As `evaluation_batches`.
        """
        return evaluation_batches(self._examples, batch_size=batch_size)

    def batches(self, epochs: int, *, skip_steps: int = 0) -> tf.data.Dataset:
        """All batches of some epochs.

        Args:
            epochs: passes over the data.
            skip_steps: batches at the start that a killed training had already done.

        Returns:
            `(features by name [batch, ...], answers [batch, ...])`.
        """
        features = self._examples.features
        batches = training_batches(
            *self._columns(),
            mask=self._examples.mask,
            batch_size=self._batch_size,
            seed=self._seed,
            epochs=epochs,
            skip_steps=skip_steps,
        )
        if self._rate:
            batches = lacking(
                batches, self._inputs, tuple(features), rate=self._rate, seed=self._seed, first=skip_steps
            )
        return batches.map(self._apart)

    def chosen(self, rows: NDArray[np.int64]) -> tf.data.Dataset:
        """Batches of given rows, whole ones.

        Args:
            rows: numbers of rows, `[batches, rows of a batch]`.

        Returns:
            As `batches`.
        """
        return _gathered(*self._columns(), rows, self._examples.mask).map(self._apart)

    def _columns(self) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
        """The windows, and what else a row has, the right answer among it."""
        features, windows = self._examples.features, self._examples.windows
        return (
            {name: features[name] for name in windows},
            {name: values for name, values in features.items() if name not in windows} | {_ANSWER: self.labels},
        )

    def _apart(self, batch: dict[str, tf.Tensor]) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        return {name: batch[name] for name in self._examples.features}, batch[_ANSWER]


def evaluation_batches(examples: Examples, *, batch_size: int, limit: int | None = None) -> tf.data.Dataset:
    """Batches, each cut to its longest row, for evaluation.

    Args:
        examples: the rows.
        batch_size: rows per batch.
        limit: at most this many batches, of rows drawn from all over the split: files are often sorted by class.

    Returns:
        `(features by name [batch, ...], answers [batch, ...])`, in the rows' order.
    """
    if limit is not None:
        examples = examples.take(np.random.default_rng(0).permutation(len(examples))[: limit * batch_size])
    dataset = tf.data.Dataset.from_tensor_slices((examples.features, examples.labels))
    batches = dataset.batch(batch_size)
    mask, windows = examples.mask, examples.windows
    if mask is not None:
        batches = batches.map(lambda features, answer: (trim(features, mask, windows), answer))
    return batches.cache().prefetch(2)


def trim(features: dict[str, tf.Tensor], mask: str, windows: Sequence[str]) -> dict[str, tf.Tensor]:
    """Cuts the windows of a batch to its longest row, rounded up to a multiple of the bucket width."""
    longest = tf.reduce_max(tf.reduce_sum(features[mask], axis=1))
    width = (longest + BUCKET_WIDTH - 1) // BUCKET_WIDTH * BUCKET_WIDTH
    return features | {name: features[name][:, :width] for name in windows}
