"""What a model answers to every row of a split, kept in one Parquet file for reports, fairness and comparisons.

The answers come from the SavedModel's `serving_text` signature: what a server would say to the raw text. TensorFlow is
imported by what needs it: a comparison of two files on this machine does not.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modules.machine.progress import report
from modules.rows.raw import TEXT_HASH, RawSplit

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

# From texts, and values of other columns by name where a model reads more, to probabilities `[texts, classes]`.
Predictor = Callable[..., np.ndarray]
_SLICE = "slice:"  # in front of a slice column's name, which may be `label` or `split`
_LABELS = b"labels"  # key of the label names in the file's metadata
_PROGRESS_EVERY = 20  # batches


@dataclasses.dataclass(frozen=True)
class Predictions:
    """A model's answers to one split; every field holds the rows in the same order.

    Attributes:
        text_hash: hash of the normalised text; pairs the same row in two runs.
        text: the raw text.
        label: true label ids, int64 `[rows]`.
        predicted: predicted label ids, int64 `[rows]`.
        probabilities: float32 `[rows, classes]`.
        slices: by slice column, the value of each row.
    """

    text_hash: list[str]
    text: list[str]
    label: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray
    slices: dict[str, list[str]]

    def __len__(self) -> int:
        """Rows."""
        return len(self.label)


def served(serving_dir: str) -> Predictor:
    """A SavedModel as a function of raw texts.

    Args:
        serving_dir: folder of the SavedModel, with Edgeline's signature `serving_text` or `serving_rows`.

    Returns:
        A function from texts, and for the latter the values of the other columns, to float32 probabilities
        `[texts, classes]`.
    """
    import tensorflow as tf
    import tensorflow_text  # noqa: F401  (registers the tokenizer's ops)

    loaded = tf.saved_model.load(serving_dir)
    signature = loaded.signatures.get("serving_text") or loaded.signatures["serving_rows"]
    arguments = signature.structured_input_signature[1]

    def predict(
        texts: Sequence[str], others: Mapping[str, Sequence[Any]] | None = None, _alive: object = loaded
    ) -> np.ndarray:
        # A signature does not keep the variables of its model alive; the default argument does.
        columns = dict.fromkeys(set(arguments) - set(others or {}), texts) | dict(others or {})
        given = {name: tf.constant(list(values), arguments[name].dtype) for name, values in columns.items()}
        return signature(**given)["probabilities"].numpy()

    return predict


def predict_split(predict: Predictor, split: RawSplit, *, name: str, batch_size: int = 64) -> Predictions:
    """Runs a model over a split.

    Args:
        predict: what `served` returned, or any function from texts to probabilities `[texts, classes]`.
        split: the rows.
        name: of the split, for the progress.
        batch_size: texts of a call. Texts of similar length go together, since a batch is as wide as its longest.

    Returns:
        The answers in the order of the split.

    Raises:
        ValueError: the split has no rows.
    """
    rows = len(split.texts)
    if not rows:
        raise ValueError(f"the split {name} has no rows to predict; check data.splits")
    order = sorted(range(rows), key=lambda row: len(split.texts[row]))
    starts = range(0, rows, batch_size)
    answers: list[np.ndarray] = []
    for number, start in enumerate(starts, start=1):
        batch = order[start : start + batch_size]
        others = {column: [values[row] for row in batch] for column, values in split.others.items()}
        answers.append(predict([split.texts[row] for row in batch], *([others] if others else [])))
        if number % _PROGRESS_EVERY == 0 or number == len(starts):
            report(f"predicting {name}: {min(start + batch_size, rows)} of {rows} rows", step=number, steps=len(starts))
    probabilities = np.concatenate(answers).astype(np.float32)[np.argsort(order)]
    return Predictions(
        text_hash=list(split.text_hashes) or [""] * rows,
        text=list(split.texts),
        label=np.asarray(split.labels, np.int64),
        predicted=probabilities.argmax(axis=1).astype(np.int64),
        probabilities=probabilities,
        slices={column: list(values) for column, values in split.slices.items()},
    )


def write(path: str, splits: Mapping[str, Predictions], labels: Sequence[str]) -> None:
    """Writes the predictions of some splits into one Parquet file.

    Columns: `split`, `text_hash`, `text`, `label` and `predicted` (ids), `probabilities` (list of float), and
    `slice:<column>` for each slice column. The label names are in the file's metadata under `labels`, as JSON.

    Args:
        path: any path that `tf.io.gfile` knows; written under another name and renamed.
        splits: predictions by split name; all with the same slice columns.
        labels: label names in id order.
    """
    tables = []
    for name, found in splits.items():
        columns = {
            "split": pa.array([name] * len(found), pa.string()),
            TEXT_HASH: pa.array(found.text_hash, pa.string()),
            "text": pa.array(found.text, pa.string()),
            "label": pa.array(found.label, pa.int64()),
            "predicted": pa.array(found.predicted, pa.int64()),
            "probabilities": pa.array(list(found.probabilities), pa.list_(pa.float32())),
        }
        columns |= {f"{_SLICE}{column}": pa.array(values, pa.string()) for column, values in found.slices.items()}
        tables.append(pa.table(columns))
    table = pa.concat_tables(tables)
    named = json.dumps(list(labels), ensure_ascii=False).encode()
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), _LABELS: named})
    content = io.BytesIO()
    pq.write_table(table, content, compression="zstd")
    import tensorflow as tf

    with tf.io.gfile.GFile(f"{path}.partial", "wb") as file:
        file.write(content.getvalue())
    tf.io.gfile.rename(f"{path}.partial", path, overwrite=True)


def read(path: str) -> tuple[dict[str, Predictions], list[str]]:
    """Reads what `write` wrote.

    Args:
        path: any path that `tf.io.gfile` knows.

    Returns:
        Predictions by split name, and the label names in id order.

    Raises:
        ValueError: the file is not one of `write`'s.
    """
    import tensorflow as tf

    with tf.io.gfile.GFile(path, "rb") as file:
        return parse(file.read(), path)


def parse(content: bytes, path: str) -> tuple[dict[str, Predictions], list[str]]:
    """Reads the content of a file that `write` wrote, without TensorFlow.

    Args:
        content: of the file.
        path: of the file, for the error.

    Returns:
        As `read`.

    Raises:
        ValueError: the file is not one of `write`'s.
    """
    try:
        table = pq.read_table(io.BytesIO(content))
        labels = [str(label) for label in json.loads(table.schema.metadata[_LABELS])]
    except (pa.ArrowInvalid, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a file of predictions: {error}") from error
    split_of = np.array(table["split"].to_pylist())
    return {name: _rows(table.filter(pa.array(split_of == name))) for name in dict.fromkeys(split_of.tolist())}, labels


def _rows(table: pa.Table) -> Predictions:
    flat = table["probabilities"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return Predictions(
        text_hash=table[TEXT_HASH].to_pylist(),
        text=table["text"].to_pylist(),
        label=table["label"].to_numpy(),
        predicted=table["predicted"].to_numpy(),
        probabilities=flat.astype(np.float32).reshape(table.num_rows, -1),
        slices={
            name.removeprefix(_SLICE): table[name].to_pylist() for name in table.column_names if name.startswith(_SLICE)
        },
    )
