"""The student as a SavedModel: a `Model` artifact that any TensorFlow runtime can load and ask.

It answers `serving_text` (raw text, with the student's own vocabulary) and `tokens` (ids and mask of that vocabulary).
It has no `transform_features`: Transform's graph has the teacher's vocabulary. What ships is not this but the bundle.
"""

from __future__ import annotations

from modules.network.trained import Trained
from modules.targets.base import Target
from modules.text import tokenization
from modules.text.features import PADDING_MASK, TOKEN_IDS

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)


class _Student(tf.Module):
    def __init__(self, trained: Trained, sequence_length: int, target: Target) -> None:
        super().__init__(name="student")
        self._model = trained.model
        self._vocabulary = tuple(trained.vocabulary)
        self._length = sequence_length
        self._answers = target.answers()
        window = [tf.TensorSpec([None, sequence_length], tf.int32, name=name) for name in (TOKEN_IDS, PADDING_MASK)]
        self.tokens = tf.function(self._tokens, input_signature=window)
        self.text = tf.function(self._text, input_signature=[tf.TensorSpec([None], tf.string, name="text")])

    def _tokens(self, token_ids: tf.Tensor, padding_mask: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._answers(self._model({TOKEN_IDS: token_ids, PADDING_MASK: padding_mask}, training=False))

    def _text(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._tokens(*tokenization.wordpiece(text, self._vocabulary, self._length))


def save_student(trained: Trained, folder: str, *, sequence_length: int, target: Target) -> None:
    """Writes the SavedModel.

    Args:
        trained: the student, float32.
        folder: where to; any path that `tf.io.gfile` knows.
        sequence_length: the window, in tokens.
        target: of the task, with nothing left open of how it decides.
    """
    student = _Student(trained, sequence_length, target)
    tf.saved_model.save(student, folder, signatures={"serving_text": student.text, "tokens": student.tokens})
