"""One of several labels: softmax, cross-entropy, the most probable one is the answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from modules.registry import load
from modules.targets.base import LOGITS, Target
from modules.tensors import Tensor

from pydantic import Field, model_validator

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf
    import tf_keras

LABEL_ID = "label_id"
PROBABILITIES = "probabilities"
_FOLDER = "modules.targets.one_label"
_METRICS = f"{_FOLDER}.tfma_metrics"


class OneLabel(Target):
    """Exactly one of the labels is right."""

    watched: ClassVar[tuple[str, ...]] = ("macro_f1", "accuracy")
    bounded: ClassVar[tuple[str, ...]] = ("accuracy", "macro_f1", "auc", "precision", "recall", "calibration_error")
    shares: ClassVar[bool] = True
    lower_is_better: ClassVar[frozenset[str]] = frozenset({"calibration_error"})
    parts: ClassVar[Mapping[str, str]] = {
        "training": f"{_FOLDER}.keras_metrics:SparseMacroF1",
        "tfma": _METRICS,
        "scoring": f"{_FOLDER}.scoring:LabelScoring",
        "distillation": f"{_FOLDER}.distillation:LabelDistillation",
        "device": f"{_FOLDER}.device:LabelOutput",
        "linear": f"{_FOLDER}.linear:baseline",
        "plots": f"{_FOLDER}.plots:label_plots",
        "errors": "modules.report.facts.errors:worst_errors",
    }

    kind: Literal["one_label"] = "one_label"
    """Selects this kind."""
    column: str = "label"
    """Column with the label's name."""
    labels: list[str] = Field(min_length=2)
    """The label names, in the order of their ids."""

    @model_validator(mode="after")
    def _labels_differ(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError(f"labels holds a name twice: {self.labels}")
        return self

    @property
    def names(self) -> list[str]:
        """The labels."""
        return list(self.labels)

    @property
    def gaps(self) -> list[str]:
        """Those of `bounded` that come from the confusion matrix, each label's recall, and the largest of these."""
        macro = ["accuracy", "macro_f1", "precision", "recall", "equal_opportunity"]
        return [*macro, *(f"recall_{label}" for label in self.labels)]

    def tensor(self) -> Tensor:
        """The label's id."""
        return Tensor(LABEL_ID, "int32")

    @classmethod
    def outputs(cls, names: Sequence[str]) -> int:
        """One a label."""
        return len(names)

    def truth(self, values: Sequence[str]) -> np.ndarray:
        """Ids of the label names, int64 `[rows]`.

        Args:
            values: label names.

        Raises:
            ValueError: one of them is none of the labels.
        """
        import numpy as np

        ids = {name: index for index, name in enumerate(self.labels)}
        unknown = sorted(set(values) - set(ids))
        if unknown:
            raise ValueError(f"the examples hold labels that the configuration does not name: {', '.join(unknown)}")
        return np.array([ids[name] for name in values], np.int64)

    def features(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Ids of the label names."""
        return {LABEL_ID: label_ids(raw[self.column], self.labels)}

    @classmethod
    def head(cls, vector: tf_keras.KerasTensor, outputs: int) -> tf_keras.KerasTensor:
        """Logits and softmax: float32 `[batch, labels]`."""
        import tf_keras

        logits = tf_keras.layers.Dense(outputs, dtype="float32", name=LOGITS)(vector)
        return tf_keras.layers.Softmax(dtype="float32", name=PROBABILITIES)(logits)

    def loss(self) -> tf_keras.losses.Loss:
        """Cross-entropy with the label's id."""
        import tf_keras

        return tf_keras.losses.SparseCategoricalCrossentropy()

    def smoothed_loss(self, smoothing: float) -> tf_keras.losses.Loss:
        """Cross-entropy with smoothed labels."""
        # By name, as `metrics` does.
        smoothed: tf_keras.losses.Loss = load("modules.training.losses:SmoothedCrossEntropy")(smoothing)
        return smoothed

    def metrics(self) -> list[tf_keras.metrics.Metric]:
        """Accuracy and macro-F1."""
        import tf_keras

        # By name: Transform reads this file, and is not to run again when a metric of the training changes.
        macro_f1 = self.part("training")
        return [tf_keras.metrics.SparseCategoricalAccuracy(name="accuracy"), macro_f1(len(self.labels))]

    def class_weights(self, values: np.ndarray, mode: str) -> dict[int, float] | None:
        """`balanced` is rows / (labels * count), as in scikit-learn; a label without rows weighs 1."""
        import numpy as np

        return load("modules.training.compiled:class_weights")(np.bincount(values, minlength=len(self.labels)), mode)

    def answers(self) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
        """`probabilities`, float32 `[batch, labels]`, and `label`, string `[batch]`."""
        import tensorflow as tf

        names = tf.constant(self.labels)

        def answer(probabilities: tf.Tensor) -> dict[str, tf.Tensor]:
            return {PROBABILITIES: probabilities, "label": tf.gather(names, tf.argmax(probabilities, axis=1))}

        return answer

    def metric_specs(self) -> list[tuple[dict[str, dict[str, Any]], dict[str, Any]]]:
        """Scores by arg max, by label, and of the probabilities."""
        classes = len(self.labels)
        per_class = [
            metric(kind, name=f"{kind.lower()}_{label}", top_k=1, class_id=index)
            for index, label in enumerate(self.labels)
            for kind in ("Precision", "Recall")
        ]
        plots = [metric("ExampleCount"), metric("MultiClassConfusionMatrixPlot", thresholds=[0.0]), *per_class]
        scores = {
            "accuracy": metric("SparseCategoricalAccuracy", name="accuracy"),
            "macro_f1": _own("MacroF1", num_classes=classes),
            "precision": _own("MacroPrecision", num_classes=classes),
            "recall": _own("MacroRecall", num_classes=classes),
            "calibration_error": _own("CalibrationError"),
        }
        one_against_rest: dict[str, Any] = {"binarize": {"class_ids": {"values": list(range(classes))}}}
        macro = {"aggregate": {"macro_average": True, "class_weights": {str(index): 1.0 for index in range(classes)}}}
        calibration = {"calibration": metric("Calibration"), "calibration_plot": metric("CalibrationPlot")}
        return [
            ({str(number): plot for number, plot in enumerate(plots)} | scores, {}),
            ({"auc": metric("AUC", name="auc")}, {**one_against_rest, **macro}),
            (calibration, one_against_rest),
        ]


def metric(class_name: str, **config: Any) -> dict[str, Any]:
    """A metric of TFMA or Keras by the name of its class, with its arguments."""
    return {"class_name": class_name, **({"config": json.dumps(config)} if config else {})}


def _own(class_name: str, **config: Any) -> dict[str, Any]:
    return {**metric(class_name, **config), "module": _METRICS}


def label_ids(names: tf.Tensor, labels: Sequence[str]) -> tf.Tensor:
    """Ids of label names.

    Args:
        names: string `[batch]`.
        labels: the names in the order of their ids.

    Returns:
        int64 `[batch]`; -1 for a name that is not among them, which no loss accepts.
    """
    import tensorflow as tf

    match = tf.equal(names[:, tf.newaxis], tf.constant(list(labels)))
    return tf.where(
        tf.reduce_any(match, axis=1), tf.argmax(tf.cast(match, tf.int32), axis=1), tf.constant(-1, tf.int64)
    )
