"""The student as a SavedModel: a `Model` artifact that any TensorFlow runtime can load and ask.

Where a text is the only input it answers `serving_text` (raw text, with the student's own vocabulary) and `tokens` (ids
and mask of that vocabulary); with several inputs `serving_rows`, one argument a column, and `tensors`, one argument a
tensor of the network. It has no `transform_features`: Transform's graph has the teacher's vocabulary. What ships is not
this but the bundle.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.inputs import kinds
from modules.inputs.base import SERVING_ROWS, TENSORS
from modules.network.trained import Trained
from modules.rows import words
from modules.serving import pooled
from modules.targets.base import Target
from modules.tensors import raw_spec

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)


class _Student(tf.Module):
    def __init__(self, trained: Trained, inputs: kinds.Inputs, target: Target) -> None:
        super().__init__(name="student")
        self._model = trained.model
        self._vocabulary = tuple(trained.vocabulary)
        self._words = words.of(trained.architecture.encoded)
        # Tuples: TensorFlow would write a dictionary into the SavedModel as an object of its own.
        self._main = (kinds.with_backbone(inputs),)
        self._table = tuple(kinds.read(trained.architecture.inputs).values())
        self._tensors, self._columns, self._only = kinds.tensors(inputs), kinds.columns(inputs), (kinds.only(inputs),)
        self._answers = target.answers()

    def _of_tensors(self, *values: tf.Tensor) -> dict[str, tf.Tensor]:
        features = {tensor.name: value for tensor, value in zip(self._tensors, values, strict=True)}
        [main] = self._main
        mask, windows = (main.mask, main.windows) if main else (None, 1)
        return self._answers(pooled.answer(self._network, features, self._tensors, mask=mask, windows=windows))

    def _network(self, features: Mapping[str, tf.Tensor]) -> tf.Tensor:
        return self._model(features, training=False)

    def _of_rows(self, *values: tf.Tensor) -> dict[str, tf.Tensor]:
        raw = {column.name: value for column, value in zip(self._columns, values, strict=True)}
        [main] = self._main
        features = self._words.features(main, raw, self._vocabulary) if main else {}
        for part in self._table:
            features |= part.features(raw)
        return self._of_tensors(*(tf.cast(features[tensor.name], tensor.dtype) for tensor in self._tensors))

    def signatures(self) -> dict[str, Any]:
        """The functions by name."""
        [only] = self._only
        by_rows, argument, by_tensors = (only.alone if only else None) or (SERVING_ROWS, None, TENSORS)
        spec = raw_spec(self._columns)
        rows = [tf.TensorSpec([None], spec[one.name].dtype, name=argument or one.name) for one in self._columns]
        tensors = [tf.TensorSpec([None, *one.shape], one.dtype, name=one.name) for one in self._tensors]
        self.rows = tf.function(self._of_rows, input_signature=rows)
        self.tensors = tf.function(self._of_tensors, input_signature=tensors)
        return {by_rows: self.rows, by_tensors: self.tensors}


def save_student(trained: Trained, folder: str, *, inputs: kinds.Inputs, target: Target) -> None:
    """Writes the SavedModel.

    Args:
        trained: the student, float32.
        folder: where to; any path that `tf.io.gfile` knows.
        inputs: of the task.
        target: of the task, with nothing left open of how it decides.

    Raises:
        ValueError: the kind of the encoded input does not say what becomes of its words.
    """
    student = _Student(trained, inputs, target)
    tf.saved_model.save(student, folder, signatures=student.signatures())
