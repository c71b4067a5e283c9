"""Predictions of a split: every row keeps its answer, through the batches and through the file."""

from __future__ import annotations

from pathlib import Path

from modules.artifact_files import PREDICTIONS_FILE
from modules.quality import predictions, scoring
from modules.rows.raw import RawSplit
from modules.targets.one_label.target import OneLabel

import numpy as np
import pytest
import tensorflow as tf

TEXTS = ["a rather long text\n\x00 with <b>tags</b>", "ü", "", "two words", 'quote " and, comma'] * 3

ANSWERED = scoring.of(OneLabel(labels=["no", "yes"])).answered


def split() -> RawSplit:
    rows = len(TEXTS)
    labels = np.arange(rows) % 2
    slices = {"label": [f"s{row % 3}" for row in range(rows)]}
    return RawSplit(list(TEXTS), labels, slices, [f"{row:02d}" for row in range(rows)])


def by_length(texts: list[str]) -> dict[str, np.ndarray]:
    share = np.array([len(text) / 100 for text in texts], np.float32)
    return {"probabilities": np.stack([share, 1 - share], axis=1)}


def test_each_row_gets_its_own_answer_whatever_batch_it_was_in() -> None:
    sizes: list[int] = []

    def predict(texts) -> dict[str, np.ndarray]:
        sizes.append(len(texts))
        return by_length(texts)

    found = predictions.predict_split(predict, split(), ANSWERED, name="test", batch_size=4)
    np.testing.assert_allclose(found.more["probabilities"], by_length(TEXTS)["probabilities"])
    assert sizes == [4, 4, 4, 3]
    assert found.predicted.tolist() == found.more["probabilities"].argmax(axis=1).tolist()
    assert len(found) == len(TEXTS)


def test_the_file_gives_back_what_was_written(tmp_path: Path) -> None:
    found = predictions.predict_split(by_length, split(), ANSWERED, name="test")
    path = tmp_path / PREDICTIONS_FILE
    predictions.write(str(path), {"test": found, "eval": found}, ["no", "yes"])
    again, labels = predictions.read(str(path))
    assert [item.name for item in tmp_path.iterdir()] == [path.name]
    assert labels == ["no", "yes"]
    assert list(again) == ["test", "eval"]
    for one in again.values():
        assert (one.text, one.text_hash, one.slices) == (found.text, found.text_hash, found.slices)
        np.testing.assert_array_equal(one.more["probabilities"], found.more["probabilities"])
        np.testing.assert_array_equal(one.label, found.label)
        np.testing.assert_array_equal(one.predicted, found.predicted)
        assert one.more["probabilities"].dtype == np.float32


def test_another_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "other.parquet"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"other\.parquet: not a file of predictions"):
        predictions.read(str(path))


def test_a_split_without_rows_is_an_error() -> None:
    with pytest.raises(ValueError, match="split eval has no rows"):
        predictions.predict_split(by_length, RawSplit([], np.array([], int), {}), ANSWERED, name="eval")


def test_the_served_model_outlives_its_loading(tmp_path: Path) -> None:
    class Model(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = tf.Variable([[0.25, 0.75]])

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def serving_text(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"probabilities": tf.tile(self.weight, [tf.shape(text)[0], 1])}

    model = Model()
    tf.saved_model.save(model, str(tmp_path), signatures={"serving_text": model.serving_text})
    predict = predictions.served(str(tmp_path))
    np.testing.assert_allclose(predict(["one", "two"])["probabilities"], [[0.25, 0.75]] * 2)
