"""Raw examples as plain Python values: texts, right answers and slice values of one split."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.targets.base import Target
from modules.tensors import Column, ColumnType, Reading, raw_spec

import numpy as np

from edgeline_edge.picture import header

# Feature with the hash of the normalised text, by which ExampleGen splits; the same row has the same hash in every run.
TEXT_HASH = "text_hash"


@dataclasses.dataclass(frozen=True)
class RawSplit:
    """One split of ExampleGen's output.

    Attributes:
        texts: the texts, in file order; of rows without one what the inputs read of them.
        labels: right answers as the target's `truth` gives them, `[rows]`: of one label the ids, int64.
        slices: by slice column, the value of each row.
        text_hashes: hash of each row's normalised text; empty strings where the examples have none.
        others: by column of a further input, the value of each row; of a picture its bytes.
        linear: by column, how a linear model reads it; columns that it does not read are not there.
        has_texts: whether `texts` are texts.
    """

    texts: list[str]
    labels: np.ndarray
    slices: dict[str, list[str]]
    text_hashes: list[str] = dataclasses.field(default_factory=list)
    others: dict[str, list[Any]] = dataclasses.field(default_factory=dict)
    linear: dict[str, Reading] = dataclasses.field(default_factory=dict)
    has_texts: bool = True


def read_raw_split(
    file_patterns: Sequence[str],
    *,
    text: str,
    target: Target,
    slices: Sequence[str],
    others: Mapping[str, ColumnType] | None = None,
    linear: Mapping[str, Reading] | None = None,
) -> RawSplit:
    """Reads a split into memory.

    Args:
        file_patterns: globs of gzip-compressed TFRecord files of `tf.Example`.
        text: name of the text feature; empty where rows have none.
        target: of the task; its column is the feature with the right answer.
        slices: names of the slice features.
        others: types of the columns of further inputs, by name.
        linear: how a linear model reads some of these columns, by name.

    Raises:
        FileNotFoundError: no file matches.
        ValueError: a right answer is none, such as a label that the target does not have.
    """
    import tensorflow as tf

    files = sorted(name for pattern in file_patterns for name in tf.io.gfile.glob(pattern))
    if not files:
        raise FileNotFoundError(f"no examples match {', '.join(file_patterns)}; did ExampleGen run?")
    table = [Column(name, kind) for name, kind in (others or {}).items()]
    pictures = {column.name for column in table if column.is_image}
    spec = raw_spec(table)
    spec |= {name: tf.io.FixedLenFeature([], tf.string) for name in (text, *slices) if name}
    spec |= raw_spec(target.columns())
    spec[TEXT_HASH] = tf.io.FixedLenFeature([], tf.string, default_value="")
    columns: dict[str, list[Any]] = {name: [] for name in spec}
    for batch in tf.data.TFRecordDataset(files, compression_type="GZIP").batch(1024):
        parsed = tf.io.parse_example(batch, spec)
        for name in spec:
            values = parsed[name].numpy().tolist()
            as_text = name not in pictures
            columns[name].extend(
                value.decode("utf-8") if as_text and isinstance(value, bytes) else value for value in values
            )
    read = {name: columns[name] for name in others or {}}
    answers = columns[target.column]
    return RawSplit(
        columns[text] if text else _described(read, len(answers)),
        target.truth(answers),
        {name: columns[name] for name in slices},
        columns[TEXT_HASH],
        read,
        dict(linear or {}),
        has_texts=bool(text),
    )


def _described(columns: Mapping[str, Sequence[Any]], rows: int) -> list[str]:
    """What stands for the texts of rows that have none: all that their inputs read, column by column."""
    return ["\n".join(f"{name}={_told(values[row])}" for name, values in columns.items()) for row in range(rows)]


def _told(value: Any) -> Any:
    """A value in a text; of a picture, which is none, what it is."""
    if not isinstance(value, bytes):
        return value
    if not value:
        return ""
    found = header(value)
    return f"{found.format} {found.width} × {found.height}, {hashlib.sha256(value).hexdigest()[:12]}"
