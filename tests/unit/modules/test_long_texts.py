"""A label at the end of a long text: `head` cannot know it, the other ways do, on a server and on a device alike."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import modules.preprocessing
from modules.fitting.build import build
from modules.fitting.decide import decide
from modules.fitting.fit import fit
from modules.fitting.load import load
from modules.inputs import kinds as inputs_lib
from modules.inputs.text import device
from modules.network.trained import Trained
from modules.network.weights import read_weights
from modules.serving.server import Server
from modules.serving.student import save_student
from modules.text.settings import PreprocessingSettings
from modules.tflite.convert import convert
from modules.tflite.recipes import RECIPES

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tf_keras

from edgeline_edge import Classifier, write_bundle
from tests.unit import training_helpers as helpers

LENGTH, ROWS = 16, 128
LEARNING = {"epochs": 6, "batch_size": 16, "learning_rate": 0.02, "dropout": 0.0, "checkpoint_steps": 100}
MANIFEST = {"task": "ends", "recipe": "float32", "run_id": "1", "licence": "Apache-2.0"}


def rows(count: int, seed: int) -> list[dict[str, str]]:
    """Texts of 20 to 50 words, the last of which says what they are."""
    chance = random.Random(seed)
    found = []
    for _ in range(count):
        label = chance.choice(("bad", "good"))
        words = chance.choices(("film", "the", "was", "it", "phone", "not"), k=chance.randint(19, 49))
        found.append({"text": " ".join([*words, label]), "label": label})
    return found


def features(told: dict[str, Any], given: list[dict[str, str]]) -> list[dict[str, Any]]:
    """What Transform makes of rows."""
    raw = {column: tf.constant([[row[column]] for row in given]) for column in ("text", "label")}
    made = modules.preprocessing.preprocessing_fn(raw, told)
    return [
        {name: np.atleast_1d(values[number].numpy()).tolist() for name, values in made.items()}
        for number in range(len(given))
    ]


def trained(told: dict[str, Any], folder: Path, write_examples: Callable[..., str]) -> Trained:
    """A network that learned from these rows as Trainer does it."""
    write_examples(folder / "train.gz", features(told, rows(ROWS, 1)))
    write_examples(folder / "eval.gz", features(told, rows(32, 2)))
    tf_keras.utils.set_random_seed(3)  # of the first weights
    loaded = load(helpers.given(told, folder, **LEARNING))
    assert loaded.stream.rows == ROWS, "a row counts once, however many windows it has"
    made = decide(fit(build(loaded)))
    vocabulary = made.inputs["text"].vocabulary()  # type: ignore[attr-defined]
    return Trained(made.plain, made.architecture, vocabulary, made.target.names)


def reading(settings: dict[str, Any], reads: PreprocessingSettings) -> dict[str, Any]:
    """The settings of a node, with this way to read long texts."""
    return {**settings, "inputs": {"text": {**settings["inputs"]["text"], **reads.model_dump()}}}


@pytest.mark.parametrize(("long_text", "same"), [("head", True), ("head_tail", False), ("windows", False)])
def test_the_beginning_of_a_text_does_not_know_its_end(
    long_text: Any, same: bool, transform_settings: dict[str, Any]
) -> None:
    told = reading(transform_settings, PreprocessingSettings(sequence_length=LENGTH, long_text=long_text))
    one, other = features(told, [{"text": "film " * 40 + end, "label": "good"} for end in ("good", "bad")])
    assert (one == other) == same, "equal features have equal answers"


@pytest.mark.slow
@pytest.mark.parametrize("long_text", ["head_tail", "windows"])
def test_a_label_at_the_end_of_a_long_text_is_answered_right(
    long_text: Any,
    transform_settings: dict[str, Any],
    transform_graph: str,
    tmp_path: Path,
    write_examples: Callable[..., str],
) -> None:
    reads = PreprocessingSettings(sequence_length=LENGTH, long_text=long_text, max_windows=4)
    told = reading(transform_settings, reads)
    network = trained(told, tmp_path, write_examples)
    inputs, target = helpers.parts(told)
    server = Server(network.model, tft.TFTransformOutput(transform_graph), inputs=inputs, target=target)

    asked = rows(64, 3)
    texts, labels = [row["text"] for row in asked], [row["label"] for row in asked]
    answer = server.signatures()["serving_text"](tf.constant(texts))
    right = np.mean([found.decode() == label for found, label in zip(answer["label"].numpy(), labels, strict=True)])
    assert right > 0.9
    if long_text != "windows":
        return  # that a device reads the same beginnings and ends is a test of the tokenizers

    save_student(network, str(tmp_path / "student"), inputs=inputs, target=target)
    student = tf.saved_model.load(str(tmp_path / "student")).signatures["serving_text"](text=tf.constant(texts))
    np.testing.assert_allclose(student["probabilities"], answer["probabilities"], atol=1e-6)

    layout = inputs_lib.layout(inputs).cut(LENGTH)
    made = convert(read_weights(network.model), network.architecture, RECIPES["float32"], layout=layout)
    told_device = {**MANIFEST, **device.said(inputs["text"])}
    bundle = tmp_path / "model.tflite"
    write_bundle(made.content, bundle, vocabulary=network.vocabulary, labels=network.labels, manifest=told_device)
    scores = [list(found.scores.values()) for found in Classifier.load(bundle).predict(texts)]
    np.testing.assert_allclose(scores, answer["probabilities"], atol=1e-5)
