"""The fourth stage of a training: files that serve, and files that the network is rebuilt from."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from modules.fitting.build import build
from modules.fitting.export import export
from modules.fitting.values import FittedModel
from modules.network.trained import load_trained
from modules.stages import extend

import numpy as np
import tensorflow as tf

from tests.unit.training_helpers import assert_same_weights, examples, given, loaded


def test_what_is_shipped_is_float32_whatever_trained_it(
    transform_settings: dict[str, Any], transform_graph: str, tmp_path: Path
) -> None:
    value = given(transform_settings, tmp_path, policy="mixed_bfloat16", precision="mixed_bfloat16")
    built = build(loaded(dataclasses.replace(value, transform_graph=transform_graph)))
    exported = export(extend(built, FittedModel, history={}))
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
