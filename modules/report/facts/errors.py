"""The errors that a model was surest of, and what of the row pushed it there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modules.inputs import kinds
from modules.network.trained import load_trained
from modules.quality.predictions import Predictions
from modules.tensors import raw_spec

import numpy as np
import tensorflow as tf


def worst_errors(
    found: Predictions,
    labels: Sequence[str],
    *,
    split: str,
    count: int,
    inputs: kinds.Inputs,
    training: str | None,
    examples: str | None,
    points: int,
) -> dict[str, Any]:
    """The errors that the model was surest of, with the words that pushed it there.

    Words are reasons of the input that the backbone encodes; what other inputs hold of the row stays as it is.

    Args:
        found: answers to the split.
        labels: label names in id order.
        split: its name.
        count: errors, at most.
        inputs: of the task.
        training: the `training` folder of the model; None where answers have no reasons.
        examples: a pattern of the split's raw examples, in whose order the answers are; needed with several inputs, and
            with pictures.
        points: of the integral, see `modules.inputs.text.attribution`.

    Returns:
        `split`, `rows`, `errors` (how many there are) and `items`: `label`, `predicted` (names), `probability`,
        `slices`, `margin` (None without reasons), and `spans`, pairs of a part of the text and what it added to the
        margin. With other inputs also `held`, their names; with pictures each item has `images`, data URIs by column.
    """
    probabilities = found.more["probabilities"]
    wrong = np.flatnonzero(found.predicted != found.label)
    surest = wrong[np.argsort(-probabilities[wrong, found.predicted[wrong]], kind="stable")][:count].tolist()
    # Where rows may lack it, what is kept of them is more than its value.
    part = kinds.with_backbone(inputs) if kinds.identity_column(inputs) else None
    explain = part.part("reasons") if part and training else None
    trained = load_trained(str(training)) if explain else None
    # As the model knows them, with what they have learnt of the training rows.
    held = kinds.read(trained.architecture.inputs) if trained else {}
    reasons: list[Any] = [None] * len(surest)
    if explain:
        reasons = explain(
            part,
            trained,
            [found.text[row] for row in surest],
            found.predicted[surest].tolist(),
            found.label[surest].tolist(),
            fixed=_tensors(held, examples, surest),
            points=points,
        )
    images = _images(inputs, examples, surest)
    return {
        "split": split,
        "rows": len(found),
        "errors": len(wrong),
        "items": [
            {
                **({"images": images[place]} if images else {}),
                "label": labels[found.label[row]],
                "predicted": labels[found.predicted[row]],
                "probability": float(probabilities[row, found.predicted[row]]),
                "slices": {column: values[row] for column, values in found.slices.items()},
                "margin": reason.margin if reason else None,
                "spans": [[span.text, span.weight] for span in reason.spans] if reason else [[found.text[row], None]],
            }
            for place, (row, reason) in enumerate(zip(surest, reasons, strict=True))
        ],
        **({"held": list(held)} if held else {}),
    }


def _images(inputs: kinds.Inputs, examples: str | None, rows: Sequence[int]) -> list[dict[str, str]]:
    """How the values of some rows look, where an input says so: by row, a data URI by column; empty where none does."""
    visible = kinds.playing(inputs, "shown")
    if not (visible and examples and rows):
        return []
    raw = _raw({name: part for name, (part, _) in visible.items()}, examples, rows)
    found: list[dict[str, str]] = [{} for _ in rows]
    for part, shown in visible.values():
        for place, address in enumerate(shown(part, raw[part.column].numpy().tolist())):
            if address:
                found[place][part.column] = address
    return found


def _tensors(inputs: kinds.Inputs, examples: str | None, rows: Sequence[int]) -> list[dict[str, tf.Tensor]]:
    """What some inputs make of some rows: by row, their tensors, `[1, *shape]` each."""
    if not inputs or not rows:
        return [{} for _ in rows]
    raw = _raw(inputs, str(examples), rows)
    tensors: dict[str, tf.Tensor] = {}
    for part in inputs.values():
        made = part.features(raw)
        tensors |= {tensor.name: tf.cast(made[tensor.name], tensor.dtype) for tensor in part.tensors()}
    return [{name: values[at : at + 1] for name, values in tensors.items()} for at in range(len(rows))]


def _raw(inputs: kinds.Inputs, examples: str, rows: Sequence[int]) -> Mapping[str, tf.Tensor]:
    """Values of the inputs' columns, `[rows]` each, in the order of `rows`."""
    spec = raw_spec(kinds.columns(inputs))
    # As `modules.rows.raw.read_raw_split` reads them, whose order the stored answers have.
    records = tf.data.TFRecordDataset(sorted(tf.io.gfile.glob(examples)), compression_type="GZIP")
    wanted = set(rows)
    taken = {number: record for number, record in records.enumerate().as_numpy_iterator() if number in wanted}
    return tf.io.parse_example(tf.constant([taken[row] for row in rows]), spec)
