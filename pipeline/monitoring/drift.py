"""Distances between two sets of statistics: this span and the one before (drift), training and serving (skew).

The schema's comparators are TensorFlow Data Validation's, those of an input are what its kind measures.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from typing import Any, Literal

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)
from modules.inputs import kinds

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx import types
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from pipeline.config.validator import ValidatorConfig
from pipeline.monitoring.judged import judge

Kind = Literal["drift", "skew"]
_MEASURES = {
    anomalies_pb2.DriftSkewInfo.Measurement.L_INFTY: "infinity_norm",
    anomalies_pb2.DriftSkewInfo.Measurement.JENSEN_SHANNON_DIVERGENCE: "jensen_shannon_divergence",
    anomalies_pb2.DriftSkewInfo.Measurement.NORMALIZED_ABSOLUTE_DIFFERENCE: "normalized_absolute_difference",
}
MISSING = "missing"
_OTHER = {"drift": "the span before", "skew": "what is served"}


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One distance.

    Attributes:
        kind: `drift` or `skew`.
        feature: a feature of the schema, or what an input measures, behind its name where there are several inputs.
        measure: how the distance is defined.
        distance: its value.
        bound: the largest value that is accepted; None where nothing is judged.
        breached: whether the distance is above its bound, or there is nothing to compare a feature with that the
            schema has a comparator for.
    """

    kind: Kind
    feature: str
    measure: str
    distance: float
    bound: float | None
    breached: bool

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return dataclasses.asdict(self)

    def describe(self) -> str:
        """For people."""
        if self.measure == MISSING:
            return f"{self.kind}: the schema compares {self.feature!r}, which {_OTHER[self.kind]} does not have"
        return (
            f"{self.kind}: {self.feature!r} differs from {_OTHER[self.kind]}: {self.measure} is {self.distance:.4f}, "
            f"at most {self.bound:g} was asked for"
        )


@dataclasses.dataclass(frozen=True)
class _Profiles:
    """What StatisticsGen left of the inputs on both sides."""

    statistics: types.Artifact
    split: str
    other: types.Artifact
    other_split: str

    def __call__(self, file: str) -> tuple[str | None, str | None]:
        return _text(self.statistics, self.split, file), _text(self.other, self.other_split, file)


def compare(
    statistics: types.Artifact,
    previous: types.Artifact | None,
    serving: types.Artifact | None,
    *,
    schema: schema_pb2.Schema,
    split: str,
    inputs: kinds.Inputs,
    validator: ValidatorConfig,
) -> list[Comparison]:
    """Compares the statistics of a split with earlier ones and with those of serving.

    Args:
        statistics: StatisticsGen's artifact of this run.
        previous: of the span before; None where there is none.
        serving: of what is served; None where nobody keeps that.
        schema: with the comparators.
        split: the split of `statistics` and `previous` to compare.
        inputs: of the task.
        validator: the section of the configuration.

    Returns:
        All distances, drift first.
    """
    found: list[Comparison] = []
    others: list[tuple[Kind, types.Artifact | None, str]] = [("drift", previous, split), ("skew", serving, "serving")]
    for kind, other, name in others:
        if other is not None:
            found += _by_schema(kind, _statistics(statistics, split), _statistics(other, name), schema)
            judged = judge(inputs, _Profiles(statistics, split, other, name), validator)
            found += (Comparison(kind, **vars(item)) for item in judged)
    return found


def _by_schema(kind: Kind, ours: Any, theirs: Any, schema: schema_pb2.Schema) -> Iterator[Comparison]:
    other = {"previous_statistics" if kind == "drift" else "serving_statistics": theirs}
    missing = {feature.name for feature in schema.feature if feature.HasField(f"{kind}_comparator")}
    for info in tfdv.validate_statistics(ours, schema, **other).drift_skew_info:
        for item in info.drift_measurements if kind == "drift" else info.skew_measurements:
            missing.discard(".".join(info.path.step))
            yield Comparison(
                kind=kind,
                feature=".".join(info.path.step),
                measure=_MEASURES.get(item.type, "distance"),
                distance=item.value,
                bound=item.threshold,
                breached=item.value > item.threshold,
            )
    for feature in sorted(missing):
        yield Comparison(kind, feature, MISSING, distance=1.0, bound=None, breached=True)


def _statistics(artifact: types.Artifact, split: str) -> Any:
    return stats_artifact_utils.load_statistics(artifact, split).proto()


def _text(artifact: types.Artifact, split: str, file: str) -> str | None:
    """None where another split was summarised, or an older version of this project made the statistics."""
    path = os.path.join(artifact_utils.get_split_uri([artifact], split), file)
    if not fileio.exists(path):
        return None
    with fileio.open(path) as stream:
        return stream.read()
