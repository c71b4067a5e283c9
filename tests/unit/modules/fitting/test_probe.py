"""`modules.fitting.probe`: the head is fitted before anything else, and stays where no epoch is better."""

from __future__ import annotations

import copy
import csv
import dataclasses
import json
import random
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.datasets import base as datasets
from modules.fitting import fit as fitting
from modules.fitting.build import build
from modules.fitting.values import BuiltModel, FittedModel, Given, LoadedRows
from modules.inputs.text.input import Text
from modules.network.model import head_input
from modules.rows.batches import TrainingStream, evaluation_batches
from modules.rows.transformed import Examples
from modules.stages import extend
from modules.targets.one_label.target import OneLabel

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC

from tests.unit.training_helpers import given, loaded, split


@pytest.fixture
def config(transform_settings: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(transform_settings)


def network(value: Given) -> BuiltModel:
    """One with the same random weights each time."""
    tf_keras.utils.set_random_seed(value.settings.seed)
    return build(loaded(value))


@pytest.fixture(scope="module")
def alone(
    transform_settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[np.ndarray], FittedModel]:
    """The encoder's weights before a head was fitted to it, and what came of that."""
    built = network(given(transform_settings, tmp_path_factory.mktemp("only"), probe="only"))
    before = [value.copy() for value in built.model.get_layer("encoder").get_weights()]
    return before, fitting.fit(built)


def test_the_head_alone_is_fitted_and_the_encoder_stays(alone: tuple[list[np.ndarray], FittedModel]) -> None:
    before, fitted = alone
    assert all(map(np.array_equal, before, fitted.model.get_layer("encoder").get_weights()))
    assert fitted.history == {}
    assert fitted.probe is not None
    assert fitted.probe["val_macro_f1"] > 0.5
    found = fitted.model.evaluate(fitted.evaluation, return_dict=True, verbose=0)
    assert found["macro_f1"] == pytest.approx(fitted.probe["val_macro_f1"])
    reads = head_input(fitted.model)({name: value[:3] for name, value in split().features.items()})
    assert reads.shape == (3, fitted.architecture.hidden_dim)


def test_a_training_that_spoils_the_fitted_head_is_not_kept(
    alone: tuple[list[np.ndarray], FittedModel], config: dict[str, Any], tmp_path: Path
) -> None:
    spoilt = given(config, tmp_path / "first", probe="first", epochs=1, learning_rate=10.0, early_stopping_patience=1)
    fitted = fitting.fit(network(spoilt))
    assert len(fitted.history["val_macro_f1"]) == 1
    assert max(fitted.history["val_macro_f1"]) <= fitted.probe["val_macro_f1"]
    assert all(map(np.array_equal, alone[1].model.get_weights(), fitted.model.get_weights()))
    [record] = (tmp_path / "first").rglob("best.json")
    assert json.loads(record.read_text())["start"] == fitted.probe


@pytest.mark.slow
def test_of_sixteen_rows_a_label_a_pretrained_encoder_makes_more_than_words_and_characters(tmp_path: Path) -> None:
    with datasets.csv_file("vader").open(encoding="utf-8") as stream:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(stream)]
    random.Random(0).shuffle(rows)
    by_label = [[row for row in rows if row[1] == label] for label in ("negative", "positive")]
    few, test = ([row for part in by_label for row in part[first:last]] for first, last in ((0, 16), (100, 250)))
    text = Text.named("text", {"backbone": {"kind": "minilm", "layers": [0, 1, 2, 3, 4, 5]}, "sequence_length": 48})
    target = OneLabel(labels=["negative", "positive"])

    def examples(part: list[tuple[str, str]]) -> Examples:
        found = text.features({"text": tf.constant([row[0] for row in part])})
        answers = target.truth([row[1] for row in part]).astype(np.int32)
        tensors = {name: value.numpy() for name, value in found.items()}
        return Examples(tensors, answers, tuple(tensors), text.mask)

    value = dataclasses.replace(
        given({"inputs": {"text": text.model_dump()}, "target": target.model_dump()}, tmp_path, probe="only"),
        inputs={"text": text},
    )
    rows_of = {
        "stream": TrainingStream(examples(few), batch_size=8, seed=1),
        "evaluation": evaluation_batches(examples(test), batch_size=100),
    }
    fitted = fitting.fit(build(extend(value, LoadedRows, **rows_of)))
    assert fitted.probe is not None
    linear = make_pipeline(
        make_union(TfidfVectorizer(ngram_range=(1, 2)), TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 5))),
        LinearSVC(),
    )
    words = linear.fit(*zip(*few, strict=True)).predict([row[0] for row in test])
    theirs = f1_score([row[1] for row in test], words, average="macro")
    assert fitted.probe["val_macro_f1"] > theirs
