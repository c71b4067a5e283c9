"""Rows that lack an input, in training."""

from __future__ import annotations

from typing import Any

from modules.inputs import kinds as inputs_lib
from modules.rows import absence
from modules.rows.batches import TrainingStream, lacking, training_batches
from modules.rows.transformed import Examples

import numpy as np
import tensorflow as tf

from tests.unit import compression_helpers as helpers

INPUTS = helpers.text_inputs() | inputs_lib.read(
    {
        "price": {"kind": "number", "column": "price"},
        "shop": {"kind": "category", "column": "shop", "learnt": {"values": ["a", "b", "c"]}},
    }
)


def rows(count: int) -> Examples:
    text, chance = helpers.examples(count), np.random.default_rng(1)
    table = {
        "price_number": np.stack([chance.normal(0, 1, count), np.zeros(count)], axis=1).astype(np.float32),
        "shop_category": chance.integers(2, 5, count).astype(np.int32),
    }
    return Examples({**text.features, **table}, text.labels, text.windows, text.mask)


def absent(features: Any) -> dict[str, np.ndarray]:
    return {
        "text": features["padding_mask"].numpy().sum(axis=1) == 2,
        "price": features["price_number"].numpy()[:, 1] == 1,
        "shop": features["shop_category"].numpy() == 0,
    }


def test_each_input_lacks_by_itself_and_no_row_lacks_all() -> None:
    stream = TrainingStream(rows(400), batch_size=200, seed=5, inputs=INPUTS, modality_dropout=0.3)
    found = [absent(features) for features, _ in stream.batches(4)]
    gone = {name: np.concatenate([batch[name] for batch in found]) for name in INPUTS}
    for name, lacks in gone.items():
        assert 0.2 < lacks.mean() < 0.4, name
    both = gone["price"] & gone["shop"]
    assert 0.03 < both.mean() < 0.16, "they are independent"
    assert not (both & gone["text"]).any()


def test_a_killed_training_goes_on_with_the_choices_that_it_would_have_made() -> None:
    def batches(skipped: int) -> list[Any]:
        stream = TrainingStream(rows(60), batch_size=20, seed=5, inputs=INPUTS, modality_dropout=0.4)
        return [features for features, _ in stream.batches(2, skip_steps=skipped)]

    for whole, rest in zip(batches(0)[2:], batches(2), strict=True):
        for name, values in whole.items():
            np.testing.assert_array_equal(values, rest[name])
    first, second = batches(0)[0], batches(0)[1]
    assert not np.array_equal(absent(first)["shop"], absent(second)["shop"])


def test_a_row_without_an_input_is_what_transform_makes_of_an_empty_cell(tiny_backbone: dict[str, Any]) -> None:
    section = {"kind": "text", "column": "text", "sequence_length": 16, "backbone": tiny_backbone}
    inputs = inputs_lib.read({"text": section}) | {name: INPUTS[name] for name in ("price", "shop")}
    raw = {"text": ["a good film", ""], "price": [3.5, float("nan")], "shop": ["b", ""]}
    learnt = {"price": inputs["price"].with_learnt({"mean": 0.0, "factor": 1.0}), "shop": inputs["shop"]}
    made: dict[str, tf.Tensor] = {}
    for part in (inputs["text"], *learnt.values()):
        made |= part.features({name: tf.constant(values) for name, values in raw.items()})
    there, empty = ({name: values[at : at + 1] for name, values in made.items()} for at in (0, 1))
    lacking_all = absence.without(there, inputs, dict.fromkeys(inputs, tf.constant([True])))
    for name in ("padding_mask", "price_number", "shop_category"):
        np.testing.assert_array_equal(lacking_all[name], empty[name], err_msg=name)
    np.testing.assert_array_equal(lacking_all["token_ids"][:, :2], empty["token_ids"][:, :2])
    kept = absence.without(there, inputs, dict.fromkeys(inputs, tf.constant([False])))
    for name, values in there.items():
        np.testing.assert_array_equal(kept[name], values)


def test_a_teacher_lacks_what_its_student_lacks() -> None:
    some = rows(40)
    windows = {name: some.features[name] for name in some.windows} | {"teacher/token_ids": some.features["token_ids"]}
    columns = {name: values for name, values in some.features.items() if name not in some.windows}
    batches = training_batches(windows, columns, mask=some.mask, batch_size=40, seed=1, epochs=1)
    [batch] = lacking(batches, INPUTS, tuple(some.features), rate=0.5, seed=1, taught="teacher/")
    np.testing.assert_array_equal(batch["teacher/token_ids"], batch["token_ids"])
    assert absent(batch)["text"].any()
