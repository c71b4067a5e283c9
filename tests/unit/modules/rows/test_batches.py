"""`modules.rows.batches`: every row once per epoch, in an order that a killed training finds again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.rows.batches import (
    BUCKET_WIDTH,
    TrainingStream,
    evaluation_batches,
    load_examples,
    read_split,
    training_batches,
    trim,
)
from modules.rows.transformed import Examples, by_text, first_of_text
from modules.tensors import Tensor

import numpy as np
import pytest
import tensorflow as tf

from tests.unit import compression_helpers as helpers

LENGTH = 32


def tensors(length: int) -> tuple[list[Tensor], Tensor]:
    """What the network takes, and the label."""
    windows = [Tensor(name, "int32", (length,), window=True) for name in ("token_ids", "padding_mask")]
    return windows, Tensor("label_id", "int32")


Batch = tuple[list[int], list[int], list[int], int]


def examples(rows: int, *, length: int = LENGTH, seed: int = 0) -> helpers.TextRows:
    """Row `i` has the token `i` at every place, a length of its own, and the label `i % 3`."""
    lengths = np.random.default_rng(seed).integers(2, length + 1, rows)
    lengths[: min(rows, length - 1)] = (np.arange(2, length + 1))[: min(rows, length - 1)]  # every length, bounds too
    mask = (np.arange(length)[np.newaxis] < lengths[:, np.newaxis]).astype(np.int32)
    ids = mask * np.arange(rows, dtype=np.int32)[:, np.newaxis]
    return helpers.text_rows(ids, mask, (np.arange(rows) % 3).astype(np.int32))


def stream(rows: int = 100, *, batch_size: int = 8, seed: int = 5, length: int = LENGTH) -> TrainingStream:
    return TrainingStream(examples(rows, length=length), batch_size=batch_size, seed=seed)


def batches(source: tf.data.Dataset) -> list[Batch]:
    """Rows, labels, lengths and width of each batch."""
    return [
        (
            features["token_ids"][:, 0].numpy().tolist(),
            label.numpy().tolist(),
            tf.reduce_sum(features["padding_mask"], axis=1).numpy().tolist(),
            features["token_ids"].shape[1],
        )
        for features, label in source
    ]


@pytest.mark.parametrize(("rows", "batch_size"), [(100, 8), (100, 1), (7, 16), (64, 64), (1, 1), (131, 32)])
def test_every_row_comes_once_per_epoch_and_a_few_again_to_fill_the_last_batch(rows: int, batch_size: int) -> None:
    source = stream(rows, batch_size=batch_size)
    found = batches(source.batches(3))
    steps = source.steps_per_epoch
    assert steps == -(-rows // batch_size)
    assert len(found) == 3 * steps
    assert source.rows == rows
    for epoch in range(3):
        part = found[epoch * steps : (epoch + 1) * steps]
        assert {len(batch[0]) for batch in part} == {batch_size}
        counts = np.bincount([row for batch in part for row in batch[0]], minlength=rows)
        assert counts.min() >= 1
        assert counts.max() - counts.min() <= 1


def test_features_and_labels_stay_together() -> None:
    for rows, labels, _, _ in batches(stream().batches(1)):
        assert labels == [row % 3 for row in rows]


def test_the_order_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    one, same, other = (batches(stream(seed=seed).batches(2)) for seed in (5, 5, 6))
    assert one == same
    assert one != other


def test_the_order_depends_on_nothing_that_was_computed_before() -> None:
    tf.random.set_seed(3)
    one = batches(stream().batches(1))
    tf.random.set_seed(3)
    tf.random.uniform([5])
    batches(stream(seed=9).batches(1))
    assert batches(stream().batches(1)) == one


def test_each_epoch_has_an_order_of_its_own_and_mixes_short_with_long_batches() -> None:
    source = stream(400)
    found = batches(source.batches(2))
    first, second = found[: source.steps_per_epoch], found[source.steps_per_epoch :]
    assert first != second
    widths = [batch[3] for batch in first]
    assert widths != sorted(widths)


def test_the_order_does_not_depend_on_how_many_epochs_were_asked_for() -> None:
    source = stream()
    assert batches(source.batches(1)) == batches(source.batches(3))[: source.steps_per_epoch]


@pytest.mark.parametrize("done", [0, 1, 7, "one epoch", "one epoch and 3", "all"])
def test_a_killed_training_gets_exactly_the_batches_that_it_had_not_done(done: int | str) -> None:
    source = stream()
    steps = source.steps_per_epoch
    skip = {"one epoch": steps, "one epoch and 3": steps + 3, "all": 3 * steps}.get(str(done), done)
    everything = batches(source.batches(3))
    assert batches(stream().batches(3, skip_steps=int(skip))) == everything[int(skip) :]


@pytest.mark.parametrize("length", [LENGTH, 20])
def test_a_batch_is_as_wide_as_its_longest_row_and_holds_rows_of_similar_lengths(length: int) -> None:
    spans = []
    for _, _, lengths, width in batches(stream(400, length=length).batches(1)):
        assert width == min(length, -(-max(lengths) // BUCKET_WIDTH) * BUCKET_WIDTH)
        spans.append(max(lengths) - min(lengths))
    assert np.mean(spans) < 4


def test_what_else_a_row_has_comes_with_it_and_is_not_cut() -> None:
    rows = examples(50)
    windows = {"token_ids": rows.token_ids, "padding_mask": rows.padding_mask, "teacher_ids": rows.token_ids + 1}
    logits = np.arange(50, dtype=np.float32)[:, np.newaxis] + np.zeros(LENGTH, np.float32)  # as wide as the window
    for batch in training_batches(windows, {"logits": logits}, mask="padding_mask", batch_size=8, seed=1, epochs=1):
        np.testing.assert_array_equal(batch["teacher_ids"], batch["token_ids"] + 1)
        np.testing.assert_array_equal(batch["logits"][:, 0], batch["token_ids"][:, 0])
        assert batch["logits"].shape == (8, LENGTH)


def test_labels_are_counted_and_a_label_without_rows_counts_zero() -> None:
    assert np.bincount(stream(100).labels).tolist() == [34, 33, 33]


def test_a_training_stream_has_static_types_for_keras() -> None:
    features, label = stream().batches(1).element_spec
    assert features["token_ids"].dtype == features["padding_mask"].dtype == label.dtype == tf.int32
    assert features["token_ids"].shape.rank == 2


# Evaluation


def test_evaluation_sees_every_row_once_in_order() -> None:
    found = batches(evaluation_batches(examples(50), batch_size=16))
    assert [row for batch in found for row in batch[0]] == list(range(50))
    assert [len(batch[0]) for batch in found] == [16, 16, 16, 2]


def test_evaluation_can_be_limited_and_repeated() -> None:
    limited = evaluation_batches(examples(50), batch_size=16, limit=2)
    assert len(batches(limited)) == 2
    assert batches(limited) == batches(limited)


def test_a_limited_evaluation_sees_the_whole_split_and_not_its_beginning() -> None:
    # Files are often sorted by class: the first rows alone would score a model on one of them.
    rows = [row for batch in batches(evaluation_batches(examples(300), batch_size=16, limit=4)) for row in batch[0]]
    assert len(set(rows)) == 64
    assert min(rows) < 60
    assert max(rows) > 240


def test_trimming_keeps_every_token() -> None:
    rows = examples(40)
    slices = ({"token_ids": rows.token_ids, "padding_mask": rows.padding_mask}, rows.labels)
    for features, _ in tf.data.Dataset.from_tensor_slices(slices).batch(8):
        kept = trim(features, "padding_mask", rows.windows)
        assert kept["padding_mask"].numpy().sum() == features["padding_mask"].numpy().sum()
        assert kept["token_ids"].shape == kept["padding_mask"].shape


# Files


@pytest.fixture
def split(tmp_path: Path, write_examples: Callable[..., Any]) -> str:
    for number in range(2):
        rows = [
            {"token_ids": [number * 2 + row, 7, 0], "padding_mask": [1, 1, 0], "label_id": [row]} for row in range(2)
        ]
        write_examples(tmp_path / "Split-train" / f"transformed-{number}.gz", rows)
    return f"{tmp_path}/Split-train/*"


def test_a_split_is_read_in_the_order_of_its_files(split: str) -> None:
    found = [
        (features["token_ids"].numpy().tolist(), int(label))
        for features, label in read_split([split], *tensors(3)).unbatch()
    ]
    assert found == [([0, 7, 0], 0), ([1, 7, 0], 1), ([2, 7, 0], 0), ([3, 7, 0], 1)]
    features, label = read_split([split], *tensors(3)).unbatch().element_spec
    assert features["token_ids"] == features["padding_mask"] == tf.TensorSpec([3], tf.int32)
    assert label == tf.TensorSpec([], tf.int32)


def test_a_missing_split_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no transformed examples match .*nothing.*did Transform run"):
        read_split([f"{tmp_path}/nothing/*"], *tensors(3))


def test_examples_of_another_window_are_an_error(split: str) -> None:
    # Both are of the wrong length; TensorFlow does not define which of them it names.
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"token_ids|padding_mask"):
        list(read_split([split], *tensors(4)))


def test_an_empty_split_is_an_error_that_names_the_causes(tmp_path: Path, write_examples: Callable[..., Any]) -> None:
    file = write_examples(tmp_path / "Split-train" / "transformed-0.gz", [])
    with pytest.raises(ValueError, match=r"Split-train.* hold no examples; check data.train_fraction"):
        load_examples([str(file)], *tensors(3))


def test_windows_are_rows_with_their_rows_answer_and_a_row_counts_once() -> None:
    ids = np.array([[1, 2, 3, 4, 0, 0], [5, 6, 0, 0, 0, 0], [7, 8, 9, 1, 2, 3]], np.int32)
    given = Examples(
        {"token_ids": ids, "padding_mask": (ids > 0).astype(np.int32), "price": np.array([1.0, 2.0, 3.0], np.float32)},
        np.array([0, 1, 2], np.int32), ("token_ids", "padding_mask"), "padding_mask",
    )  # fmt: skip
    found = given.apart(3)
    assert found.features["token_ids"].tolist() == [[1, 2], [3, 4], [5, 6], [7, 8], [9, 1], [2, 3]]
    assert found.features["padding_mask"].all()
    assert found.features["price"].tolist() == [1, 1, 2, 3, 3, 3]
    assert found.labels.tolist() == [0, 0, 1, 2, 2, 2]
    stream = TrainingStream(found, batch_size=2, seed=0)
    assert (stream.rows, stream.steps_per_epoch, len(stream.labels)) == (3, 3, 6)
    assert found.take(np.array([0, 1, 5])).whole == 2
    answers = np.array([[0.0, 1.0], [0.5, 0.5], [1.0, 0.0], [0.0, 0.0], [0.3, 0.3], [0.6, 0.9]], np.float32)
    np.testing.assert_allclose(by_text(answers, found.texts), [[0.25, 0.75], [1, 0], [0.3, 0.4]], rtol=1e-6)
    assert first_of_text(found.labels, found.texts).tolist() == given.labels.tolist()
    assert by_text(answers, given.texts) is answers
    assert given.apart(1) is given
