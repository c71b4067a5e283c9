"""What a report says of the data: counts by split, label and slice, what the inputs tell, quarantine, drift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modules.artifact_files import AUGMENTATION_FILE, DRIFT_FILE
from modules.inputs.kinds import playing, with_backbone
from modules.network.architecture import TEXT
from modules.report.files import read_json
from modules.report.settings import ReporterNodeSettings
from modules.targets.base import Target

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
    return {
        "splits": splits,
        "lengths": None,
        "quarantine": counts["quarantined"] if counts else None,
        "augmentation": read_json(artifacts.examples, AUGMENTATION_FILE),
        "drift": read_json(artifacts.anomalies, DRIFT_FILE),
        **(_of_inputs(artifacts.transformed_examples, settings) if artifacts.transformed_examples else {}),
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
            "labels": _by_label(_frequencies(values.get(settings.target.column)), settings.target),
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


def _by_label(cells: Mapping[str, int], target: Target) -> dict[str, int]:
    """Rows by label; a row with several counts for each."""
    found: Counter[str] = Counter()
    for cell, rows in cells.items():
        for name in target.cell.names_in(cell):
            found[name] += rows
    return dict(found)


def _of_inputs(folder: str, settings: ReporterNodeSettings) -> dict[str, Any]:
    """What the kinds of the inputs find in Transform's examples: at the top that of the encoded one, then the others.

    A text is what the format began with, so its kind is not named.
    """
    patterns = {split: f"{folder.rstrip('/')}/Split-{split}/*" for split in SPLITS}
    there = {split: pattern for split, pattern in patterns.items() if tf.io.gfile.glob(pattern)}
    main, limit = with_backbone(settings.inputs), settings.config.reporter.length_rows
    found: dict[str, Any] = {}
    for name, (part, find) in playing(settings.inputs, "facts").items():
        facts = find(part, there, limit=limit)
        if part is main:
            found |= {**facts, **({"encoded": part.kind} if part.kind != TEXT else {})}
        else:
            found.setdefault("inputs", {})[name] = {"kind": part.kind, **facts}
    return found
