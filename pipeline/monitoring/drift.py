"""Distances between two sets of statistics: this span and the one before (drift), training and serving (skew).

The schema's comparators are TensorFlow Data Validation's, the text distances those of `modules.text.statistics`.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from typing import Any, Literal

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)
from modules.artifact_files import PROFILE_FILE
from modules.text import statistics as text_statistics

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx import types
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from pipeline.config.validator import ValidatorConfig

Kind = Literal["drift", "skew"]
_MEASURES = {
    anomalies_pb2.DriftSkewInfo.Measurement.L_INFTY: text_statistics.NORM,
    anomalies_pb2.DriftSkewInfo.Measurement.JENSEN_SHANNON_DIVERGENCE: text_statistics.DIVERGENCE,
    anomalies_pb2.DriftSkewInfo.Measurement.NORMALIZED_ABSOLUTE_DIFFERENCE: "normalized_absolute_difference",
}
MISSING = "missing"
_OTHER = {"drift": "the span before", "skew": "what is served"}


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One distance.

    Attributes:
        kind: `drift` or `skew`.
        feature: a feature of the schema, or a text statistic.
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


def compare(
    statistics: types.Artifact,
    previous: types.Artifact | None,
    serving: types.Artifact | None,
    *,
    schema: schema_pb2.Schema,
    split: str,
    validator: ValidatorConfig,
) -> list[Comparison]:
    """Compares the statistics of a split with earlier ones and with those of serving.

    Args:
        statistics: StatisticsGen's artifact of this run.
        previous: of the span before; None where there is none.
        serving: of what is served; None where nobody keeps that.
        schema: with the comparators.
        split: the split of `statistics` and `previous` to compare.
        validator: the section of the configuration.

    Returns:
        All distances, drift first.
    """
    found: list[Comparison] = []
    others: list[tuple[Kind, types.Artifact | None, str]] = [("drift", previous, split), ("skew", serving, "serving")]
    for kind, other, name in others:
        if other is not None:
            found += _by_schema(kind, _statistics(statistics, split), _statistics(other, name), schema)
            found += _by_text(kind, _profile(statistics, split), _profile(other, name), validator)
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


def _by_text(
    kind: Kind,
    ours: text_statistics.TextProfile | None,
    theirs: text_statistics.TextProfile | None,
    validator: ValidatorConfig,
) -> Iterator[Comparison]:
    if ours is None or theirs is None:
        return
    judged = min(ours.sampled, theirs.sampled) >= validator.min_rows
    for item in text_statistics.distances(ours, theirs):
        bound = getattr(validator.text, item.feature) if judged else None
        breached = bound is not None and item.value > bound
        yield Comparison(kind, item.feature, item.measure, item.value, bound, breached)


def _statistics(artifact: types.Artifact, split: str) -> Any:
    return stats_artifact_utils.load_statistics(artifact, split).proto()


def _profile(artifact: types.Artifact, split: str) -> text_statistics.TextProfile | None:
    """None where another split was summarised, or an older version of this project made the statistics."""
    path = os.path.join(artifact_utils.get_split_uri([artifact], split), PROFILE_FILE)
    if not fileio.exists(path):
        return None
    with fileio.open(path) as stream:
        return text_statistics.TextProfile.from_json(stream.read())
