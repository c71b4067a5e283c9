"""A number: squared error, in standard deviations of the training rows; an interval around it, if asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from modules.targets.base import LOGITS, Target
from modules.targets.cell import Cell
from modules.targets.metric_spec import metric
from modules.tensors import Column, Tensor

from pydantic import Field, model_validator

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf
    import tf_keras

NUMBER, LOW, HIGH = "number", "low", "high"  # what a server answers
IN_UNITS = "in_units"  # the network's last layer
_FOLDER = "modules.targets.number"


class Number(Target):
    """A finite number."""

    watched: ClassVar[tuple[str, ...]] = ("rmse", "mae")
    bounded: ClassVar[tuple[str, ...]] = ("rmse", "mae", "r2")
    lower_is_better: ClassVar[frozenset[str]] = frozenset({"rmse", "mae"})
    edge_scores: ClassVar[tuple[str, ...]] = ("rmse", "mae", "r2")
    edge_drops: ClassVar[Mapping[str, float]] = {"rmse": 0.05}
    edge_slice_drop: ClassVar[float] = 0.1
    parts: ClassVar[Mapping[str, str]] = {
        "tfma": f"{_FOLDER}.tfma_metrics",
        "scoring": f"{_FOLDER}.scoring:NumberScoring",
        "decision": f"{_FOLDER}.interval:half_width",
        "distillation": f"{_FOLDER}.distillation:NumberDistillation",
        "device": f"{_FOLDER}.device:NumberOutput",
        "linear": f"{_FOLDER}.linear:baseline",
        "plots": f"{_FOLDER}.plots:number_plots",
        "errors": f"{_FOLDER}.errors:worst_errors",
    }

    kind: Literal["number"] = "number"
    """Selects this kind."""
    column: str
    """Column with the number; a row whose value is no finite one is put aside."""
    min: float | None = None
    """Smallest number that is right, such as 1 of five stars: rows below are put aside, answers below become it."""
    max: float | None = None
    """Largest number that is right, likewise."""
    coverage: float | None = Field(0.9, gt=0.0, lt=1.0)
    """Share of rows whose number is to lie in the interval that is answered, too, `low` to `high`. Empty: none is."""
    half_width: float | None = Field(None, ge=0.0)
    """How far that interval reaches to either side. Empty: as far as `coverage` needs on the eval split."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ValueError(f"min is {self.min:g}, which is not below max, {self.max:g}: nothing is left to predict")
        if self.half_width is not None and self.coverage is None:
            raise ValueError("half_width is of the interval that `coverage` asks for; set both, or neither")
        return self

    @property
    def gaps(self) -> list[str]:
        """Both errors; R² is left out, for it says as much of a slice's spread as of the model."""
        return ["rmse", "mae"]

    @property
    def cell(self) -> Cell:
        """The bounds."""
        return Cell(type="number", lowest=self.min, highest=self.max)

    @property
    def told(self) -> str:
        """The bounds, and the interval."""
        ends = [
            f"from {self.min:g}" if self.min is not None else "",
            f"to {self.max:g}" if self.max is not None else "",
        ]
        number = " ".join(["a number", *filter(None, ends)])
        if self.coverage is None:
            return number
        return f"{number}, and the interval from `low` to `high` that holds it for {self.coverage:.0%} of the rows"

    def columns(self) -> tuple[Column, ...]:
        """A column of numbers."""
        return (Column(self.column, "number"),)

    def tensor(self) -> Tensor:
        """The number, in the unit of the column."""
        return Tensor("target_number", "float32")

    @classmethod
    def outputs(cls, names: Sequence[str]) -> int:
        """One."""
        return 1

    def truth(self, values: Sequence[Any]) -> np.ndarray:
        """The numbers, float64 `[rows]`.

        Args:
            values: numbers.

        Raises:
            ValueError: one of them is not finite.
        """
        import numpy as np

        numbers = np.asarray(values, np.float64)
        if not np.isfinite(numbers).all():
            raise ValueError(f"the examples hold a value of {self.column!r} that is no finite number")
        return numbers

    def features(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The number as it is."""
        return {self.tensor().name: raw[self.column]}

    @classmethod
    def head(cls, vector: tf_keras.KerasTensor, outputs: int) -> tf_keras.KerasTensor:
        """The number, float32 `[batch, 1]`: what the last dense layer gives are deviations from the mean."""
        from modules.targets.number.layers import InUnits

        import tf_keras

        deviations = tf_keras.layers.Dense(outputs, dtype="float32", name=LOGITS)(vector)
        return InUnits(dtype="float32", name=IN_UNITS)(deviations)

    def begin(self, model: tf_keras.Model, values: np.ndarray) -> None:
        """Tells the head mean and deviation of the training rows."""
        model.get_layer(IN_UNITS).learn(values)

    def loss(self) -> tf_keras.losses.Loss:
        """Squared distance in the unit of the column."""
        from modules.targets.number.layers import ScaledSquaredError

        return ScaledSquaredError(1.0)

    def loss_of(self, model: tf_keras.Model) -> tf_keras.losses.Loss:
        """Squared distance in deviations of the training rows."""
        from modules.targets.number.layers import ScaledSquaredError

        _, scale = model.get_layer(IN_UNITS).get_weights()
        return ScaledSquaredError(float(scale))

    def metrics(self) -> list[tf_keras.metrics.Metric]:
        """Root of the mean squared error, and mean absolute error."""
        import tf_keras

        return [tf_keras.metrics.RootMeanSquaredError(name="rmse"), tf_keras.metrics.MeanAbsoluteError(name="mae")]

    @property
    def is_open(self) -> bool:
        """Whether the width of the interval is to be found."""
        return self.coverage is not None and self.half_width is None

    def settled(self, truth: np.ndarray, probabilities: np.ndarray) -> Self:
        """With the half width that holds `coverage` of the eval rows.

        Args:
            truth: of the eval split, float `[rows]`.
            probabilities: what the head gives, float32 `[rows, 1]`.
        """
        if not self.is_open:
            return self
        width = self.part("decision")(truth, self.clipped(probabilities), self.coverage)
        return self if width is None else self.with_values(half_width=width)

    @property
    def device_decision(self) -> dict[str, Any] | None:
        """`half_width` of the interval; None without one."""
        return None if self.half_width is None else {"half_width": self.half_width}

    def undecided(self) -> Self:
        """Without the interval."""
        return self.with_values(coverage=None, half_width=None)

    def clipped(self, numbers: np.ndarray) -> np.ndarray:
        """Answers within the bounds, float64 `[rows]`.

        Args:
            numbers: of a model, `[rows]` or `[rows, 1]`.
        """
        import numpy as np

        return np.clip(np.asarray(numbers, np.float64).reshape(-1), *self._ends())

    def answers(self) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
        """`number`, float32 `[batch]`, within the bounds; with an interval also its ends, `low` and `high`."""
        import tensorflow as tf

        lowest, highest, width = *self._ends(), self.half_width

        def within(values: tf.Tensor) -> tf.Tensor:
            return tf.clip_by_value(values, lowest, highest)

        def answer(outputs: tf.Tensor) -> dict[str, tf.Tensor]:
            number = within(outputs[:, 0])
            ends = {} if width is None else {LOW: within(number - width), HIGH: within(number + width)}
            return {NUMBER: number, **ends}

        return answer

    def metric_specs(self) -> list[tuple[dict[str, dict[str, Any]], dict[str, Any]]]:
        """Keras' and TFMA's errors, and R²."""
        metrics = {
            "rows": metric("ExampleCount"),
            "rmse": metric("RootMeanSquaredError", name="rmse"),
            "mae": metric("MeanAbsoluteError", name="mae"),
            "r2": metric("RSquared", module=f"{_FOLDER}.tfma_metrics"),
        }
        return [(metrics, {})]

    @property
    def prediction_key(self) -> str:
        """The number."""
        return NUMBER

    def _ends(self) -> tuple[float, float]:
        return (-math.inf if self.min is None else self.min, math.inf if self.max is None else self.max)
