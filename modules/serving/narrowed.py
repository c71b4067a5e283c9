"""A SavedModel that chooses between some of its labels, so that models with other labels answer the same question."""

from __future__ import annotations

from collections.abc import Sequence

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)
from modules.serving.server import SERVING_DEFAULT, TRANSFORM_FEATURES
from modules.targets.base import Target

import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the tokenizer's ops, which Transform's graph uses)

_EXAMPLES = "examples"  # the argument of both signatures


class _Narrowed(tf.Module):
    """Both signatures that TFMA calls, over those of the whole model."""

    def __init__(self, folder: str, columns: Sequence[int], target: Target) -> None:
        super().__init__(name="narrowed")
        self._whole = tf.saved_model.load(folder)
        self._columns, self._target = tuple(columns), target
        # By id of the whole model, that of the narrowed one.
        self._places = tuple(columns.index(old) if old in columns else -1 for old in range(max(columns) + 1))
        examples = [tf.TensorSpec([None], tf.string, name=_EXAMPLES)]
        self.serve = tf.function(self._serve, input_signature=examples)
        self.transform = tf.function(self._transform, input_signature=examples)

    def _serve(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        answers = self._whole.signatures[SERVING_DEFAULT](**{_EXAMPLES: examples})[self._target.prediction_key]
        kept = tf.gather(answers, self._columns, axis=1)
        shares = tf.math.divide_no_nan(kept, tf.reduce_sum(kept, axis=1, keepdims=True))
        return {self._target.prediction_key: shares}

    def _transform(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        name = self._target.tensor().name
        ids = self._whole.signatures[TRANSFORM_FEATURES](**{_EXAMPLES: examples})[name]
        return {name: tf.gather(tf.constant(self._places, ids.dtype), ids)}


def save(folder: str, serving_dir: str, *, labels: Sequence[str], target: Target) -> None:
    """Writes the SavedModel.

    Args:
        folder: where to.
        serving_dir: of the whole model.
        labels: of the whole model, in the order of its answers.
        target: with the labels that are left, all of them among `labels`; rows of others must not be asked about.
    """
    narrowed = _Narrowed(serving_dir, [list(labels).index(name) for name in target.names], target)
    signatures = {SERVING_DEFAULT: narrowed.serve, TRANSFORM_FEATURES: narrowed.transform}
    tf.saved_model.save(narrowed, folder, signatures=signatures)
