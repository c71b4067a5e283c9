"""A target of one's own: yes or no, with one sigmoid in place of a softmax over two."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from modules.targets.base import Target
from modules.targets.kinds import TARGETS
from modules.tensors import Tensor

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf
    import tf_keras


@TARGETS.register("two_way")
class TwoWay(Target):
    """Whether the column holds the one value or the other."""

    watched: ClassVar[tuple[str, ...]] = ("auc",)
    bounded: ClassVar[tuple[str, ...]] = ("auc",)
    parts: ClassVar[Mapping[str, str]] = {"scoring": "modules.targets.one_label.scoring:LabelScoring"}

    kind: Literal["two_way"] = "two_way"
    """Selects this kind."""
    positive: str
    """The value that counts as yes."""
    negative: str
    """The value that counts as no."""

    @property
    def names(self) -> list[str]:
        """No, then yes."""
        return [self.negative, self.positive]

    def tensor(self) -> Tensor:
        """1 for yes."""
        return Tensor("is_yes", "float32")

    @classmethod
    def outputs(cls, names: Sequence[str]) -> int:
        """One, whatever the names are."""
        return 1

    def truth(self, values: Sequence[str]) -> np.ndarray:
        """1 for yes, int64."""
        return np.array([self.names.index(value) for value in values], np.int64)

    def features(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """1 for yes."""
        import tensorflow as tf

        return {"is_yes": tf.cast(tf.equal(raw[self.column], self.positive), tf.float32)}

    @classmethod
    def head(cls, vector: tf_keras.KerasTensor, outputs: int) -> tf_keras.KerasTensor:
        """The probability of yes, float32 `[batch, 1]`."""
        import tf_keras

        return tf_keras.layers.Dense(outputs, "sigmoid", dtype="float32", name="yes")(vector)

    def loss(self) -> tf_keras.losses.Loss:
        """Cross-entropy of one probability."""
        import tf_keras

        return tf_keras.losses.BinaryCrossentropy()

    def metrics(self) -> list[tf_keras.metrics.Metric]:
        """The area under the curve."""
        import tf_keras

        return [tf_keras.metrics.AUC(name="auc")]

    def answers(self) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
        """Both probabilities, and the name of the larger one."""
        import tensorflow as tf

        names = tf.constant(self.names)

        def answer(yes: tf.Tensor) -> dict[str, tf.Tensor]:
            probabilities = tf.concat([1.0 - yes, yes], axis=1)
            return {"probabilities": probabilities, "label": tf.gather(names, tf.cast(yes[:, 0] >= 0.5, tf.int32))}

        return answer

    def metric_specs(self) -> list[tuple[dict[str, dict[str, Any]], dict[str, Any]]]:
        """The area under the curve."""
        return [({"auc": {"class_name": "AUC", "config": '{"name": "auc"}'}}, {})]
