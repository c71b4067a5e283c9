"""What became of the rows: whether a run may go on, and the numbers that the artifact and the summary tell."""

from __future__ import annotations

import gzip
import itertools
import json
import posixpath
from collections.abc import Mapping
from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TensorFlow)

import tensorflow as tf

from pipeline.config.rows.cleaning import CleaningConfig
from pipeline.ingest import cleaning, transforms
from pipeline.ingest.rows import DataError


def check(counts: Mapping[str, Any], folder: str, config: CleaningConfig) -> None:
    """Makes sure that no row vanished, and that not too many were kept back.

    Args:
        counts: as `transforms.read_counts` gives them.
        folder: with the rows that were kept back.
        config: the largest share.

    Raises:
        DataError: more were kept back than allowed.
        RuntimeError: rows vanished; a fault of this project, not of the data.
    """
    kept_back = sum(counts["quarantined"].values())
    if counts["rows"] != counts["kept"] + kept_back:
        raise RuntimeError(
            f"{counts['rows']} rows were read, but {counts['kept']} kept and {kept_back} quarantined: rows vanished."
        )
    problem = cleaning.too_many(counts["quarantined"], counts["rows"], config, first_quarantined(folder))
    if problem:
        raise DataError(problem)


def first_quarantined(folder: str) -> list[cleaning.Quarantined]:
    """The first few rows that were kept back, in the order in which they were written."""
    with (
        tf.io.gfile.GFile(posixpath.join(folder, transforms.QUARANTINE_FILE), "rb") as packed,
        gzip.open(packed, "rt", encoding="utf-8") as lines,
    ):
        return [cleaning.Quarantined(**json.loads(line)) for line in itertools.islice(lines, cleaning.EXAMPLES)]


def properties(counts: Mapping[str, Any]) -> dict[str, int]:
    """The counts as properties of the Examples artifact: `rows_read`, `rows_kept`, `quarantined`, and by reason."""
    by_reason = {f"quarantined_{reason}": count for reason, count in counts["quarantined"].items()}
    return {
        "rows_read": counts["rows"],
        "rows_kept": counts["kept"],
        "quarantined": sum(by_reason.values()),
        **by_reason,
    }
