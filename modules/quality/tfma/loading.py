"""How TFMA gets at the models: the hook `custom_eval_shared_model` of TFX's Evaluator."""

from __future__ import annotations

import functools
from typing import Any

from modules.machine import saved_models  # and settles Keras 2 before TFMA imports TensorFlow

import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.api import types


def eval_shared_model(eval_saved_model_path: str, **given: Any) -> tfma.EvalSharedModel:
    """TFMA's own, but a model that this process has loaded already is not loaded again.

    Args:
        eval_saved_model_path: folder of the SavedModel.
        **given: see `tfma.default_eval_shared_model`.
    """
    loader = types.ModelLoader(
        functools.partial(saved_models.load, eval_saved_model_path), tags=[tf.saved_model.SERVING]
    )
    return tfma.default_eval_shared_model(
        eval_saved_model_path=eval_saved_model_path, custom_model_loader=loader, **given
    )
