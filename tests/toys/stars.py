"""A target of one's own that has no names: how many stars a text gives, a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from modules.quality import predictions
from modules.quality.linear_baseline import LinearModel
from modules.quality.scoring import Scoring
from modules.rows.raw import RawSplit
from modules.targets.base import LOGITS, Target
from modules.targets.kinds import TARGETS
from modules.tensors import Column, Tensor

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf
    import tf_keras


@TARGETS.register("stars")
class Stars(Target):
    """A number, by the mean absolute error."""

    watched: ClassVar[tuple[str, ...]] = ("mae",)
    bounded: ClassVar[tuple[str, ...]] = ("mae", "mse")
    lower_is_better: ClassVar[frozenset[str]] = frozenset({"mae", "mse"})
    parts: ClassVar[Mapping[str, str]] = {
        "scoring": "tests.toys.stars:StarsScoring",
        "linear": "tests.toys.stars:ridge",
        "distillation": "tests.toys.stars_distillation:StarsDistillation",
    }

    kind: Literal["stars"] = "stars"
    """Selects this kind."""

    def columns(self) -> tuple[Column, ...]:
        """A column of numbers."""
        return (Column(self.column, "number"),)

    def tensor(self) -> Tensor:
        """The number."""
        return Tensor("stars", "float32")

    @classmethod
    def outputs(cls, names: Sequence[str]) -> int:
        """One."""
        return 1

    def truth(self, values: Sequence[float]) -> np.ndarray:
        """The numbers, float64."""
        return np.asarray(values, np.float64)

    def features(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The number as it is."""
        return {"stars": raw[self.column]}

    @classmethod
    def head(cls, vector: tf_keras.KerasTensor, outputs: int) -> tf_keras.KerasTensor:
        """The number, float32 `[batch, 1]`."""
        import tf_keras

        return tf_keras.layers.Dense(outputs, dtype="float32", name=LOGITS)(vector)

    def loss(self) -> tf_keras.losses.Loss:
        """Squared distance."""
        import tf_keras

        return tf_keras.losses.MeanSquaredError()

    def metrics(self) -> list[tf_keras.metrics.Metric]:
        """The mean absolute error."""
        import tf_keras

        return [tf_keras.metrics.MeanAbsoluteError(name="mae")]

    def answers(self) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
        """`stars`, float32 `[batch]`."""
        return lambda number: {"stars": number[:, 0]}

    def metric_specs(self) -> list[tuple[dict[str, dict[str, Any]], dict[str, Any]]]:
        """Keras' own metrics."""
        names = {"mae": "MeanAbsoluteError", "mse": "MeanSquaredError"}
        metrics = {key: {"class_name": name, "config": f'{{"name": "{key}"}}'} for key, name in names.items()}
        return [({"count": {"class_name": "ExampleCount"}, **metrics}, {})]

    @property
    def prediction_key(self) -> str:
        """The number."""
        return "stars"


class StarsScoring(Scoring):
    """By the distance."""

    titles = {"mae": "mean error"}

    def answered(self, served: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """`predicted`, and the whole stars that a page would show."""
        stars = served["stars"].astype(np.float64)
        return {"predicted": stars, "shown": np.rint(stars).astype(np.int64)}

    def scores(self, truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
        """The mean absolute error."""
        return {"mae": float(np.mean(np.abs(truth - predicted)))}


def ridge(splits: Mapping[str, RawSplit], target: Target, seed: int) -> LinearModel:
    """Linear regression that shrinks its weights, on words."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline

    train, judge = splits["train"], StarsScoring(target)
    model = make_pipeline(TfidfVectorizer(), Ridge(random_state=seed)).fit(train.texts, train.labels)
    found = {
        name: predictions.predict_split(
            lambda texts: {"stars": model.predict(texts)}, split, judge.answered, name=name, batch_size=1024
        )
        for name, split in splits.items()
        if name != "train"
    }
    scores = {name: judge.scored(rows.label, rows.predicted, rows.slices) for name, rows in found.items()}
    record = {"model": "TF-IDF + ridge regression", "rows": len(train.texts), "seconds": 0.0, "splits": scores}
    return LinearModel(record, found)
