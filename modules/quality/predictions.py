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

from modules.machine import saved_models
from modules.machine.progress import tell
from modules.rows.raw import TEXT_HASH, RawSplit

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

# From texts, and values of other columns by name where a model reads more, to the answers by name, `[texts, …]` each.
Predictor = Callable[..., Mapping[str, np.ndarray]]
Answered = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]
_SLICE = "slice:"  # in front of a slice column's name, which may be `label` or `split`
_OWN = ("split", TEXT_HASH, "text", "label", "predicted")
_LABELS = b"labels"  # key of the label names in the file's metadata
_PROGRESS_EVERY = 20  # batches


@dataclasses.dataclass(frozen=True)
class Predictions:
    """A model's answers to one split; every field holds the rows in the same order.

    Attributes:
        text_hash: hash of the normalised text; pairs the same row in two runs.
        text: the raw text.
        label: right answers, int64 or float64 `[rows]`: of one label the ids; of several int8 `[rows, labels]`.
        predicted: what was answered, in the same form.
        more: further columns of the target's, `[rows]` or `[rows, width]`: of one label `probabilities`.
        slices: by slice column, the value of each row.
    """

    text_hash: list[str]
    text: list[str]
    label: np.ndarray
    predicted: np.ndarray
    more: dict[str, np.ndarray]
    slices: dict[str, list[str]]

    def __len__(self) -> int:
        """Rows."""
        return len(self.label)

    @classmethod
    def to_split(cls, split: RawSplit, *, predicted: np.ndarray, more: Mapping[str, np.ndarray]) -> Predictions:
        """A model's answers beside what they are answers to.

        Args:
            split: the rows.
            predicted: what was answered, in the order of the rows.
            more: further columns of the target's, likewise.
        """
        return cls(
            text_hash=list(split.text_hashes) or [""] * len(split.texts),
            text=list(split.texts),
            label=split.labels,
            predicted=predicted,
            more=dict(more),
            slices={column: list(values) for column, values in split.slices.items()},
        )


def served(serving_dir: str) -> Predictor:
    """A SavedModel as a function of raw texts.

    Args:
        serving_dir: folder of the SavedModel, with Edgeline's signature `serving_text` or `serving_rows`.

    Returns:
        A function from texts, and for the latter the values of the other columns, to the answers by name.
    """
    import tensorflow as tf

    model = saved_models.load(serving_dir)
    signature = model.signatures.get("serving_text") or model.signatures["serving_rows"]
    arguments = signature.structured_input_signature[1]

    def predict(
        texts: Sequence[str], others: Mapping[str, Sequence[Any]] | None = None, _alive: object = model
    ) -> dict[str, np.ndarray]:
        # A signature does not keep the variables of its model alive; the default argument does.
        columns = dict.fromkeys(set(arguments) - set(others or {}), texts) | dict(others or {})
        given = {name: tf.constant(list(values), arguments[name].dtype) for name, values in columns.items()}
        return {name: answer.numpy() for name, answer in signature(**given).items()}

    return predict


def predict_split(
    predict: Predictor, split: RawSplit, answered: Answered, *, name: str, batch_size: int = 64
) -> Predictions:
    """Runs a model over a split.

    Args:
        predict: what `served` returned, or any function from texts to answers by name.
        split: the rows.
        answered: `modules.quality.scoring.Scoring.answered` of the target.
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
    answers: list[Mapping[str, np.ndarray]] = []
    for number, start in enumerate(starts, start=1):
        batch = order[start : start + batch_size]
        others = {column: [values[row] for row in batch] for column, values in split.others.items()}
        answers.append(predict([split.texts[row] for row in batch], *([others] if others else [])))
        if number % _PROGRESS_EVERY == 0 or number == len(starts):
            tell(f"predicting {name}: {min(start + batch_size, rows)} of {rows} rows", step=number, steps=len(starts))
    back = np.argsort(order)
    columns = answered({key: np.concatenate([part[key] for part in answers])[back] for key in answers[0]})
    return Predictions.to_split(split, predicted=columns.pop("predicted"), more=columns)


def write(path: str, splits: Mapping[str, Predictions], labels: Sequence[str]) -> None:
    """Writes the predictions of some splits into one Parquet file.

    Columns: `split`, `text_hash`, `text`, `label` and `predicted` (of one label ids), those of the target (of one label
    `probabilities`, a list of float), and `slice:<column>` for each slice column. The label names are in the file's
    metadata under `labels`, as JSON.

    Args:
        path: any path that `tf.io.gfile` knows; written under another name and renamed.
        splits: predictions by split name; all with the same slice columns.
        labels: label names in id order; none where the target has none.
    """
    tables = []
    for name, found in splits.items():
        columns = {
            "split": pa.array([name] * len(found), pa.string()),
            TEXT_HASH: pa.array(found.text_hash, pa.string()),
            "text": pa.array(found.text, pa.string()),
            "label": _stored(found.label),
            "predicted": _stored(found.predicted),
            **{column: _stored(values) for column, values in found.more.items()},
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


def _stored(values: np.ndarray) -> pa.Array:
    """A column of numbers, or of lists of them."""
    if values.ndim == 1:
        return pa.array(values)
    return pa.array(list(values), pa.list_(pa.from_numpy_dtype(values.dtype)))


def _loaded(column: pa.ChunkedArray) -> np.ndarray:
    """The inverse of `_stored`."""
    if not pa.types.is_list(column.type):
        return column.to_numpy()
    return column.combine_chunks().flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1)


def _rows(table: pa.Table) -> Predictions:
    return Predictions(
        text_hash=table[TEXT_HASH].to_pylist(),
        text=table["text"].to_pylist(),
        label=_loaded(table["label"]),
        predicted=_loaded(table["predicted"]),
        more={
            name: _loaded(table[name])
            for name in table.column_names
            if name not in _OWN and not name.startswith(_SLICE)
        },
        slices={
            name.removeprefix(_SLICE): table[name].to_pylist() for name in table.column_names if name.startswith(_SLICE)
        },
    )
