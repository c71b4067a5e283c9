"""A label at the end of a long text: `head` cannot know it, the other ways do, on a server and on a device alike."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import modules.preprocessing
from modules import trainer
from modules.artifact_files import training_dir
from modules.network.trained import Trained, load_trained
from modules.network.weights import read_weights
from modules.serving.student import save_student
from modules.targets import kinds as targets_lib
from modules.text.settings import PreprocessingSettings
from modules.tflite.convert import convert
from modules.tflite.recipes import RECIPES

import numpy as np
import pytest
import tensorflow as tf

from edgeline_edge import Classifier, write_bundle

LENGTH = 16
TRAINER: dict[str, Any] = {
    "epochs": 4, "batch_size": 8, "learning_rate": 0.02, "warmup_fraction": 0.1, "weight_decay": 0.0, "dropout": 0.0,
    "class_weights": "none", "early_stopping_patience": 12, "precision": "float32", "warm_start": False, "seed": 3,
    "checkpoint_steps": 100, "tensorboard": False,
}  # fmt: skip
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


def trained(
    told: dict[str, Any], graph: str, folder: Path, write_examples: Callable[..., str]
) -> tuple[Any, Trained, dict[str, Any]]:
    """A model that Trainer made of these rows: its signatures, the network, and the history."""
    splits = []
    for name, found in (("train", rows(128, 1)), ("eval", rows(32, 2))):
        raw = {column: tf.constant([[row[column]] for row in found]) for column in ("text", "label")}
        features = modules.preprocessing.preprocessing_fn(raw, told)
        written = [
            {name: np.atleast_1d(value[number].numpy()).tolist() for name, value in features.items()}
            for number in range(len(found))
        ]
        splits.append(write_examples(folder / f"{name}.gz", written))
    arguments = SimpleNamespace(
        custom_config={**told, "trainer": TRAINER},
        hyperparameters=None,
        base_model=None,
        train_files=splits[:1],
        eval_files=splits[1:],
        transform_graph_path=graph,
        serving_model_dir=str(folder / "model" / "Format-Serving"),
        model_run_dir=str(folder / "run" / "1"),
    )
    trainer.run_fn(arguments)
    server = tf.saved_model.load(arguments.serving_model_dir)
    history = (Path(training_dir(arguments.serving_model_dir)) / "history.json").read_text()
    return server, load_trained(training_dir(arguments.serving_model_dir)), history


def test_the_beginning_of_a_text_does_not_know_its_end(transform_settings: dict[str, Any]) -> None:
    text, features = transform_settings["inputs"]["text"], {}
    for how in ("head", "head_tail", "windows"):
        told = {**transform_settings, "inputs": {"text": {**text, "long_text": how}}}
        raw = {
            "text": tf.constant([["film " * 40 + end] for end in ("good", "bad")]),
            "label": tf.constant([["good"]] * 2),
        }
        ids = modules.preprocessing.preprocessing_fn(raw, told)["token_ids"].numpy()
        features[how] = bool((ids[0] == ids[1]).all())
    assert features == {"head": True, "head_tail": False, "windows": False}, "equal features have equal answers"


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
    text = {**transform_settings["inputs"]["text"], **reads.model_dump()}
    told = {**transform_settings, "inputs": {"text": text}}
    server, model, history = trained(told, transform_graph, tmp_path, write_examples)
    assert '"rows": 128' in history, "a row counts once, however many windows it has"

    asked = rows(64, 3)
    texts, labels = [row["text"] for row in asked], [row["label"] for row in asked]
    answer = server.signatures["serving_text"](text=tf.constant(texts))
    right = np.mean([found.decode() == label for found, label in zip(answer["label"].numpy(), labels, strict=True)])
    assert right > 0.95

    features = server.signatures["serving_default"](examples=tf.constant([serialized(text) for text in texts]))
    np.testing.assert_allclose(features["probabilities"], answer["probabilities"], atol=1e-6)
    if long_text == "windows":
        save_student(model, str(tmp_path / "student"), reads=reads, target=targets_lib.read(told["target"]))
        student = tf.saved_model.load(str(tmp_path / "student")).signatures["serving_text"](text=tf.constant(texts))
        np.testing.assert_allclose(student["probabilities"], answer["probabilities"], atol=1e-6)

    converted = convert(read_weights(model.model), model.architecture, RECIPES["float32"], sequence_length=LENGTH)
    write_bundle(
        converted.content, tmp_path / "b", vocabulary=model.vocabulary, labels=model.labels,
        manifest={**MANIFEST, **reads.for_device()},
    )  # fmt: skip
    on_device = Classifier.load(tmp_path / "b").predict(texts)
    scores = [list(prediction.scores.values()) for prediction in on_device]
    np.testing.assert_allclose(scores, answer["probabilities"], atol=1e-5)


def serialized(text: str) -> bytes:
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()]))
    return tf.train.Example(features=tf.train.Features(feature={"text": feature})).SerializeToString()
