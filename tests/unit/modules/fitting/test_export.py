"""The last but one stage of a training: files that serve, and files that the network is rebuilt from."""

from __future__ import annotations

import dataclasses
from typing import Any

from modules.artifact_files import training_dir
from modules.fitting.build import build
from modules.fitting.decide import decide
from modules.fitting.export import export
from modules.fitting.record import record
from modules.fitting.values import ExportedModel, FittedModel
from modules.network.logits import split_outputs
from modules.network.trained import load_trained
from modules.rows.transformed import by_text, first_of_text
from modules.stages import extend

import numpy as np
import pytest
import tensorflow as tf

from tests.unit.training_helpers import assert_same_weights, examples, given, loaded, split


@pytest.fixture(scope="module")
def exported(
    transform_settings: dict[str, Any], transform_graph: str, tmp_path_factory: pytest.TempPathFactory
) -> ExportedModel:
    """A network in half precision, with a threshold to be chosen, as it is shipped."""
    value = given(transform_settings, tmp_path_factory.mktemp("e"), policy="mixed_bfloat16", precision="mixed_bfloat16")
    target = value.target.with_values(positive="good", decision={"threshold": "auto"})
    built = build(loaded(dataclasses.replace(value, transform_graph=transform_graph, target=target), batch_size=5))
    return export(decide(extend(built, FittedModel, history={})))


@pytest.fixture(scope="module")
def served(exported: ExportedModel) -> dict[str, np.ndarray]:
    """What the SavedModel answers to the rows of `examples`."""
    signature = tf.saved_model.load(exported.serving_dir).signatures["tokens"]
    answers = signature(**{name: tf.constant(given) for name, given in examples()[0].items()})
    return {name: value.numpy() for name, value in answers.items()}


def test_what_is_shipped_is_float32_whatever_trained_it(exported: ExportedModel, served: dict[str, np.ndarray]) -> None:
    assert exported.rebuildable_dir == training_dir(exported.serving_dir)
    trained = load_trained(exported.rebuildable_dir)
    assert trained.labels == ["bad", "good"]
    assert_same_weights(trained.model, exported.model, tolerance=0.0)
    features, _ = examples()
    np.testing.assert_allclose(served["probabilities"], trained.model(features, training=False).numpy(), atol=1e-6)


def test_a_threshold_is_chosen_on_eval_for_what_is_shipped_and_every_answer_follows_it(
    exported: ExportedModel, served: dict[str, np.ndarray]
) -> None:
    rows = split().take(np.arange(16))  # what `loaded` evaluates on
    outputs = split_outputs(exported.plain, rows)
    expected = exported.target.settled(rows.labels, outputs)
    assert exported.target.is_open
    assert exported.decided.threshold == pytest.approx(expected.threshold, abs=1e-5)
    texts = np.array([0, 1, 1, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10, 10, 11])
    windows = decide(dataclasses.replace(exported, evaluation_texts=texts)).decided
    whole = exported.target.settled(first_of_text(rows.labels, texts), by_text(outputs, texts))
    assert windows.threshold == pytest.approx(whole.threshold, abs=1e-5)
    chosen = exported.decided.decided(served["probabilities"])
    assert [label.decode() for label in served["label"]] == [exported.target.names[label] for label in chosen]
    assert served["decision"].argmax(axis=1).tolist() == chosen.tolist()
    assert record(exported)["decision"] == {"label": "good", "threshold": exported.decided.threshold}
