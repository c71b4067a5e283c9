"""What a report says of the data: counts by split, label and slice, lengths, quarantine, drift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modules.artifact_files import DRIFT_FILE
from modules.machine.progress import tell
from modules.report.files import read_json
from modules.report.settings import ReporterNodeSettings
from modules.rows.batches import read_split
from modules.tensors import Tensor

import numpy as np
import tensorflow as tf
from tensorflow_metadata.proto.v0 import statistics_pb2

if TYPE_CHECKING:
    from modules.report.facts.artifacts import Artifacts

SPLITS = ("train", "eval", "test")


def data(artifacts: Artifacts, settings: ReporterNodeSettings) -> dict[str, Any] | None:
    """The section `data`; None where nothing was counted yet.

    Args:
        artifacts: of the run.
        settings: what Reporter is told.
    """
    splits = _counts(artifacts.statistics, settings) if artifacts.statistics else {}
    counts = read_json(artifacts.examples, "quarantine", "counts.json")
    if not splits and counts is None:
        return None
    window = settings.window
    limit = settings.config.reporter.length_rows
    return {
        "splits": splits,
        "lengths": _lengths(artifacts.transformed_examples, settings.mask, window, limit)
        if artifacts.transformed_examples
        else None,
        "quarantine": counts["quarantined"] if counts else None,
        "drift": read_json(artifacts.anomalies, DRIFT_FILE),
    }


def _counts(folder: str, settings: ReporterNodeSettings) -> dict[str, Any]:
    """Rows of each split by label and by slice, from TFDV's statistics."""
    found = {}
    for split in SPLITS:
        path = f"{folder.rstrip('/')}/Split-{split}/FeatureStats.pb"
        if not tf.io.gfile.exists(path):
            continue
        with tf.io.gfile.GFile(path, "rb") as file:
            [statistics] = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read()).datasets
        values = {
            feature.path.step[0] if feature.path.step else feature.name: feature for feature in statistics.features
        }
        found[split] = {
            "rows": int(statistics.num_examples),
            "labels": _frequencies(values.get(settings.label)),
            "slices": {column: _frequencies(values.get(column)) for column in settings.slices},
        }
    return found


def _frequencies(feature: Any) -> dict[str, int]:
    if feature is None:
        return {}
    return {
        bucket.label: int(bucket.sample_count)
        for bucket in sorted(feature.string_stats.rank_histogram.buckets, key=lambda bucket: bucket.label)
    }


def _lengths(folder: str, mask: str, window: int, limit: int) -> dict[str, Any]:
    """How many rows have how many tokens, by split."""
    splits = {}
    for split in SPLITS:
        pattern = f"{folder.rstrip('/')}/Split-{split}/*"
        if not tf.io.gfile.glob(pattern):
            continue
        tell(f"counting the lengths of {split}")
        counts = np.zeros(window + 1, np.int64)
        tensor = Tensor(mask, "int32", (window,))
        for _, ones in read_split([pattern], [], tensor).unbatch().take(limit).batch(1024):
            counts += np.bincount(ones.numpy().sum(axis=1), minlength=window + 1)
        splits[split] = counts.tolist()
    return {"window": window, "limit": limit, "splits": splits}
