"""Several labels a row, or none: a sigmoid and a threshold for each, as if each were a question of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self

from modules.settings import PositiveShare
from modules.targets.base import LOGITS, Target
from modules.targets.cell import BETWEEN, JSON, Cell
from modules.targets.metric_spec import metric
from modules.tensors import Tensor

from pydantic import Field, model_validator

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf
    import tf_keras

PROBABILITIES, DECISION = "probabilities", "decision"
AUTO: Final = "auto"
_FOLDER = "modules.targets.many_labels"
_HALF = 0.5  # what the training takes for an answer, before thresholds are chosen


class ManyLabels(Target):
    """Any number of the labels are right."""

    watched: ClassVar[tuple[str, ...]] = ("macro_f1", "micro_f1")
    bounded: ClassVar[tuple[str, ...]] = ("macro_f1", "micro_f1", "subset_accuracy", "precision", "recall")
    shares: ClassVar[bool] = True
    edge_scores: ClassVar[tuple[str, ...]] = ("micro_f1", "macro_f1", "subset_accuracy")
    edge_drops: ClassVar[Mapping[str, float]] = {"micro_f1": 0.01}
    parts: ClassVar[Mapping[str, str]] = {
        "tfma": f"{_FOLDER}.tfma_metrics",
        "scoring": f"{_FOLDER}.scoring:ManyLabelsScoring",
        "decision": f"{_FOLDER}.decision:best_thresholds",
        "distillation": f"{_FOLDER}.distillation:LabelSetDistillation",
        "device": f"{_FOLDER}.device:LabelSetOutput",
        "linear": f"{_FOLDER}.linear:baseline",
        "plots": f"{_FOLDER}.plots:many_labels_plots",
        "errors": f"{_FOLDER}.errors:worst_errors",
    }

    kind: Literal["many_labels"] = "many_labels"
    """Selects this kind."""
    column: str
    """Column with the names of a row's labels."""
    labels: list[str] = Field(min_length=2, max_length=1_000)
    """The label names, in the order of their ids."""
    separator: str = Field("|", min_length=1)
    """What stands between the labels of a cell, blanks beside it apart; `json`: a cell is a JSON list of names."""
    none_allowed: bool = False
    """Whether a row may have no label at all; else one with an empty cell is put aside."""
    thresholds: Literal["auto"] | list[PositiveShare] = AUTO
    """Of each label's probability, in the order of `labels`: from there on the label is answered. `auto`: those that
    make each label's F1 largest on the eval split."""

    @model_validator(mode="after")
    def _labels_can_be_told_apart(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError(f"labels holds a name twice: {self.labels}")
        for label in self.labels:
            if self.separator != JSON and (self.separator in label or label != label.strip()):
                raise ValueError(
                    f"labels: {label!r} holds the separator {self.separator!r}, or a blank at an end: no cell could "
                    "name it; choose another separator, or write cells as JSON lists (separator: json)"
                )
        if self.thresholds != AUTO and len(self.thresholds) != len(self.labels):
            raise ValueError(
                f"thresholds has {len(self.thresholds)} numbers for {len(self.labels)} labels; give each one"
            )
        return self

    @property
    def names(self) -> list[str]:
        """The labels."""
        return list(self.labels)

    @property
    def gaps(self) -> list[str]:
        """The averages over labels, and the share of rows that are right in every label."""
        return ["macro_f1", "micro_f1", "subset_accuracy"]

    @property
    def cell(self) -> Cell:
        """How a cell holds several labels."""
        return Cell(separator=self.separator, may_be_empty=self.none_allowed)

    @property
    def told(self) -> str:
        """That several may be right."""
        form = "a JSON list" if self.separator == JSON else f"separated by {self.separator!r}"
        return f"any number of the labels, {form} in `label`, and a probability of each"

    def tensor(self) -> Tensor:
        """1 for each label of the row."""
        return Tensor("target_labels", "float32", (len(self.labels),))

    @classmethod
    def outputs(cls, names: Sequence[str]) -> int:
        """One a label."""
        return len(names)

    def truth(self, values: Sequence[str]) -> np.ndarray:
        """1 for each label of a row, int8 `[rows, labels]`.

        Args:
            values: of the column, as ExampleGen wrote them.

        Raises:
            ValueError: one of them names a label that there is not.
        """
        import numpy as np

        ids, cell = {name: index for index, name in enumerate(self.labels)}, self.cell
        found = np.zeros((len(values), len(self.labels)), np.int8)
        for row, value in enumerate(values):
            for name in cell.names_in(value):
                if name not in ids:
                    raise ValueError(f"the examples hold a label that the configuration does not name: {name}")
                found[row, ids[name]] = 1
        return found

    def features(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """1 for each label of a row, float32 `[batch, labels]`."""
        import tensorflow as tf

        parts = tf.strings.split(raw[self.column], BETWEEN).to_tensor("")
        match = tf.equal(parts[:, :, tf.newaxis], tf.constant(self.labels))
        there = tf.cast(tf.reduce_any(match, axis=1), tf.float32)
        return {self.tensor().name: tf.ensure_shape(there, [None, len(self.labels)])}

    @classmethod
    def head(cls, vector: tf_keras.KerasTensor, outputs: int) -> tf_keras.KerasTensor:
        """Logits and a sigmoid of each: float32 `[batch, labels]`."""
        import tf_keras

        logits = tf_keras.layers.Dense(outputs, dtype="float32", name=LOGITS)(vector)
        return tf_keras.layers.Activation("sigmoid", dtype="float32", name=PROBABILITIES)(logits)

    def loss(self) -> tf_keras.losses.Loss:
        """Cross-entropy of each label by itself."""
        import tf_keras

        return tf_keras.losses.BinaryCrossentropy()

    def smoothed_loss(self, smoothing: float) -> tf_keras.losses.Loss:
        """The same, with a share of each answer taken for unsure."""
        import tf_keras

        return tf_keras.losses.BinaryCrossentropy(label_smoothing=smoothing)

    def metrics(self) -> list[tf_keras.metrics.Metric]:
        """F1 at a probability of one half, over all answers together and as the mean over the labels."""
        import tf_keras

        return [
            tf_keras.metrics.F1Score(average=average, threshold=_HALF, name=f"{average}_f1")
            for average in ("macro", "micro")
        ]

    @property
    def is_open(self) -> bool:
        """Whether thresholds are to be chosen."""
        return self.thresholds == AUTO

    def settled(self, truth: np.ndarray, probabilities: np.ndarray) -> Self:
        """With the thresholds that make each label's F1 largest.

        Args:
            truth: of the eval split, `[rows, labels]`.
            probabilities: of a model, float32 `[rows, labels]`.
        """
        if not self.is_open:
            return self
        return self.with_values(thresholds=self.part("decision")(truth, probabilities))

    def decided(self, probabilities: np.ndarray) -> np.ndarray:
        """1 for each label that is answered, int8 `[rows, labels]`.

        Args:
            probabilities: float32 `[rows, labels]`.

        Raises:
            ValueError: the thresholds were not chosen yet.
        """
        import numpy as np

        return (np.asarray(probabilities, np.float32) >= np.asarray(self._chosen(), np.float32)).astype(np.int8)

    @property
    def device_decision(self) -> dict[str, Any] | None:
        """`thresholds` by label; None before they are chosen."""
        return None if self.is_open else {"thresholds": dict(zip(self.labels, self._chosen(), strict=True))}

    def undecided(self) -> Self:
        """Without thresholds."""
        return self.with_values(thresholds=AUTO)

    def answers(self) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
        """`probabilities`; `decision`, 1 for each label that is answered; and `label`, their names as in a cell.

        The first two are float32 `[batch, labels]`, the last one string `[batch]`.

        Raises:
            ValueError: the thresholds were not chosen yet.
        """
        import tensorflow as tf

        as_list = self.separator == JSON
        shown = [json.dumps(name, ensure_ascii=False) for name in self.labels] if as_list else self.labels
        names, thresholds = tf.constant(shown), tf.constant(self._chosen(), tf.float32)
        between = ", " if as_list else self.separator

        def answer(probabilities: tf.Tensor) -> dict[str, tf.Tensor]:
            reached = probabilities >= thresholds
            every = tf.broadcast_to(names, tf.shape(reached))
            joined = tf.strings.reduce_join(tf.ragged.boolean_mask(every, reached), axis=1, separator=between)
            label = tf.strings.join(["[", joined, "]"]) if as_list else joined
            return {PROBABILITIES: probabilities, DECISION: tf.cast(reached, tf.float32), "label": label}

        return answer

    def metric_specs(self) -> list[tuple[dict[str, dict[str, Any]], dict[str, Any]]]:
        """Of what is answered: averages, the share of rows that are right in every label, and each label's own."""
        module, classes = f"{_FOLDER}.tfma_metrics", len(self.labels)
        names = ("macro_f1", "micro_f1", "subset_accuracy", "precision", "recall")
        averages = {name: metric("LabelSetAverage", module=module, name=name, labels=classes) for name in names}
        own = {
            f"{kind}_{label}": metric(
                "LabelSetLabel", module=module, name=f"{kind}_{label}", score=kind, label=index, labels=classes
            )
            for index, label in enumerate(self.labels)
            for kind in ("precision", "recall")
        }
        return [({"rows": metric("ExampleCount"), **averages, **own}, {})]

    @property
    def prediction_key(self) -> str:
        """The labels that are answered."""
        return DECISION

    def _chosen(self) -> list[float]:
        if isinstance(self.thresholds, str):
            raise ValueError("target.thresholds is auto, and they were not chosen on eval yet")
        return self.thresholds
