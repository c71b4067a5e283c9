"""`modules.machine.saved_models`: a SavedModel is loaded once, and again when its files are others."""

from __future__ import annotations

import os
from pathlib import Path

import modules  # noqa: F401
from modules.machine import saved_models
from modules.quality.tfma import config as tfma_config

import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tfx.components.util import udf_utils


class _Adds(tf.Module):
    def __init__(self, amount: float) -> None:
        super().__init__()
        self.amount = tf.Variable(amount)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def add(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"sum": values + self.amount}


def write(folder: Path, amount: float) -> str:
    module = _Adds(amount)
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.add})
    return str(folder)


def answer(model: object) -> float:
    return float(model.signatures["serving_default"](values=tf.constant([1.0]))["sum"][0])  # type: ignore[attr-defined]


def test_a_model_is_loaded_once_and_again_when_its_files_are_others(tmp_path: Path) -> None:
    folder = write(tmp_path / "model", 1.0)
    first = saved_models.load(folder)
    assert saved_models.load(folder) is first
    write(tmp_path / "model", 2.0)
    again = saved_models.load(folder)
    assert again is not first
    assert (answer(first), answer(again)) == (2.0, 3.0)


def test_few_models_stay_loaded(tmp_path: Path) -> None:
    folders = [write(tmp_path / str(number), float(number)) for number in range(3)]
    first = saved_models.load(folders[0])
    for folder in folders[1:]:
        saved_models.load(folder)
    assert saved_models.load(folders[0]) is not first


def test_no_model_is_an_error_and_stays_none(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(OSError, match="SavedModel"):
            saved_models.load(str(tmp_path / "none"))
    assert os.listdir(tmp_path) == []


def test_tfma_asks_the_same_loader(tmp_path: Path) -> None:
    folder = write(tmp_path / "model", 1.0)
    hook = udf_utils.get_fn(dict(tfma_config.LOADING), "custom_eval_shared_model")
    spec = tfma.ModelSpec(
        name="candidate", model_type="tf_generic", signature_name="serving_default", label_key="label"
    )
    config = tfma.EvalConfig(model_specs=[spec])
    shared = hook(eval_saved_model_path=folder, eval_config=config, add_metrics_callbacks=None)
    assert shared.model_loader.load() is saved_models.load(folder)
