"""One of several labels: softmax, cross-entropy; the most probable one is answered, or of two what a threshold says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from modules.registry import load
from modules.settings import PositiveShare
from modules.targets.base import LOGITS, Target
from modules.targets.one_label.settings import AUTO, RANKED_BY_QUERY, Decision, Queries
from modules.tensors import Tensor

from pydantic import Field, model_validator

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf
    import tf_keras

LABEL_ID = "label_id"
PROBABILITIES = "probabilities"
DECISION = "decision"  # among the answers of a server: 1 for the label that is answered, 0 for the other
_FOLDER = "modules.targets.one_label"


class OneLabel(Target):
    """Exactly one of the labels is right."""

    watched: ClassVar[tuple[str, ...]] = ("macro_f1", "accuracy")
    bounded: ClassVar[tuple[str, ...]] = (
        *("accuracy", "macro_f1", "balanced_accuracy", "auc", "pr_auc", "precision", "recall", "recall_at_precision"),
        *("calibration_error", *RANKED_BY_QUERY),
    )
    shares: ClassVar[bool] = True
    edge_scores: ClassVar[tuple[str, ...]] = ("accuracy", "macro_f1")
    lower_is_better: ClassVar[frozenset[str]] = frozenset({"calibration_error"})
    parts: ClassVar[Mapping[str, str]] = {
        "training": f"{_FOLDER}.keras_metrics:macro_f1",
        "decision": f"{_FOLDER}.decision:settled",
        "tfma": f"{_FOLDER}.tfma_metrics",
        "scoring": f"{_FOLDER}.scoring:LabelScoring",
        "distillation": f"{_FOLDER}.distillation:LabelDistillation",
        "device": f"{_FOLDER}.device:LabelOutput",
        "probe": f"{_FOLDER}.probe:fit",
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
    positive: str | None = None
    """Of two labels the one that is looked for, as a rule the rare one: `pr_auc`, `recall_at_precision` and `decision`
    are about it. Empty: both metrics are means over the labels."""
    min_precision: PositiveShare = 0.9
    """`recall_at_precision` is the largest recall that has this precision or more."""
    decision: Decision = Decision()
    """Which label is answered."""
    queries: Queries | None = None
    """Rows that are ranked against each other, such as the films that one person rated."""

    @model_validator(mode="after")
    def _labels_differ(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError(f"labels holds a name twice: {self.labels}")
        return self

    @model_validator(mode="after")
    def _two_labels_have_a_positive_one(self) -> Self:
        """A threshold is of one label's probability, and leaves the rest to the other."""
        count = len(self.labels)
        if self.positive is not None and count != 2:
            raise ValueError(
                f"positive is {self.positive!r}: that is for two labels, and there are {count}; leave it out"
            )
        if self.positive is not None and self.positive not in self.labels:
            raise ValueError(f"positive is {self.positive!r}, which is none of the labels: {', '.join(self.labels)}")
        if self.queries is not None and self.positive is None:
            raise ValueError(
                "queries are ranked by the positive label's probability; set `positive` to one of two labels"
            )
        if self.decision.threshold is None:
            return self
        if count != 2:
            raise ValueError(f"decision.threshold is for two labels, and there are {count}; leave it out")
        if self.positive is None:
            raise ValueError(
                "decision.threshold is of the positive label's probability; set `positive` to "
                f"{self.labels[0]!r} or {self.labels[1]!r}"
            )
        return self

    @property
    def measured(self) -> tuple[str, ...]:
        """All but the metrics of queries, where there are none."""
        return tuple(name for name in self.bounded if self.queries or name not in RANKED_BY_QUERY)

    @property
    def judged_by(self) -> tuple[str, ...]:
        """The column of the queries."""
        return (self.queries.column,) if self.queries else ()

    @property
    def names(self) -> list[str]:
        """The labels."""
        return list(self.labels)

    @property
    def gaps(self) -> list[str]:
        """Those of `bounded` that come from the confusion matrix, each label's recall, and the largest of these."""
        macro = ["accuracy", "macro_f1", "precision", "recall", "equal_opportunity"]
        return [*macro, *(f"recall_{label}" for label in self.labels)]

    def narrowed(self, names: Sequence[str]) -> Self:
        """The choice between some of the labels: the most probable one, since a threshold is of all of them."""
        return self.with_values(labels=list(names), positive=None, decision=Decision(), queries=None)

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
        """Accuracy of the most probable label, and macro-F1: with a threshold that of the best one so far."""
        import tf_keras

        # By name: Transform reads this file, and is not to run again when a metric of the training changes.
        macro_f1 = self.part("training")
        return [tf_keras.metrics.SparseCategoricalAccuracy(name="accuracy"), macro_f1(self)]

    def class_weights(self, values: np.ndarray, mode: str) -> dict[int, float] | None:
        """`balanced` is rows / (labels * count), as in scikit-learn; a label without rows weighs 1."""
        import numpy as np

        return load("modules.training.compiled:class_weights")(np.bincount(values, minlength=len(self.labels)), mode)

    @property
    def positive_id(self) -> int | None:
        """Id of the positive label; None where none is named."""
        return None if self.positive is None else self.labels.index(self.positive)

    @property
    def threshold(self) -> float | None:
        """Of the positive label's probability, a float32 as the probabilities are; None where it is the arg max.

        Raises:
            ValueError: it is not chosen yet.
        """
        import numpy as np

        if self.decision.threshold is None:
            return None
        if self.is_open:
            raise ValueError("target.decision.threshold is auto, and was not chosen on eval yet")
        return float(np.float32(self.decision.threshold))

    @property
    def is_open(self) -> bool:
        """Whether the threshold is not chosen yet."""
        return self.decision.threshold == AUTO

    def settled(self, truth: np.ndarray, probabilities: np.ndarray) -> Self:
        """With the threshold that `decision.objective` is largest with, in place of `auto`.

        Args:
            truth: label ids of the eval split, int `[rows]`.
            probabilities: of a model, float32 `[rows, labels]`.

        Raises:
            ValueError: one of the labels has no row.
        """
        if not self.is_open:
            return self
        chosen: Self = self.part("decision")(self, truth, probabilities)
        return chosen

    def decided(self, probabilities: np.ndarray) -> np.ndarray:
        """Label ids that are answered, int64 `[rows]`.

        Args:
            probabilities: float32 `[rows, labels]`.
        """
        import numpy as np

        threshold, positive = self.threshold, self.positive_id
        if threshold is None or positive is None:
            return np.asarray(probabilities).argmax(axis=1).astype(np.int64)
        reached = np.asarray(probabilities, np.float32)[:, positive] >= np.float32(threshold)
        return np.where(reached, positive, 1 - positive).astype(np.int64)

    @property
    def device_decision(self) -> dict[str, Any] | None:
        """`label`, the positive one, and `threshold`; None where the most probable label is the answer."""
        threshold = self.threshold
        return None if threshold is None else {"label": self.positive, "threshold": threshold}

    @property
    def looked_for(self) -> dict[str, Any] | None:
        """The positive label: where it is rare, accuracy says little of it."""
        if self.positive is None:
            return None
        return {"label": self.positive, "min_precision": self.min_precision, "metrics": ["macro_f1", "pr_auc"]}

    def undecided(self) -> Self:
        """The labels alone."""
        plain = type(self).model_fields["min_precision"].default
        return self.with_values(positive=None, decision=Decision(), queries=None, min_precision=plain)

    def answers(self) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
        """`probabilities`, float32 `[batch, labels]`, and `label`, string `[batch]`.

        With a threshold also `decision`, float32 `[batch, labels]`: 1 for the label that is answered.
        """
        import tensorflow as tf

        names, threshold, positive = tf.constant(self.labels), self.threshold, self.positive_id

        def answer(probabilities: tf.Tensor) -> dict[str, tf.Tensor]:
            if threshold is None or positive is None:
                return {PROBABILITIES: probabilities, "label": tf.gather(names, tf.argmax(probabilities, axis=1))}
            chosen = tf.where(probabilities[:, positive] >= tf.constant(threshold, tf.float32), positive, 1 - positive)
            return {
                PROBABILITIES: probabilities,
                "label": tf.gather(names, chosen),
                DECISION: tf.one_hot(chosen, len(self.labels)),
            }

        return answer

    def metric_specs(self) -> list[tuple[dict[str, dict[str, Any]], dict[str, Any]]]:
        """Scores of what is answered, by label, and of the probabilities."""
        specs: list[tuple[dict[str, dict[str, Any]], dict[str, Any]]] = load(f"{_FOLDER}.metric_specs:of")(self)
        return specs


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
