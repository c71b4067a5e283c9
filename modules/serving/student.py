"""The student as a SavedModel: a `Model` artifact that any TensorFlow runtime can load and ask.

Where a text is the only input it answers `serving_text` (raw text, with the student's own vocabulary) and `tokens` (ids
and mask of that vocabulary); with several inputs `tensors`, one argument a tensor of the network. It has no
`transform_features`: Transform's graph has the teacher's vocabulary. What ships is not this but the bundle.
"""

from __future__ import annotations

from typing import Any

from modules.inputs import kinds
from modules.inputs.base import TENSORS
from modules.network.trained import Trained
from modules.rows import words
from modules.targets.base import Target

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)


class _Student(tf.Module):
    def __init__(self, trained: Trained, inputs: kinds.Inputs, target: Target) -> None:
        super().__init__(name="student")
        self._model = trained.model
        self._vocabulary = tuple(trained.vocabulary)
        self._words = words.of(trained.architecture.encoded)
        self._tensors = kinds.tensors(inputs)
        self._answers = target.answers()
        # A tuple: TensorFlow would write a section's own fields into the SavedModel.
        self._only = (kinds.only(inputs),)
        specs = [tf.TensorSpec([None, *tensor.shape], tensor.dtype, name=tensor.name) for tensor in self._tensors]
        self.tensors = tf.function(self._of_tensors, input_signature=specs)

    def _of_tensors(self, *values: tf.Tensor) -> dict[str, tf.Tensor]:
        features = {tensor.name: value for tensor, value in zip(self._tensors, values, strict=True)}
        return self._answers(self._model(features, training=False))

    def signatures(self) -> dict[str, Any]:
        """The functions by name."""
        [only] = self._only
        if only is None or only.alone is None:
            return {TENSORS: self.tensors}
        by_rows, argument, by_tensors = only.alone
        column = only.column

        def of_rows(values: tf.Tensor) -> dict[str, tf.Tensor]:
            features = self._words.features(only, {column: values}, self._vocabulary)
            return self._of_tensors(*(features[tensor.name] for tensor in self._tensors))

        spec = [tf.TensorSpec([None], tf.string, name=argument)]
        self.rows = tf.function(of_rows, input_signature=spec)
        return {by_rows: self.rows, by_tensors: self.tensors}


def save_student(trained: Trained, folder: str, *, inputs: kinds.Inputs, target: Target) -> None:
    """Writes the SavedModel.

    Args:
        trained: the student, float32.
        folder: where to; any path that `tf.io.gfile` knows.
        inputs: of the task.
        target: of the task.

    Raises:
        ValueError: the kind of the encoded input does not say what becomes of its words.
    """
    student = _Student(trained, inputs, target)
    tf.saved_model.save(student, folder, signatures=student.signatures())
