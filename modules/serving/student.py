"""The student as a SavedModel: a `Model` artifact that any TensorFlow runtime can load and ask.

It answers `serving_text` (raw text, with the student's own vocabulary) and `tokens` (ids and mask of that vocabulary).
It has no `transform_features`: Transform's graph has the teacher's vocabulary. What ships is not this but the bundle.
"""

from __future__ import annotations

from collections.abc import Mapping

from modules.inputs.text.input import Text
from modules.network.trained import Trained
from modules.serving import pooled
from modules.targets.base import Target
from modules.text.features import PADDING_MASK, TOKEN_IDS
from modules.text.settings import PreprocessingSettings

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)


class _Student(tf.Module):
    def __init__(self, trained: Trained, reads: PreprocessingSettings, target: Target) -> None:
        super().__init__(name="student")
        self._model = trained.model
        self._text = Text(name="text", **reads.model_dump())
        self._vocabulary = tuple(trained.vocabulary)
        self._answers = target.answers()
        specs = [
            tf.TensorSpec([None, *tensor.shape], tensor.dtype, name=tensor.name) for tensor in self._text.tensors()
        ]
        self.tokens = tf.function(self._tokens, input_signature=specs)
        self.text = tf.function(self._texts, input_signature=[tf.TensorSpec([None], tf.string, name="text")])

    def _tokens(self, token_ids: tf.Tensor, padding_mask: tf.Tensor) -> dict[str, tf.Tensor]:
        tensors = {TOKEN_IDS: token_ids, PADDING_MASK: padding_mask}
        if self._text.windows == 1:
            return self._answers(self._network(tensors))
        return self._answers(
            pooled.answer(self._network, tensors, self._text.tensors(), mask=PADDING_MASK, windows=self._text.windows)
        )

    def _network(self, tensors: Mapping[str, tf.Tensor]) -> tf.Tensor:
        return self._model(tensors, training=False)

    def _texts(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._tokens(*self._text.tokenized(text, self._vocabulary))


def save_student(trained: Trained, folder: str, *, reads: PreprocessingSettings, target: Target) -> None:
    """Writes the SavedModel.

    Args:
        trained: the student, float32.
        folder: where to; any path that `tf.io.gfile` knows.
        reads: its window, and what it reads of longer texts.
        target: of the task, with nothing left open of how it decides.
    """
    student = _Student(trained, reads, target)
    tf.saved_model.save(student, folder, signatures={"serving_text": student.text, "tokens": student.tokens})
