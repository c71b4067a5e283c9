"""An input and a target of one's own, from files that no source file names: from raw rows to a served answer."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import modules.preprocessing
from modules import trainer
from modules.artifact_files import training_dir
from modules.inputs import kinds as inputs_lib
from modules.network.trained import load_trained
from modules.targets import kinds as targets_lib

import numpy as np
import pytest
import tensorflow as tf

pytestmark = pytest.mark.slow
EXTENSIONS = ["tests.toys.letter_count", "tests.toys.two_way"]
TRAINER: dict[str, Any] = {
    "epochs": 10, "batch_size": 8, "learning_rate": 0.02, "warmup_fraction": 0.1, "weight_decay": 0.0,
    "gradient_clip_norm": 1.0, "dropout": 0.0, "class_weights": "none", "early_stopping_patience": 12,
    "precision": "float32", "warm_start": False, "seed": 3, "checkpoint_steps": 100, "tensorboard": False,
}  # fmt: skip


def rows(count: int) -> list[dict[str, str]]:
    """Texts that say nothing, and titles with many a's where the mood is good: only the letters can tell."""
    chance = random.Random(4)
    found = []
    for _ in range(count):
        mood = chance.choice(("bad", "good"))
        title = "a" * chance.randint(4, 9) if mood == "good" else "e" * chance.randint(4, 9)
        found.append({"body": chance.choice(("film", "good film", "it was")), "title": title, "mood": mood})
    return found


def settings(backbone: dict[str, Any], target: dict[str, Any]) -> dict[str, Any]:
    return {
        "extensions": EXTENSIONS,
        "inputs": {
            "body": {"kind": "text", "column": "body", "sequence_length": 16, "backbone": backbone},
            "letters": {"kind": "letter_count", "column": "title", "letters": "ae"},
        },
        "target": {"column": "mood", **target},
    }


def transform(config: dict[str, Any], columns: list[str], folder: Path) -> str:
    """Transform's graph of this configuration."""
    import apache_beam as beam
    import tensorflow_transform.beam as tft_beam
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner
    from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io, schema_utils

    spec = {name: tf.io.FixedLenFeature([1], tf.string) for name in columns}
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))
    given = [{name: [value] for name, value in row.items()} for row in rows(3)]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline, tft_beam.Context(temp_dir=str(folder / "temp")):
        data = pipeline | beam.Create(given)
        graph = (data, metadata) | tft_beam.AnalyzeDataset(
            lambda raw: modules.preprocessing.preprocessing_fn(raw, config)
        )
        _ = graph | tft_beam.WriteTransformFn(str(folder / "graph"))
    metadata_io.write_metadata(metadata, str(folder / "graph" / "metadata"))
    return str(folder / "graph")


TARGETS = {
    "one_label": {"kind": "one_label", "labels": ["bad", "good"]},
    "two_way": {"kind": "two_way", "positive": "good", "negative": "bad"},
}


@pytest.mark.parametrize("kind", TARGETS)
def test_rows_go_through_preprocessing_fusion_and_training_to_a_served_answer(
    kind: str, tiny_backbone: dict[str, Any], tmp_path: Path, write_examples: Callable[..., str]
) -> None:
    told = settings(tiny_backbone, TARGETS[kind])
    config = {**told, "trainer": TRAINER}
    given = rows(80)
    raw = {name: tf.constant([[row[name]] for row in given]) for name in given[0]}
    features = modules.preprocessing.preprocessing_fn(raw, told)
    assert features["letters_counts"].dtype == tf.float32
    assert features["letters_counts"][0].numpy().tolist() == [float(given[0]["title"].count(c)) for c in "ae"]
    written = [
        {name: np.atleast_1d(value[number].numpy()).tolist() for name, value in features.items()}
        for number in range(len(given))
    ]
    arguments = SimpleNamespace(
        custom_config=config,
        hyperparameters=None,
        base_model=None,
        train_files=[write_examples(tmp_path / "train.gz", written[:64])],
        eval_files=[write_examples(tmp_path / "eval.gz", written[64:])],
        transform_graph_path=transform(told, list(raw), tmp_path),
        serving_model_dir=str(tmp_path / "model" / "Format-Serving"),
        model_run_dir=str(tmp_path / "run" / "1"),
    )
    trainer.run_fn(arguments)

    served = tf.saved_model.load(arguments.serving_model_dir)
    assert {"serving_default", "serving_rows", "transform_features", "tensors"} == set(served.signatures)
    columns = {name: tf.constant([row[name] for row in given[64:]]) for name in ("body", "title")}
    answer = served.signatures["serving_rows"](**columns)
    moods = [row["mood"] for row in given[64:]]
    assert np.mean([label.decode() == mood for label, mood in zip(answer["label"].numpy(), moods, strict=True)]) > 0.9
    np.testing.assert_allclose(answer["probabilities"].numpy().sum(axis=1), 1.0, atol=1e-6)
    serialized = [
        tf.train.Example(
            features=tf.train.Features(
                feature={
                    name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[row[name].encode()]))
                    for name in ("body", "title")
                }
            )
        ).SerializeToString()
        for row in given[64:]
    ]
    same = served.signatures["serving_default"](examples=tf.constant(serialized))
    np.testing.assert_allclose(same["probabilities"], answer["probabilities"], atol=1e-6)

    trained = load_trained(training_dir(arguments.serving_model_dir))
    assert trained.labels == ["bad", "good"]
    assert trained.model.get_layer("fusion").output_shape == (None, tiny_backbone["hidden_dim"] + 4)
    tensors = inputs_lib.tensors(inputs_lib.read(config["inputs"]))
    network = trained.model({tensor.name: tf.cast(features[tensor.name], tensor.dtype) for tensor in tensors})
    answers = targets_lib.read(config["target"]).answers()(network)
    np.testing.assert_allclose(answers["probabilities"][64:], answer["probabilities"], atol=1e-6)


def test_a_class_weight_for_a_target_without_classes_is_refused(tiny_backbone: dict[str, Any]) -> None:
    config = settings(tiny_backbone, TARGETS["two_way"])
    with pytest.raises(ValueError, match=r"trainer.class_weights is balanced; a target of kind two_way has no classes"):
        targets_lib.read(config["target"]).class_weights(np.zeros(3), "balanced")
