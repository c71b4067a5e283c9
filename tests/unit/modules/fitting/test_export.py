"""The last but one stage of a training: files that serve, and files that the network is rebuilt from."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from modules.fitting.build import build
from modules.fitting.decide import decide
from modules.fitting.export import export
from modules.fitting.record import record
from modules.fitting.values import FittedModel
from modules.network.logits import split_logits
from modules.network.trained import load_trained
from modules.stages import extend

import numpy as np
import pytest
import tensorflow as tf

from tests.unit.training_helpers import assert_same_weights, examples, given, loaded, split


def test_what_is_shipped_is_float32_whatever_trained_it(
    transform_settings: dict[str, Any], transform_graph: str, tmp_path: Path
) -> None:
    value = given(transform_settings, tmp_path, policy="mixed_bfloat16", precision="mixed_bfloat16")
    built = build(loaded(dataclasses.replace(value, transform_graph=transform_graph)))
    exported = export(decide(extend(built, FittedModel, history={})))
    assert exported.rebuildable_dir == str(tmp_path / "training")
    trained = load_trained(exported.rebuildable_dir)
    assert trained.labels == ["bad", "good"]
    assert_same_weights(trained.model, exported.model, tolerance=0.0)
    features, _ = examples()
    served = tf.saved_model.load(exported.serving_dir).signatures["tokens"](
        **{name: tf.constant(given) for name, given in features.items()}
    )
    np.testing.assert_allclose(
        served["probabilities"].numpy(), trained.model(features, training=False).numpy(), atol=1e-6
    )


def test_a_threshold_is_chosen_on_eval_for_what_is_shipped_and_every_answer_follows_it(
    transform_settings: dict[str, Any], transform_graph: str, tmp_path: Path
) -> None:
    value = given(transform_settings, tmp_path)
    target = value.target.with_values(positive="good", decision={"threshold": "auto"})
    value = dataclasses.replace(value, transform_graph=transform_graph, target=target)
    decided = decide(extend(build(loaded(value, batch_size=5)), FittedModel, history={}))
    rows = split().take(np.arange(16))  # what `loaded` evaluates on
    outputs = tf.nn.softmax(split_logits(decided.plain, rows)).numpy()
    assert decided.decided.threshold == pytest.approx(target.settled(rows.labels, outputs).threshold, abs=1e-5)
    exported = export(decided)
    answers = tf.saved_model.load(exported.serving_dir).signatures["tokens"](
        **{name: tf.constant(given) for name, given in examples()[0].items()}
    )
    chosen = decided.decided.decided(answers["probabilities"].numpy())
    assert [label.decode() for label in answers["label"].numpy()] == [target.names[label] for label in chosen]
    assert answers["decision"].numpy().argmax(axis=1).tolist() == chosen.tolist()
    assert record(exported)["decision"] == {"label": "good", "threshold": decided.decided.threshold}
